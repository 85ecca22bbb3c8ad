"""The nuclei of a slide: where they are, how large, how dark, how regular."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_histoalign.sample.noise import smooth_noise
from napari_histoalign.sample.zones import CELL_PX, Ground, Zone

if TYPE_CHECKING:
    from napari_histoalign.sample.glands import Gland

KINDS = ("fibroblast", "luminal", "myoepithelial", "tumour", "mitosis", "lymphocyte", "fat", "debris")
FIBROBLAST, LUMINAL, MYOEPITHELIAL, TUMOUR, MITOSIS, LYMPHOCYTE, FAT, DEBRIS = range(len(KINDS))

Column = NDArray[np.float32]


@dataclass(frozen=True)
class Cells:
    """One row a nucleus; every column float32 (n,), lengths in slide pixels.

    Attributes
    ----------
    x, y
        Centre.
    a, b, angle
        Half axes, and the direction of the first (radians).
    dark
        Amount of hematoxylin.
    rough
        How far the outline swings, as a share of the radius.
    clumps, rim
        Coarseness of the chromatin, and extra darkness of the membrane.
    nucleoli
        How many (0 to 2).
    kind
        Index into `KINDS`.
    seed
        Uniform number that fixes the rest (phases, texture).
    """

    x: Column
    y: Column
    a: Column
    b: Column
    angle: Column
    dark: Column
    rough: Column
    clumps: Column
    rim: Column
    nucleoli: Column
    kind: Column
    seed: Column

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Cells:
        return Cells(*(getattr(self, f.name)[rows] for f in fields(self)))

    def area(self) -> Column:
        """Area of each nucleus in square pixels."""
        return np.asarray(np.pi * self.a * self.b, dtype=np.float32)

    @staticmethod
    def joined(parts: list[Cells]) -> Cells:
        """All rows of several tables, in order."""
        return Cells(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Cells)))


@dataclass(frozen=True)
class Grade:
    """How far the nuclei of one slide's tumours, and its normal cells, are from the textbook."""

    radius_um: float
    spread: float
    dark: float
    clumps: float
    nucleoli: float
    mitoses: float
    spacing_um: float
    normal_radius_um: float
    normal_dark: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Grade:
        """A grade at random, within what separates malignant from benign in life."""
        radius = rng.uniform(4.6, 6.3)
        return cls(
            radius_um=radius, spread=rng.uniform(0.18, 0.30), dark=rng.uniform(1.05, 1.5),
            clumps=rng.uniform(0.15, 0.35), nucleoli=rng.uniform(0.35, 0.8), mitoses=rng.uniform(0.006, 0.02),
            spacing_um=radius * rng.uniform(1.95, 2.5), normal_radius_um=rng.uniform(3.1, 3.7),
            normal_dark=rng.uniform(0.85, 1.15),
        )  # fmt: skip


def place_cells(
    rng: np.random.Generator, ground: Ground, zones: list[Zone], glands: list[Gland], mpp: float
) -> Cells:
    """All nuclei of a slide.

    Parameters
    ----------
    rng
        Where the randomness comes from.
    ground, zones, glands
        What lies where.
    mpp
        Micrometres per pixel.
    """
    grade = Grade.drawn(rng)
    taken = _gland_mask(ground, glands)
    parts = [_stroma(rng, ground, taken, mpp)]
    parts += [_lining(rng, gland, grade, mpp) for gland in glands]
    parts += [_tumour(rng, ground, taken, grade, mpp), _lymphocytes(rng, ground, zones, taken, mpp)]
    parts.append(_debris(rng, ground, mpp))
    return Cells.joined(parts)


def _table(rng: np.random.Generator, x: object, y: object, kind: object, **columns: object) -> Cells:
    """Cells of one kind; what is not given is plain."""
    n = len(np.asarray(x))
    values: dict[str, object] = {
        "x": x, "y": y, "a": 6.0, "b": 6.0, "angle": rng.uniform(0, np.pi, n), "dark": 1.0, "rough": 0.03,
        "clumps": 0.12, "rim": 0.1, "nucleoli": 0.0, "kind": kind, "seed": rng.random(n), **columns,
    }  # fmt: skip
    return Cells(
        *(np.broadcast_to(np.asarray(values[f.name], np.float32), (n,)).copy() for f in fields(Cells))
    )


