"""Decide everything about a slide but its stain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.sample.cells import Cells
from napari_histoalign.sample.glands import Gland, place_glands
from napari_histoalign.sample.muscle import Bundle, lay_bundles
from napari_histoalign.sample.noise import Field, smooth_noise
from napari_histoalign.sample.placing import fat_nuclei, place_cells
from napari_histoalign.sample.zones import CELL_PX, Ground, Zone, lay_ground

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = (
    "glass", "stroma", "fat", "benign", "malignant", "lymphocytes", "necrosis", "muscle", "mucin",
)  # fmt: skip
"""Names of the label map's indices; a gland's lumen belongs to the gland."""
GLASS, STROMA, ADIPOSE, BENIGN, MALIGNANT, LYMPHOID, NECROSIS, MUSCLE, MUCIN = range(len(CLASSES))


@dataclass(frozen=True)
class Textures:
    """Periodic noise tiles (float32, unit deviation) of sizes without a common period."""

    fibre: Field
    thin_fibre: Field
    grain: Field
    cloud: Field
    chromatin: Field


@dataclass(frozen=True)
class Plan:
    """Everything that decides a slide's pixels but the stain.

    Attributes
    ----------
    size_px, mpp
        Side of the square slide, and micrometres per pixel.
    ground, zones, glands, cells
        What lies where.
    bundles
        Bundles of smooth muscle.
    fat_cells
        Centres of adipocytes, float32 (n, 2) as (x, y).
    lymphoid
        Positive where lymphocytes are packed (coarse field).
    textures
        Noise tiles.
    tone
        How much eosin collagen and cytoplasm take up, how much single fibres stand out,
        and how fine they are; how much hematoxylin and eosin mucin takes up.
    """

    size_px: int
    mpp: float
    ground: Ground
    zones: list[Zone]
    glands: list[Gland]
    cells: Cells
    bundles: list[Bundle]
    fat_cells: NDArray[np.float32]
    lymphoid: Field
    textures: Textures
    tone: tuple[float, float, float, float, float, float]


def plan_slide(seed: int, size_px: int, mpp: float = 0.5, *, mixed: bool = False) -> Plan:
    """Decide what a square slide shows; the same arguments give the same plan.

    Parameters
    ----------
    seed
        Decides everything.
    size_px, mpp
        Side of the slide in pixels, and micrometres per pixel.
    mixed
        Draw nuclei without regard to the tissue they lie in (see `Grade.mixed`).
    """
    rng = np.random.default_rng([20_261, seed])
    ground, zones = lay_ground(rng, size_px, mpp)
    glands = place_glands(rng, zones, ground, mpp)
    bundles = lay_bundles(rng, zones, mpp)
    side = ground.tissue.shape[0] * CELL_PX
    spacing = rng.uniform(44, 64) / mpp
    lattice = np.stack(
        np.meshgrid(np.arange(0, side, spacing), np.arange(0, side, spacing)), axis=-1
    ).reshape(-1, 2)
    fat_cells = (lattice + rng.uniform(-0.42, 0.42, lattice.shape) * spacing).astype(np.float32)
    placed = place_cells(rng, ground, zones, glands, bundles, mpp, mixed=mixed)
    cells = Cells.joined([placed, fat_nuclei(rng, ground, fat_cells, mpp)])
    rows, columns = (
        np.mgrid[0 : ground.tissue.shape[0], 0 : ground.tissue.shape[1]].astype(np.float32) * CELL_PX
    )
    lymphoid = np.full(ground.tissue.shape, -1.0, dtype=np.float32)
    for zone in zones:
        if zone.growth == "foci":
            lymphoid = np.maximum(lymphoid, 0.6 - np.hypot(columns - zone.x, rows - zone.y) / zone.radius)
    lymphoid = np.where(ground.nest > -0.1, -1.0, lymphoid).astype(np.float32)
    thin = 1.0 / mpp
    textures = Textures(
        fibre=smooth_noise(rng, (1024, 1024), (1.9 * thin, 45 * thin)),
        thin_fibre=smooth_noise(rng, (832, 832), (0.75 * thin, 16 * thin)),
        grain=smooth_noise(rng, (928, 928), 0.55 * thin),
        cloud=smooth_noise(rng, (1184, 1184), 5 * thin),
        chromatin=smooth_noise(rng, (512, 512), 0.65 * thin),
    )
    low, high = (0.5, 0.36, 0.55, 0.6, 0.10, 0.02), (0.85, 0.58, 1.15, 1.5, 0.15, 0.08)
    eosin, cytoplasm, contrast, fineness, blue, pink = (float(value) for value in rng.uniform(low, high))
    tone = (eosin, cytoplasm, contrast, fineness, blue, pink)
    return Plan(size_px, mpp, ground, zones, glands, cells, bundles, fat_cells, lymphoid, textures, tone)
