"""Where things are: the outline of the tissue, its fat, and round zones for lobules and tumours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_histoalign.sample.noise import Field, smooth_noise, smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELL_PX = 8
"""Slide pixels per pixel of the coarse fields and of the label map."""

GROWTH = ("solid", "nests", "cords", "glands")
"""How a tumour grows: sheets, islands, thin rows, or glands gone wrong."""

CALM = ("lobule", "sheet", "muscle", "mucin")
"""Zones that no tumour enters."""


@dataclass(frozen=True)
class Zone:
    """A round part of the tissue, in slide pixels; `growth` is a tumour's, or what else grows there."""

    x: float
    y: float
    radius: float
    growth: str


@dataclass(frozen=True)
class Ground:
    """The coarse fields everything else is placed on; each float32 (rows, columns), one pixel per 8 x 8.

    Attributes
    ----------
    tissue, fat, tumour_zone, lobule
        0 outside, 1 inside, with a soft edge.
    nest, tumour_lumen, necrosis
        Positive inside tumour nests, in their holes, and where their core has died.
    sheet
        Positive inside solid benign epithelium (florid hyperplasia, papilloma).
    muscle, mucin
        0 outside, 1 inside smooth muscle and pools of mucin, with a soft edge.
    sway
        Smooth noise of unit deviation that bends muscle fibres and wisps of mucin.
    along, across
        Curved coordinates (pixels) along and across the collagen fibres.
    """

    tissue: Field
    fat: Field
    tumour_zone: Field
    lobule: Field
    nest: Field
    tumour_lumen: Field
    necrosis: Field
    sheet: Field
    muscle: Field
    mucin: Field
    sway: Field
    along: Field
    across: Field


def outline(rng: np.random.Generator, n: int) -> Field:
    """Irregular outline of the tissue on the glass: positive inside, about 1 in the middle."""
    rows, columns = np.mgrid[0:n, 0:n].astype(np.float32) / n - 0.5
    tilt = rng.uniform(0, np.pi)
    a, b = rng.uniform(0.42, 0.46), rng.uniform(0.37, 0.42)
    u, v = columns * np.cos(tilt) + rows * np.sin(tilt), rows * np.cos(tilt) - columns * np.sin(tilt)
    # a squarish oval uses the glass better than an ellipse
    distance = (np.abs(u / a) ** 3 + np.abs(v / b) ** 3) ** (1 / 3)
    ragged = 0.07 * smooth_noise(rng, (n, n), n / 9) + 0.025 * smooth_noise(rng, (n, n), n / 40)
    edge = np.minimum.reduce([rows + 0.5, 0.5 - rows, columns + 0.5, 0.5 - columns])
    # near the border of the glass the outline bends away instead of being cut straight
    push = 2.2 * np.clip(1 - edge / 0.08, 0, 1) ** 2
    return np.asarray(1 - distance + ragged - push, dtype=np.float32)