def _at(field: Column, x: Column, y: Column) -> Column:
    """The value of a coarse field under each point."""
    rows = np.clip((y / CELL_PX).astype(np.int64), 0, field.shape[0] - 1)
    columns = np.clip((x / CELL_PX).astype(np.int64), 0, field.shape[1] - 1)
    return field[rows, columns]


def _jittered(rng: np.random.Generator, side: int, spacing: float, jitter: float) -> tuple[Column, Column]:
    """Points of a hexagonal lattice over the slide, each moved by up to `jitter` spacings."""
    rows = np.arange(0, side, spacing * 0.87)
    columns = np.arange(0, side, spacing)
    x = columns[None, :] + np.where(np.arange(len(rows)) % 2, spacing / 2, 0.0)[:, None]
    y = np.broadcast_to(rows[:, None], x.shape)
    x = x + rng.uniform(-jitter, jitter, x.shape) * spacing
    y = y + rng.uniform(-jitter, jitter, y.shape) * spacing
    return x.ravel().astype(np.float32), y.ravel().astype(np.float32)


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
    x, y = _jittered(rng, side, 22 / mpp, 0.5)
    tumour, lobule = _at(ground.tumour_zone, x, y), _at(ground.lobule, x, y)
    thinned = smooth_noise(rng, ground.tissue.shape, 12)
    chance = 0.28 + 0.30 * tumour + 0.35 * lobule + 0.12 * _at(thinned, x, y)
    free = (_at(ground.tissue, x, y) > 0.9) & (_at(ground.fat, x, y) < 0.3) & (_at(ground.nest, x, y) < -0.12)
    keep = free & (_at(taken, x, y) < 0.5) & (rng.random(len(x)) < chance)
    x, y, tumour = x[keep], y[keep], tumour[keep]
    down, right = (np.asarray(g, dtype=np.float32) for g in np.gradient(ground.across))
    angle = np.arctan2(_at(down, x, y), _at(right, x, y)) + np.pi / 2 + rng.normal(0, 0.18, len(x))
    return _table(
        rng, x, y, FIBROBLAST, angle=angle,
        a=rng.uniform(4.2, 9.0, len(x)) / mpp, b=(rng.uniform(0.9, 1.7, len(x)) + 0.6 * tumour) / mpp,
        dark=rng.uniform(0.7, 1.15, len(x)), rough=0.08,
    )  # fmt: skip


def fat_nuclei(rng: np.random.Generator, ground: Ground, fat_cells: NDArray[np.float32], mpp: float) -> Cells:
    """The few flat nuclei of adipocytes, pressed against the rim between two neighbours."""
    here = fat_cells[_at(ground.fat, fat_cells[:, 0], fat_cells[:, 1]) > 0.9]
    if len(here) < 3:
        return _table(rng, here[:0, 0], here[:0, 1], FAT)
    _, neighbour = cKDTree(here).query(here, k=2)
    other = here[neighbour[:, 1]]
    keep = rng.random(len(here)) < 0.7
    middle, across = ((here + other) / 2)[keep], (other - here)[keep]
    n = len(middle)
    return _table(
        rng, middle[:, 0], middle[:, 1], FAT, angle=np.arctan2(across[:, 1], across[:, 0]) + np.pi / 2,
        a=rng.uniform(3.5, 6, n) / mpp, b=1.2 / mpp,
    )  # fmt: skip


def _lining(rng: np.random.Generator, gland: Gland, grade: Grade, mpp: float) -> Cells:
    """Luminal cells in regular rows, and flat myoepithelial cells around them."""
    parts = []
    for layer in range(gland.layers):
        depth = (6.2 + 6.5 * layer) / mpp
        inner = gland.radius - depth
        if inner < 2.0 / mpp:
            continue
        count = max(int(2 * np.pi * inner / (7.4 / mpp)), 4)
        turn = np.sort(
            (np.arange(count) + rng.uniform(-0.22, 0.22, count)) * 2 * np.pi / count
        ) + rng.uniform(0, 6)
        r = gland.outline(turn) - depth + rng.normal(0, 0.55 / mpp, count)
        radius = grade.normal_radius_um * rng.lognormal(0, 0.07, count) / mpp
        parts.append(
            _table(
                rng,
                gland.x + r * np.cos(turn),
                gland.y + r * np.sin(turn),
                LUMINAL,
                a=radius * rng.uniform(1.0, 1.25, count),
                b=radius * 0.94,
                angle=turn + rng.normal(0, 0.25, count),
                dark=grade.normal_dark * rng.lognormal(0, 0.07, count),
                rim=0.2,
                rough=0.025,
            )
        )
    count = max(int(2 * np.pi * gland.radius / (13.5 / mpp)), 3)
    turn = (np.arange(count) + rng.uniform(-0.35, 0.35, count)) * 2 * np.pi / count
    r = gland.outline(turn) - 1.4 / mpp
    parts.append(
        _table(
            rng,
            gland.x + r * np.cos(turn),
            gland.y + r * np.sin(turn),
            MYOEPITHELIAL,
            angle=turn + np.pi / 2,
            a=rng.uniform(3.2, 4.8, count) / mpp,
            b=rng.uniform(1.1, 1.5, count) / mpp,
            dark=rng.uniform(1.0, 1.35, count),
        )
    )
    return Cells.joined(parts)


