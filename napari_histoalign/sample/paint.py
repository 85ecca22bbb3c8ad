"""Paint rectangles of a planned slide: amounts of dye and the class of every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_histoalign.sample.muscle import frame
from napari_histoalign.sample.noise import Field, enlarged, smoothstep, wrapped
from napari_histoalign.sample.nuclei import stamp
from napari_histoalign.sample.plan import (
    ADIPOSE,
    BENIGN,
    GLASS,
    LYMPHOID,
    MALIGNANT,
    MUCIN,
    MUSCLE,
    NECROSIS,
    STROMA,
    Plan,
)
from napari_histoalign.sample.zones import CELL_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Painted:
    """A rectangle of a slide: dye amounts float32 (h, w), classes uint8 (h, w), lumina bool (h, w)."""

    hematoxylin: Field
    eosin: Field
    labels: NDArray[np.uint8]
    lumen: NDArray[np.bool_]


def paint(plan: Plan, x: int, y: int, width: int, height: int) -> Painted:
    """Paint one rectangle (slide pixels); neighbouring rectangles meet without a seam.

    Parameters
    ----------
    plan
        The slide.
    x, y, width, height
        The rectangle.
    """
    g = plan.ground

    def field(coarse: Field) -> Field:
        return enlarged(coarse, CELL_PX, x, y, width, height)

    labels = np.full((height, width), STROMA, dtype=np.uint8)
    lumen = np.zeros((height, width), dtype=bool)
    tissue = field(g.tissue)
    if float(tissue.max()) <= 0:
        empty = np.zeros((height, width), dtype=np.float32)
        return Painted(empty, empty.copy(), np.zeros_like(labels), lumen)
    grain = wrapped(plan.textures.grain, x, y, width, height)
    cloud = wrapped(plan.textures.cloud, x, y, width, height)
    tumour_zone, lobule = field(g.tumour_zone), field(g.lobule)
    eosin = _collagen(plan, field(g.along), field(g.across))
    eosin *= plan.tone[0] * (1 - 0.3 * lobule - 0.12 * tumour_zone) * (1 + 0.06 * cloud)
    hematoxylin = 0.05 + 0.05 * tumour_zone + 0.012 * grain
    _muscle(plan, x, y, hematoxylin, eosin, labels)
    lymphoid = field(plan.lymphoid)
    labels[lymphoid > 0] = LYMPHOID
    _fat(plan, field(g.fat), x, y, hematoxylin, eosin, labels)
    _mucin(plan, x, y, hematoxylin, eosin, labels)
    _sheets(plan, x, y, hematoxylin, eosin, labels)
    _nests(plan, x, y, hematoxylin, eosin, labels, lumen)
    _glands(plan, x, y, hematoxylin, eosin, labels, lumen)
    hematoxylin = np.asarray(hematoxylin * tissue, dtype=np.float32)
    eosin = np.asarray(eosin * tissue, dtype=np.float32)
    labels[tissue < 0.5] = GLASS
    stamp(hematoxylin, eosin, plan.cells, x, y, plan.textures.chromatin)
    eosin *= 1 + 0.05 * grain
    return Painted(np.maximum(hematoxylin, 0), np.maximum(eosin, 0), labels, lumen)


def _collagen(plan: Plan, along: Field, across: Field) -> Field:
    """Wavy fibres with pale clefts between them, about 1 on average."""
    spread = across * np.float32(plan.tone[3])
    bundle, thin = (_sampled(tile, spread, along) for tile in (plan.textures.fibre, plan.textures.thin_fibre))
    contrast = np.float32(plan.tone[2])
    fibre = 0.92 + contrast * (0.26 * bundle + 0.15 * thin)
    shift = np.float32(0.9 * (1 - plan.tone[2]))  # dense collagen hardly splits
    cleft = smoothstep(bundle + 0.35 * thin + shift, -1.75, -1.15)
    return np.asarray(np.clip(fibre, 0.25, 1.9) * (0.25 + 0.75 * cleft), dtype=np.float32)


def _busy(coarse: Field, x: int, y: int, width: int, height: int) -> tuple[slice, slice] | None:
    """Rows and columns of a block outside which a soft mask is 0; None where it is 0 everywhere."""
    first_row, first_column = max(y // CELL_PX - 1, 0), max(x // CELL_PX - 1, 0)
    seen = coarse[first_row : (y + height) // CELL_PX + 2, first_column : (x + width) // CELL_PX + 2]
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return None
    top, left = ((first + at[0] - 1) * CELL_PX for first, at in ((first_row, rows), (first_column, columns)))
    bottom, right = (
        (first + at[-1] + 2) * CELL_PX for first, at in ((first_row, rows), (first_column, columns))
    )
    part = (
        slice(max(int(top) - y, 0), min(int(bottom) - y, height)),
        slice(max(int(left) - x, 0), min(int(right) - x, width)),
    )
    # what was seen may lie just beside the block
    return part if all(side.start < side.stop for side in part) else None


def _sampled(tile: Field, rows: Field, columns: Field) -> Field:
    """A periodic tile at these coordinates (any shape)."""
    points = np.stack([rows, columns])
    out = ndimage.map_coordinates(tile, points, order=1, mode="grid-wrap", output=np.float32)
    return np.asarray(out, dtype=np.float32)


def _muscle(plan: Plan, x: int, y: int, hematoxylin: Field, eosin: Field, labels: NDArray[np.uint8]) -> None:
    """Dense pink bundles of fine straight fibrils, split by thin pale septa."""
    part = _busy(plan.ground.muscle, x, y, eosin.shape[1], eosin.shape[0])
    if part is None:
        return
    left, top = x + part[1].start, y + part[0].start
    height, width = eosin[part].shape
    muscle = enlarged(plan.ground.muscle, CELL_PX, left, top, width, height)
    sway = enlarged(plan.ground.sway, CELL_PX, left, top, width, height)
    right, down = np.meshgrid(
        np.arange(left, left + width, dtype=np.float32) + np.float32(0.5),
        np.arange(top, top + height, dtype=np.float32) + np.float32(0.5),
    )
    place = frame(plan.bundles, right, down, sway, plan.mpp)
    cells = _sampled(plan.textures.thin_fibre, place.across * np.float32(0.6), place.along * np.float32(0.36))
    fibrils = _sampled(
        plan.textures.thin_fibre, place.across * np.float32(1.5), place.along * np.float32(0.5)
    )
    cloud = wrapped(plan.textures.cloud, left + 137, top + 419, width, height)
    septum = 1 - smoothstep(place.border, 0.8 / plan.mpp, 3.6 / plan.mpp)
    # here and there two fibres part
    slit = smoothstep(cells, 1.5, 2.3)
    pink = (0.16 + plan.tone[0]) * (1 + 0.10 * cells + 0.06 * fibrils + 0.04 * cloud)
    pink *= (1 - 0.58 * septum) * (1 - 0.45 * slit)
    blue = (0.15 + 0.015 * cells) * (1 - 0.4 * septum)
    eosin[part] += muscle * (pink - eosin[part])
    hematoxylin[part] += muscle * (blue - hematoxylin[part])
    labels[part][muscle > 0.5] = MUSCLE


def _mucin(plan: Plan, x: int, y: int, hematoxylin: Field, eosin: Field, labels: NDArray[np.uint8]) -> None:
    """A pale grey-blue pool with streaks and wisps in it, and a thin fibrous rim around it."""
    part = _busy(plan.ground.mucin, x, y, eosin.shape[1], eosin.shape[0])
    if part is None:
        return
    left, top = x + part[1].start, y + part[0].start
    height, width = eosin[part].shape
    mucin = enlarged(plan.ground.mucin, CELL_PX, left, top, width, height)
    along, across, sway = (
        enlarged(coarse, CELL_PX, left, top, width, height)
        for coarse in (plan.ground.along, plan.ground.across, plan.ground.sway)
    )
    across = across + np.float32(16 / plan.mpp) * sway
    along = along + np.float32(9 / plan.mpp) * sway
    cloud = wrapped(plan.textures.cloud, left + 311, top + 57, width, height)
    streaks = _sampled(plan.textures.fibre, across * np.float32(0.4), along * np.float32(0.7))
    strings = _sampled(plan.textures.thin_fibre, across * np.float32(0.42), along * np.float32(0.3))
    # strings gather where the streaks are thick, and are lost elsewhere
    wisp = np.clip(1 - np.abs(strings) / 0.22, 0, 1) * smoothstep(streaks + 0.4 * sway, -0.7, 1.1)
    blue = plan.tone[4] * (1 + 0.15 * sway + 0.20 * streaks + 0.10 * cloud) + 0.10 * wisp
    pink = plan.tone[5] * (1 - 0.3 * sway + 0.15 * streaks) + 0.03 * wisp
    pool = smoothstep(mucin, 0.45, 0.75)
    ring = smoothstep(mucin, 0.02, 0.25)
    eosin[part] *= 1 - ring
    eosin[part] += ring * (
        1.15 * plan.tone[0] * (1 + 0.08 * cloud) * (1 - pool) + pool * np.maximum(pink, 0.01)
    )
    hematoxylin[part] += pool * (np.clip(blue, 0.05, 0.26) - hematoxylin[part])
    labels[part][mucin > 0.5] = MUCIN


def _fat(
    plan: Plan, fat: Field, x: int, y: int, hematoxylin: Field, eosin: Field, labels: NDArray[np.uint8]
) -> None:
    """Empty round cells with thin rims."""
    if float(fat.max()) <= 0.01:
        return
    height, width = fat.shape
    coarse_x, coarse_y = (
        np.arange(x // 2, (x + width) // 2 + 2) * 2,
        np.arange(y // 2, (y + height) // 2 + 2) * 2,
    )
    reach = 150 / plan.mpp
    p = plan.fat_cells
    near = (np.abs(p[:, 0] - x - width / 2) < width / 2 + reach) & (
        np.abs(p[:, 1] - y - height / 2) < height / 2 + reach
    )
    sway = plan.textures.cloud
    bend = 1.6 / plan.mpp
    xx, yy = np.meshgrid(coarse_x.astype(np.float32), coarse_y.astype(np.float32))
    rows, columns = coarse_y[:, None] // 4 % sway.shape[0], coarse_x[None, :] // 4 % sway.shape[1]
    points = np.stack(
        [xx + bend * sway[rows, columns], yy + bend * sway.T[columns % sway.shape[0], rows % sway.shape[1]]],
        -1,
    )
    distance, _ = cKDTree(p[near]).query(points.reshape(-1, 2), k=3)
    d = distance.reshape(*xx.shape, 3).astype(np.float32)
    # the third neighbour fattens the corners where three cells meet, so that cells look round
    wall = (d[..., 1] - d[..., 0]) - 0.55 * np.maximum(14 / plan.mpp - (d[..., 2] - d[..., 0]), 0)
    wall = enlarged(wall, 2, x - (x // 2) * 2, y - (y // 2) * 2, width, height)
    rim = 1 - smoothstep(wall, 1.2 / plan.mpp, 2.6 / plan.mpp)
    eosin *= 1 - fat
    eosin += fat * rim * np.float32(0.42)
    hematoxylin *= 1 - fat * (1 - 0.6 * rim)
    labels[fat > 0.5] = ADIPOSE


def _sheets(plan: Plan, x: int, y: int, hematoxylin: Field, eosin: Field, labels: NDArray[np.uint8]) -> None:
    """Cytoplasm of solid benign epithelium."""
    height, width = eosin.shape
    sheet = enlarged(plan.ground.sheet, CELL_PX, x, y, width, height)
    if float(sheet.max()) <= -0.1:
        return
    cloud = wrapped(plan.textures.cloud, x + 203, y + 641, width, height)
    inside = smoothstep(sheet, -0.03, 0.04)
    eosin += inside * (plan.tone[1] * (0.88 + 0.12 * cloud) - eosin)
    hematoxylin += inside * (0.14 + 0.02 * cloud - hematoxylin)
    labels[inside > 0.5] = BENIGN


def _nests(
    plan: Plan,
    x: int,
    y: int,
    hematoxylin: Field,
    eosin: Field,
    labels: NDArray[np.uint8],
    lumen: NDArray[np.bool_],
) -> None:
    """Tumour cytoplasm, the holes in tumour glands, and necrosis."""
    height, width = eosin.shape
    nest = enlarged(plan.ground.nest, CELL_PX, x, y, width, height)
    if float(nest.max()) <= -0.1:
        return
    cloud = wrapped(plan.textures.cloud, x + 517, y + 233, width, height)
    inside = smoothstep(nest, -0.02, 0.04)
    # tumour shrinks from its stroma: a pale cleft around the nest
    eosin *= 1 - 0.45 * np.clip(1 - np.abs(nest + 0.06) / 0.05, 0, 1)
    eosin += inside * (plan.tone[1] * (0.95 + 0.2 * cloud) - eosin)
    hematoxylin += inside * (0.20 + 0.035 * cloud - hematoxylin)
    hole = smoothstep(enlarged(plan.ground.tumour_lumen, CELL_PX, x, y, width, height), -0.02, 0.06) * inside
    eosin *= 1 - 0.93 * hole
    hematoxylin *= 1 - 0.93 * hole
    dead = smoothstep(enlarged(plan.ground.necrosis, CELL_PX, x, y, width, height), -0.01, 0.02) * inside
    grain = wrapped(plan.textures.grain, x + 91, y + 411, width, height)
    eosin += dead * (0.72 + 0.14 * cloud + 0.12 * grain - eosin)
    hematoxylin += dead * (0.07 + 0.03 * grain - hematoxylin)
    labels[inside > 0.5] = MALIGNANT
    labels[dead > 0.5] = NECROSIS
    lumen |= hole > 0.5


def _glands(
    plan: Plan,
    x: int,
    y: int,
    hematoxylin: Field,
    eosin: Field,
    labels: NDArray[np.uint8],
    lumen: NDArray[np.bool_],
) -> None:
    """Benign epithelium: a thin basement membrane, pale cytoplasm, an open lumen."""
    height, width = eosin.shape
    for gland in plan.glands:
        reach = int(gland.radius * 1.4) + 4
        left, top = max(int(gland.x) - reach, x), max(int(gland.y) - reach, y)
        right, bottom = min(int(gland.x) + reach, x + width), min(int(gland.y) + reach, y + height)
        if left >= right or top >= bottom:
            continue
        depth = gland.depth(left, top, right - left, bottom - top)
        part = (slice(top - y, bottom - y), slice(left - x, right - x))
        cloud = wrapped(plan.textures.cloud, left + 77, top + 901, right - left, bottom - top)
        px = 1 / plan.mpp
        wall = smoothstep(depth, -0.5, 0.8 * px)
        ring = np.clip(1 - np.abs(depth + 0.8 * px) / (1.0 * px), 0, 1)
        open_space = smoothstep(depth, gland.wall - 0.7 * px, gland.wall + 0.7 * px)
        pink = eosin[part] + wall * (plan.tone[1] * 0.85 + 0.05 * cloud - eosin[part])
        blue = hematoxylin[part] + wall * (0.13 + 0.02 * cloud - hematoxylin[part])
        secretion = 0.10 if int(gland.x) % 3 == 0 else 0.0
        eosin[part] = (pink + 0.25 * ring) * (1 - open_space) + open_space * secretion * (1 + 0.2 * cloud)
        hematoxylin[part] = blue * (1 - open_space) + 0.02 * open_space
        labels[part][depth > 0] = BENIGN
        lumen[part] |= depth > gland.wall