def throw_zones(rng: np.random.Generator, inside: Field, size_px: int, mpp: float) -> list[Zone]:
    """Place tumours, lobules, sheets, foci of lymphocytes, then muscle and mucin, so that none overlap.

    Parameters
    ----------
    rng
        Where the randomness comes from.
    inside
        Field that is positive in the tissue, float32 (n, n).
    size_px, mpp
        Side of the slide in pixels, and micrometres per pixel.
    """
    room = ndimage.distance_transform_edt(inside > 0).astype(np.float32) * CELL_PX * mpp
    side = size_px * mpp
    big = side > 2000
    zones: list[Zone] = []
    order = list(rng.permutation(len(GROWTH)))
    wanted = [
        (GROWTH[order[i % 4]], rng.uniform(0.075, 0.11) * side if big else rng.uniform(0.13, 0.17) * side)
        for i in range(4 if big else 2)
    ]
    lobules = 9 if side > 3000 else 7 if big else 4
    wanted += [
        ("lobule", rng.uniform(0.045, 0.075) * side if big else rng.uniform(95, 150)) for _ in range(lobules)
    ]
    wanted += [("sheet", rng.uniform(90, 190)) for _ in range(3 if big else 1)]
    wanted += [("foci", rng.uniform(60, 130)) for _ in range(3 if big else 1)]
    fitted = ("muscle", "mucin", "muscle", "mucin")[: 2 + int(rng.integers(3)) if big else 2]
    wanted += [(kind, rng.uniform(0.055, 0.085) * side if big else rng.uniform(120, 190)) for kind in fitted]
    rows, columns = np.mgrid[0 : room.shape[0], 0 : room.shape[1]].astype(np.float32) * CELL_PX * mpp
    for growth, radius in wanted:
        radius = max(radius, 60.0)
        margin = {"foci": 0.3, "lobule": 0.75}.get(growth, 0.9)
        if growth in fitted:
            # what is placed last takes the room that is left
            radius = max(min(radius, float(room.max()) / 1.01), 60.0)
            margin = 1.0
        rows_free, columns_free = np.nonzero(room > radius * margin)
        if len(rows_free) == 0:
            continue
        pick = int(rng.integers(len(rows_free)))
        x, y = float(columns[0, columns_free[pick]]), float(rows[rows_free[pick], 0])
        zones.append(Zone(x / mpp, y / mpp, radius / mpp, growth))
        taken = np.hypot(columns - x, rows - y) - radius * (0.9 if growth == "foci" else 1.0)
        room = np.minimum(room, taken)
    return zones


