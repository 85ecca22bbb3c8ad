"""Place all nuclei of a slide, and those of stroma, fat and inflammation in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from napari_histoalign.sample.cells import (
    DEBRIS,
    FAT,
    FIBROBLAST,
    LYMPHOCYTE,
    MUSCLE_CELL,
    Cells,
    at,
    cell_table,
    jittered,
)
from napari_histoalign.sample.epithelium import Grade, lining, sheet_cells, tumour_cells
from napari_histoalign.sample.muscle import WAVE_UM, Bundle, frame
from napari_histoalign.sample.noise import smooth_noise
from napari_histoalign.sample.zones import CELL_PX, Ground, Zone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.sample.glands import Gland


def place_cells(
    rng: np.random.Generator,
    ground: Ground,
    zones: list[Zone],
    glands: list[Gland],
    bundles: list[Bundle],
    mpp: float,
    *,
    mixed: bool = False,
) -> Cells:
    """All nuclei of a slide.

    Parameters
    ----------
    rng
        Where the randomness comes from.
    ground, zones, glands, bundles
        What lies where.
    mpp
        Micrometres per pixel.
    mixed
        Whether epithelial nuclei are drawn without regard to the tissue.
    """
    grade = Grade.mixed(rng) if mixed else Grade.drawn(rng)
    taken = _gland_mask(ground, glands)
    parts = [_stroma(rng, ground, taken, mpp), _muscle(rng, ground, taken, bundles, mpp)]
    parts += [lining(rng, gland, grade, mpp) for gland in glands]
    parts += [
        sheet_cells(rng, ground, taken, grade, mpp),
        tumour_cells(rng, ground, taken, grade, mpp),
        _lymphocytes(rng, ground, zones, taken, mpp),
    ]
    parts.append(_debris(rng, ground, mpp))
    return Cells.joined(parts)


def _gland_mask(ground: Ground, glands: list[Gland]) -> NDArray[np.float32]:
    """1 where a coarse pixel lies in a gland."""
    mask = np.zeros(ground.tissue.shape, dtype=np.float32)
    for gland in glands:
        reach = gland.radius * 1.1 / CELL_PX
        x, y = gland.x / CELL_PX, gland.y / CELL_PX
        rows = slice(max(int(y - reach), 0), int(y + reach) + 2)
        columns = slice(max(int(x - reach), 0), int(x + reach) + 2)
        part = mask[rows, columns]
        yy, xx = np.mgrid[
            rows.start : rows.start + part.shape[0], columns.start : columns.start + part.shape[1]
        ]
        part[np.hypot(xx + 0.5 - x, yy + 0.5 - y) < reach] = 1.0
    return mask


def _stroma(rng: np.random.Generator, ground: Ground, taken: NDArray[np.float32], mpp: float) -> Cells:
    """Spindle nuclei along the fibres; plumper and denser around a tumour and within lobules."""
    side = ground.tissue.shape[0] * CELL_PX
    x, y = jittered(rng, side, 12.7 / mpp, 0.5)
    tumour, lobule = at(ground.tumour_zone, x, y), at(ground.lobule, x, y)
    thinned = smooth_noise(rng, ground.tissue.shape, 12)
    # from collagen with a few fibroblasts to the cellular stroma of a fibroadenoma
    cellular = rng.uniform(1.0, 3.0) / 3
    chance = cellular * (0.28 + 0.30 * tumour + 0.35 * lobule + 0.12 * at(thinned, x, y))
    chance = chance * (1 - at(ground.muscle, x, y)) * (1 - 0.98 * at(ground.mucin, x, y))
    free = (at(ground.tissue, x, y) > 0.9) & (at(ground.fat, x, y) < 0.3)
    free &= (at(ground.nest, x, y) < -0.12) & (at(ground.sheet, x, y) < -0.08)
    keep = free & (at(taken, x, y) < 0.5) & (rng.random(len(x)) < chance)
    x, y, tumour = x[keep], y[keep], tumour[keep]
    angle = _along(ground, x, y) + rng.normal(0, 0.18, len(x))
    return cell_table(
        rng, x, y, FIBROBLAST, angle=angle,
        a=rng.uniform(4.2, 9.0, len(x)) / mpp, b=(rng.uniform(0.9, 1.7, len(x)) + 0.6 * tumour) / mpp,
        dark=rng.uniform(0.7, 1.15, len(x)), rough=0.08,
    )  # fmt: skip


def _along(ground: Ground, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Direction of the fibres at each point, in radians."""
    down, right = (np.asarray(g, dtype=np.float32) for g in np.gradient(ground.across))
    return np.asarray(np.arctan2(at(down, x, y), at(right, x, y)) + np.pi / 2, dtype=np.float32)


