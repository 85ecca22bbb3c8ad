"""Draw training tiles as amounts of dye, and measure on each what a caption may say.

Slides for training have seeds from `FIRST_TRAINING_SEED` up. Seeds below it belong to the sample slide,
the tests and the evaluation, and are never drawn here. From `FIRST_MIXED_SEED` up nuclei are drawn without
regard to the tissue they lie in, so that a tower cannot read their size off the architecture.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.files import whole_file
from napari_histoalign.sample import cells as kinds
from napari_histoalign.sample.drawer import blurred
from napari_histoalign.sample.paint import Painted, paint
from napari_histoalign.sample.plan import CLASSES, Plan, plan_slide
from napari_histoalign.sample.zones import CELL_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_TRAINING_SEED = 1000
FIRST_MIXED_SEED = 5000
SLIDE_PX = 2816
STORED_PX = 304
"""Side of a stored tile: room to zoom out by a third around the 224 px that are measured."""
MEASURED_PX = 224
DYE_STEPS = 80.0
"""Stored value per unit of dye."""

# how many tiles of each kind a slide gives, where it has them
WANTED = {
    "malignant": 18,
    "benign": 14,
    "stroma": 7,
    "fat": 7,
    "lymphocytes": 3,
    "necrosis": 3,
    "edge": 4,
    "glass": 4,
    "sheet": 9,
    "muscle": 5,
    "mucin": 6,
}

MEASURES = (
    "glass", "stroma", "fat", "benign", "malignant", "lymphoid", "necrosis", "muscle", "mucin",
    "lumen", "white", "hematoxylin", "eosin", "nuclei", "epithelial_nuclei", "nuclear_area_um2",
    "area_variation", "nuclear_darkness", "mitoses", "nucleoli", "lymphocytes", "spindles",
    "large_nuclei", "tumour_zone", "layers", "keratin", "mixed",
)  # fmt: skip
"""Columns of the measurements: shares of the tile, counts per tile, means; whether nuclei are mixed."""


def tile_corners(plan: Plan, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Corners of tiles to store, so that rare tissue is seen as often as common tissue."""
    ground = plan.ground
    glands = np.zeros(ground.tissue.shape, dtype=bool)
    for gland in plan.glands:
        glands[int(gland.y) // CELL_PX, int(gland.x) // CELL_PX] = True
    inside = ground.tissue > 0.5
    where = {
        "malignant": (ground.nest > 0.1) & inside & (ground.necrosis < 0),
        "benign": glands & inside,
        "sheet": (ground.sheet > 0.1) & inside,
        "stroma": inside
        & (ground.fat < 0.1)
        & (ground.nest < -0.5)
        & (ground.lobule < 0.1)
        & (ground.sheet < -0.5)
        & (ground.muscle < 0.1)
        & (ground.mucin < 0.1),
        "fat": ground.fat > 0.9,
        "lymphocytes": plan.lymphoid > 0.2,
        "muscle": ground.muscle > 0.9,
        "mucin": ground.mucin > 0.9,
        "necrosis": (ground.necrosis > 0.05) & (ground.nest > 0),
        "edge": (ground.tissue > 0.1) & (ground.tissue < 0.9),
        "glass": ground.tissue <= 0,
    }
    corners = []
    for name, count in WANTED.items():
        rows, columns = np.nonzero(where[name])
        if len(rows) == 0:
            continue
        for pick in rng.integers(len(rows), size=count):
            x, y = np.array([columns[pick], rows[pick]]) * CELL_PX - STORED_PX // 2 + rng.integers(-60, 60, 2)
            corners.append((int(x), int(y)))
    limit = plan.size_px - STORED_PX
    return [(x, y) for x, y in corners if 0 <= x <= limit and 0 <= y <= limit]


def measure(plan: Plan, painted: Painted, x: int, y: int, mixed: bool) -> NDArray[np.float32]:
    """What is in the middle 224 px of a stored tile at (x, y): float32 (len(MEASURES),)."""
    rim = (STORED_PX - MEASURED_PX) // 2
    middle = slice(rim, rim + MEASURED_PX)
    labels = painted.labels[middle, middle]
    h, e = painted.hematoxylin[middle, middle], painted.eosin[middle, middle]
    shares = np.bincount(labels.ravel(), minlength=len(CLASSES)) / labels.size
    cells = plan.cells
    left, top = x + rim, y + rim
    inside = (
        (cells.x >= left) & (cells.x < left + MEASURED_PX) & (cells.y >= top) & (cells.y < top + MEASURED_PX)
    )
    seen = cells[inside]
    epithelial = np.isin(seen.kind, (kinds.LUMINAL, kinds.TUMOUR, kinds.MITOSIS))
    area = seen.area()[epithelial] * plan.mpp**2
    n = len(area)
    near = [
        g for g in plan.glands
        if left - g.radius < g.x < left + MEASURED_PX + g.radius
        and top - g.radius < g.y < top + MEASURED_PX + g.radius
    ]  # fmt: skip
    centre = ((top + MEASURED_PX // 2) // CELL_PX, (left + MEASURED_PX // 2) // CELL_PX)
    values = [
        *shares,
        painted.lumen[middle, middle].mean(),
        ((h + e) < 0.12).mean(),
        h.mean(),
        e.mean(),
        len(seen),
        n,
        area.mean() if n else 0.0,
        area.std() / area.mean() if n > 3 else 0.0,
        seen.dark[epithelial].mean() if n else 0.0,
        (seen.kind == kinds.MITOSIS).sum(),
        seen.nucleoli[epithelial].mean() if n else 0.0,
        (seen.kind == kinds.LYMPHOCYTE).sum(),
        np.isin(seen.kind, (kinds.FIBROBLAST,)).sum(),
        (area > 75).sum(),
        plan.ground.tumour_zone[centre],
        max(3 if plan.ground.sheet[centre] > 0 else 0, *(g.layers for g in near), 0),
        0.0,
        float(mixed),
    ]
    return np.asarray(values, dtype=np.float32)


def render_slide(seed: int, folder: Path) -> Path:
    """Tiles of one training slide, drawn once: ``dyes`` uint8 (n, 2, 304, 304), ``measures`` float32."""
    if seed < FIRST_TRAINING_SEED:
        raise ValueError(f"Seed {seed} is kept for evaluation; training starts at {FIRST_TRAINING_SEED}.")
    path = folder / f"tiles-{seed}.npz"
    if path.is_file():
        return path
    rng = np.random.default_rng([31, seed])
    mixed = seed >= FIRST_MIXED_SEED
    plan = plan_slide(seed, SLIDE_PX, mixed=mixed)
    dyes, measures = [], []
    for x, y in tile_corners(plan, rng):
        painted = paint(plan, x, y, STORED_PX, STORED_PX)
        stack = np.stack(blurred(painted, 0.5)) * DYE_STEPS
        dyes.append(np.clip(stack + 0.5, 0, 255).astype(np.uint8))
        measures.append(measure(plan, painted, x, y, mixed))
    with whole_file(path) as temporary:
        np.savez(temporary, dyes=np.stack(dyes), measures=np.stack(measures))
    return path


def load_tiles(
    folder: Path, seeds: Sequence[int], processes: int = 1
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """All tiles of these slides, drawing what is not there yet, several slides at once."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        paths = list(pool.map(render_slide, seeds, [folder] * len(seeds)))
    parts = []
    for path in paths:
        with np.load(path) as stored:
            parts.append((stored["dyes"], stored["measures"]))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