def lay_ground(rng: np.random.Generator, size_px: int, mpp: float) -> tuple[Ground, list[Zone]]:
    """Decide what lies where on a square slide.

    Parameters
    ----------
    rng
        Where the randomness comes from.
    size_px, mpp
        Side of the slide in pixels, and micrometres per pixel.
    """
    n = -(-size_px // CELL_PX)
    grain = CELL_PX * mpp  # micrometres per coarse pixel
    shape = (n, n)
    inside = outline(rng, n)
    tissue = smoothstep(inside, -0.004, 0.012)
    zones = throw_zones(rng, inside - 0.02, size_px, mpp)

    rows, columns = np.mgrid[0:n, 0:n].astype(np.float32) * CELL_PX
    wobble = smooth_noise(rng, shape, 45 / grain) * 0.10 + smooth_noise(rng, shape, 20 / grain) * 0.05
    nearness = {kind: np.full(shape, -9.0, dtype=np.float32) for kind in (*CALM, *GROWTH)}
    for zone in zones:
        if zone.growth in nearness:
            near = 1 - np.hypot(columns - zone.x, rows - zone.y) / zone.radius + wobble
            nearness[zone.growth] = np.maximum(nearness[zone.growth], near)
    tumour = np.maximum.reduce([nearness[kind] for kind in GROWTH])
    nest, holes = _nests(rng, shape, grain, nearness)
    calm = np.maximum.reduce([nearness[kind] for kind in CALM])
    nest = np.minimum(nest, -6 * calm - 0.2)
    mucin = nearness["mucin"]
    # solid like a tumour but with a smooth border, split by thin septa
    septa = 0.75 * smooth_noise(rng, shape, 17 / grain) + 0.75
    sheet = np.minimum(np.clip(8 * nearness["sheet"], -1, 1), septa).astype(np.float32)
    # small clumps of cells float in the mucin of some slides
    clump = np.clip(2.0 * (smooth_noise(rng, shape, 12 / grain) - 1.6), -1, 1)
    clump = np.where(mucin > 0.15, clump, -1.0).astype(np.float32)
    float_kind = rng.random()
    if float_kind < 0.25:
        sheet = np.maximum(sheet, clump)
    elif float_kind < 0.5:
        nest = np.maximum(nest, clump)
    core = ndimage.gaussian_filter(np.minimum(nest, 0.6), 42 / grain)
    dying = 0.0 if rng.random() < 0.6 else -0.5
    necrosis = core - 0.56 + dying + 0.06 * smooth_noise(rng, shape, 25 / grain)

    occupied = np.maximum(smoothstep(tumour, -0.25, 0.0), smoothstep(calm, -0.3, -0.05))
    fat_noise = smooth_noise(rng, shape, 190 / grain) + 0.35 * smooth_noise(rng, shape, 60 / grain)
    level = np.quantile(fat_noise, rng.uniform(0.62, 0.74))
    fat = smoothstep(fat_noise - level - 2.5 * occupied, -0.03, 0.03) * smoothstep(inside, 0.0, 0.02)
    along, across = _fibres(rng, shape, grain, np.maximum.reduce([nest, sheet, mucin, nearness["muscle"]]))
    ground = Ground(
        tissue=tissue,
        fat=fat,
        tumour_zone=smoothstep(tumour, -0.15, 0.1),
        lobule=smoothstep(nearness["lobule"], -0.05, 0.05),
        nest=nest,
        tumour_lumen=holes,
        necrosis=necrosis.astype(np.float32),
        sheet=sheet,
        muscle=smoothstep(nearness["muscle"], -0.02, 0.03),
        mucin=smoothstep(mucin, -0.03, 0.06),
        sway=smooth_noise(rng, shape, 38 / grain),
        along=along / np.float32(mpp),
        across=across / np.float32(mpp),
    )
    return ground, zones


def _nests(
    rng: np.random.Generator, shape: tuple[int, int], grain: float, nearness: dict[str, Field]
) -> tuple[Field, Field]:
    """Tumour nests and the holes in them; thinner and scattered towards the edge of their zone."""
    coarse = smooth_noise(rng, shape, 26 / grain)
    middle = smooth_noise(rng, shape, 15 / grain)
    fine = smooth_noise(rng, shape, 8.5 / grain)
    ridge = 0.9 - 1.6 * np.abs(smooth_noise(rng, shape, 13 / grain))
    patterns = {
        "solid": 0.8 * coarse + 0.2 * fine + 1.0,
        "nests": 0.9 * middle + 0.15 * fine + 0.1,
        "cords": ridge + 0.25 * fine - 0.25,
        "glands": 0.8 * coarse + 0.3 * fine + 0.45,
    }
    nest = np.full(shape, -1.0, dtype=np.float32)
    for kind, pattern in patterns.items():
        near = np.clip(nearness[kind], -0.35, 0.35)
        # the tumour sends islands past its border: noise may win where the zone has just ended
        field = pattern + 3.2 * np.minimum(near, 0.12) - 0.25
        field = np.where(nearness[kind] < -0.3, -1.0, field)
        nest = np.maximum(nest, np.clip(field, -1, 1))
    glands = smoothstep(nearness["glands"], -0.3, 0.0)
    holes = smooth_noise(rng, shape, 9.5 / grain) - 0.75 - 2.0 * (1 - glands) - 2.0 * (nest < 0.45)
    return nest.astype(np.float32), np.clip(holes, -1, 1).astype(np.float32)


def _fibres(
    rng: np.random.Generator, shape: tuple[int, int], grain: float, nest: NDArray[np.float32]
) -> tuple[Field, Field]:
    """Coordinates (micrometres) whose level lines are wavy collagen, bent around tumour nests."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) * grain
    turn = rng.uniform(0, 2 * np.pi)
    along = columns * np.cos(turn) + rows * np.sin(turn)
    across = rows * np.cos(turn) - columns * np.sin(turn)
    across += 110 * smooth_noise(rng, shape, 170 / grain) + 9 * smooth_noise(rng, shape, 24 / grain)
    along += 110 * smooth_noise(rng, shape, 170 / grain)
    distance = ndimage.distance_transform_edt(nest < 0).astype(np.float32) * grain
    across += 2.2 * ndimage.gaussian_filter(np.minimum(distance, 50), 1.5)
    return along.astype(np.float32), across.astype(np.float32)