def _muscle(
    rng: np.random.Generator, ground: Ground, taken: NDArray[np.float32], bundles: list[Bundle], mpp: float
) -> Cells:
    """Cigar-shaped nuclei along the fibres of smooth muscle, hardly any in the septa."""
    x, y = jittered(rng, ground.tissue.shape[0] * CELL_PX, rng.uniform(20.5, 26) / mpp, 0.48)
    keep = (at(ground.muscle, x, y) > 0.6) & (at(ground.tissue, x, y) > 0.9) & (at(taken, x, y) < 0.5)
    x, y = x[keep], y[keep]
    if len(x) == 0:
        return cell_table(rng, x, y, MUSCLE_CELL)
    here = frame(bundles, x, y, at(ground.sway, x, y), mpp)
    # the level lines of `across` in this frame: straight along the bundle but for the sway
    down, right = (np.asarray(g, np.float32) * (WAVE_UM / mpp / CELL_PX) for g in np.gradient(ground.sway))
    angle = np.arctan2(np.sin(here.turn) - at(right, x, y), np.cos(here.turn) + at(down, x, y))
    inside = here.border > 4.5 / mpp
    x, y, angle = x[inside], y[inside], angle[inside] + rng.normal(0, 0.06, int(inside.sum()))
    n = len(x)
    # some are cut obliquely, and look shorter
    a = np.where(rng.random(n) < 0.12, rng.uniform(4.0, 7.0, n), rng.uniform(7.0, 10.0, n))
    return cell_table(
        rng, x, y, MUSCLE_CELL, angle=angle, a=a / mpp, b=rng.uniform(1.5, 2.1, n) / mpp,
        dark=rng.uniform(0.65, 0.95, n), rough=0.02,
    )  # fmt: skip


def fat_nuclei(rng: np.random.Generator, ground: Ground, fat_cells: NDArray[np.float32], mpp: float) -> Cells:
    """The few flat nuclei of adipocytes, pressed against the rim between two neighbours."""
    here = fat_cells[at(ground.fat, fat_cells[:, 0], fat_cells[:, 1]) > 0.9]
    if len(here) < 3:
        return cell_table(rng, here[:0, 0], here[:0, 1], FAT)
    _, neighbour = cKDTree(here).query(here, k=2)
    other = here[neighbour[:, 1]]
    keep = rng.random(len(here)) < 0.7
    middle, across = ((here + other) / 2)[keep], (other - here)[keep]
    n = len(middle)
    return cell_table(
        rng, middle[:, 0], middle[:, 1], FAT, angle=np.arctan2(across[:, 1], across[:, 0]) + np.pi / 2,
        a=rng.uniform(3.5, 6, n) / mpp, b=1.2 / mpp,
    )  # fmt: skip


def _lymphocytes(
    rng: np.random.Generator, ground: Ground, zones: list[Zone], taken: NDArray[np.float32], mpp: float
) -> Cells:
    """Small, round, very dark nuclei: a few everywhere, more around tumours, packed in foci."""
    side = ground.tissue.shape[0] * CELL_PX
    x, y = jittered(rng, side, 7.6 / mpp, 0.3)
    focus = np.zeros(len(x), dtype=np.float32)
    for zone in zones:
        if zone.growth == "foci":
            focus = np.maximum(
                focus, np.clip(1.6 - 1.6 * np.hypot(x - zone.x, y - zone.y) / zone.radius, 0, 1)
            )
    cluster = np.clip(at(smooth_noise(rng, ground.tissue.shape, 7), x, y) - 1.0, 0, 1)
    chance = 0.9 * focus + 0.006 + at(ground.tumour_zone, x, y) * (0.02 + 0.22 * cluster)
    chance = chance * (1 - 0.75 * np.maximum(at(ground.muscle, x, y), at(ground.mucin, x, y)))
    free = (at(ground.tissue, x, y) > 0.9) & (at(ground.fat, x, y) < 0.4) & (at(taken, x, y) < 0.5)
    free &= (at(ground.nest, x, y) < -0.1) & (at(ground.sheet, x, y) < -0.05)
    keep = free & (rng.random(len(x)) < chance)
    x, y = x[keep], y[keep]
    radius = rng.uniform(2.5, 3.2, len(x)) / mpp
    return cell_table(
        rng, x, y, LYMPHOCYTE, a=radius, b=radius * 0.95, dark=rng.uniform(1.5, 1.9, len(x)), rough=0.02
    )


def _debris(rng: np.random.Generator, ground: Ground, mpp: float) -> Cells:
    """Shrunken fragments of nuclei in necrosis."""
    x, y = jittered(rng, ground.tissue.shape[0] * CELL_PX, 13 / mpp, 0.5)
    keep = (at(ground.necrosis, x, y) > 0.01) & (rng.random(len(x)) < 0.5)
    x, y = x[keep], y[keep]
    radius = rng.uniform(0.6, 2.0, len(x)) / mpp
    return cell_table(rng, x, y, DEBRIS, a=radius, b=radius, dark=rng.uniform(0.8, 1.9, len(x)), rough=0.1)
