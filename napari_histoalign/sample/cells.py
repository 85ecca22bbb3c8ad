"""The nuclei of a slide as a table: where they are, how large, how dark, how regular."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_histoalign.sample.zones import CELL_PX

KINDS = (
    "fibroblast",
    "luminal",
    "myoepithelial",
    "tumour",
    "mitosis",
    "lymphocyte",
    "fat",
    "debris",
    "muscle",
)
FIBROBLAST, LUMINAL, MYOEPITHELIAL, TUMOUR, MITOSIS, LYMPHOCYTE, FAT, DEBRIS, MUSCLE_CELL = range(len(KINDS))

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


def cell_table(rng: np.random.Generator, x: object, y: object, kind: object, **columns: object) -> Cells:
    """Cells of one kind; what is not given is plain."""
    n = len(np.asarray(x))
    values: dict[str, object] = {
        "x": x, "y": y, "a": 6.0, "b": 6.0, "angle": rng.uniform(0, np.pi, n), "dark": 1.0, "rough": 0.03,
        "clumps": 0.12, "rim": 0.1, "nucleoli": 0.0, "kind": kind, "seed": rng.random(n), **columns,
    }  # fmt: skip
    return Cells(
        *(np.broadcast_to(np.asarray(values[f.name], np.float32), (n,)).copy() for f in fields(Cells))
    )


def at(field: Column, x: Column, y: Column) -> Column:
    """The value of a coarse field under each point."""
    rows = np.clip((y / CELL_PX).astype(np.int64), 0, field.shape[0] - 1)
    columns = np.clip((x / CELL_PX).astype(np.int64), 0, field.shape[1] - 1)
    return field[rows, columns]


def jittered(rng: np.random.Generator, side: int, spacing: float, jitter: float) -> tuple[Column, Column]:
    """Points of a hexagonal lattice over the slide, each moved by up to `jitter` spacings."""
    rows = np.arange(0, side, spacing * 0.87)
    columns = np.arange(0, side, spacing)
    x = columns[None, :] + np.where(np.arange(len(rows)) % 2, spacing / 2, 0.0)[:, None]
    y = np.broadcast_to(rows[:, None], x.shape)
    x = x + rng.uniform(-jitter, jitter, x.shape) * spacing
    y = y + rng.uniform(-jitter, jitter, y.shape) * spacing
    return x.ravel().astype(np.float32), y.ravel().astype(np.float32)