def _tumour(
    rng: np.random.Generator, ground: Ground, taken: NDArray[np.float32], grade: Grade, mpp: float
) -> Cells:
    """Large, dark, crowded, uneven nuclei; some in mitosis."""
    x, y = _jittered(rng, ground.tissue.shape[0] * CELL_PX, grade.spacing_um / mpp, 0.34)
    keep = (_at(ground.nest, x, y) > 0.03) & (_at(ground.tumour_lumen, x, y) < -0.05)
    keep &= (_at(ground.necrosis, x, y) < 0) & (_at(ground.tissue, x, y) > 0.9) & (_at(taken, x, y) < 0.5)
    x, y = x[keep], y[keep]
    n = len(x)
    radius = grade.radius_um * rng.lognormal(0, grade.spread, n) / mpp
    radius = np.minimum(radius, 11.5 / mpp)
    stretch = rng.uniform(1.0, 1.5, n) ** 0.5
    dividing = rng.random(n) < grade.mitoses
    nucleoli = (rng.random(n) < grade.nucleoli).astype(np.float32) + (rng.random(n) < grade.nucleoli / 3)
    return _table(
        rng, x, y, np.where(dividing, MITOSIS, TUMOUR), a=radius * stretch, b=radius / stretch,
        dark=np.where(dividing, 2.0, grade.dark * rng.lognormal(0, 0.2, n)),
        rough=np.where(dividing, 0.2, rng.uniform(0.04, 0.13, n)), clumps=grade.clumps, rim=0.35,
        nucleoli=np.where(dividing, 0, nucleoli),
    )  # fmt: skip


def _lymphocytes(
    rng: np.random.Generator, ground: Ground, zones: list[Zone], taken: NDArray[np.float32], mpp: float
) -> Cells:
    """Small, round, very dark nuclei: a few everywhere, more around tumours, packed in foci."""
    side = ground.tissue.shape[0] * CELL_PX
    x, y = _jittered(rng, side, 7.6 / mpp, 0.3)
    focus = np.zeros(len(x), dtype=np.float32)
    for zone in zones:
        if zone.growth == "foci":
            focus = np.maximum(
                focus, np.clip(1.6 - 1.6 * np.hypot(x - zone.x, y - zone.y) / zone.radius, 0, 1)
            )
    cluster = np.clip(_at(smooth_noise(rng, ground.tissue.shape, 7), x, y) - 1.0, 0, 1)
    chance = 0.9 * focus + 0.006 + _at(ground.tumour_zone, x, y) * (0.02 + 0.22 * cluster)
    free = (_at(ground.tissue, x, y) > 0.9) & (_at(ground.fat, x, y) < 0.4) & (_at(taken, x, y) < 0.5)
    free &= _at(ground.nest, x, y) < -0.1
    keep = free & (rng.random(len(x)) < chance)
    x, y = x[keep], y[keep]
    radius = rng.uniform(2.5, 3.2, len(x)) / mpp
    return _table(
        rng, x, y, LYMPHOCYTE, a=radius, b=radius * 0.95, dark=rng.uniform(1.5, 1.9, len(x)), rough=0.02
    )


def _debris(rng: np.random.Generator, ground: Ground, mpp: float) -> Cells:
    """Shrunken fragments of nuclei in necrosis."""
    x, y = _jittered(rng, ground.tissue.shape[0] * CELL_PX, 13 / mpp, 0.5)
    keep = (_at(ground.necrosis, x, y) > 0.01) & (rng.random(len(x)) < 0.5)
    x, y = x[keep], y[keep]
    radius = rng.uniform(0.6, 2.0, len(x)) / mpp
    return _table(rng, x, y, DEBRIS, a=radius, b=radius, dark=rng.uniform(0.8, 1.9, len(x)), rough=0.1)
