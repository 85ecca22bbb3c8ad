"""Place the nuclei of epithelium: ducts and lobules, solid benign sheets, tumours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.sample.cells import (
    LUMINAL,
    MITOSIS,
    MYOEPITHELIAL,
    TUMOUR,
    Cells,
    at,
    cell_table,
    jittered,
)
from napari_histoalign.sample.zones import CELL_PX, Ground

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.sample.glands import Gland


LARGEST_UM = 11.5
"""Mean radius of the largest nuclei drawn."""


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
    normal_spread: float
    normal_clumps: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Grade:
        """A grade at random, within what separates malignant from benign in life."""
        radius = rng.uniform(4.6, 6.3)
        return cls(
            radius_um=radius, spread=rng.uniform(0.18, 0.30), dark=rng.uniform(1.05, 1.5),
            clumps=rng.uniform(0.05, 0.14), nucleoli=rng.uniform(0.35, 0.8), mitoses=rng.uniform(0.006, 0.02),
            spacing_um=radius * rng.uniform(1.95, 2.5), normal_radius_um=rng.uniform(3.1, 3.7),
            normal_dark=rng.uniform(0.85, 1.15), normal_spread=rng.uniform(0.07, 0.12),
            normal_clumps=0.12,
        )  # fmt: skip

    @classmethod
    def mixed(cls, rng: np.random.Generator) -> Grade:
        """Tumour and normal nuclei of any size, evenness and darkness.

        For training: where architecture says nothing of the nuclei, an image encoder has to look at them.
        """
        low, high = (2.8, 0.06, 0.8, 0.05), (6.3, 0.32, 1.5, 0.2)
        radius, spread, dark, clumps = rng.uniform(low, high)
        normal_radius, normal_spread, normal_dark, normal_clumps = rng.uniform(low, high)
        return cls(
            radius_um=radius, spread=spread, dark=dark, clumps=clumps,
            nucleoli=rng.uniform(0, 0.8), mitoses=rng.uniform(0, 0.02),
            spacing_um=max(radius, 3.4) * rng.uniform(1.95, 2.5), normal_radius_um=normal_radius,
            normal_dark=normal_dark, normal_spread=normal_spread, normal_clumps=normal_clumps,
        )  # fmt: skip


def lining(rng: np.random.Generator, gland: Gland, grade: Grade, mpp: float) -> Cells:
    """Luminal cells in regular rows, and flat myoepithelial cells around them."""
    parts = []
    for layer in range(gland.layers):
        # large nuclei need more room: fewer in a row, and no row where the wall is too thin for it
        depth = (6.2 + max(6.5, 1.75 * grade.normal_radius_um) * layer) / mpp
        if layer and depth > gland.wall - 0.5 * grade.normal_radius_um / mpp:
            break
        inner = gland.radius - depth
        if inner < 2.0 / mpp:
            continue
        count = max(int(2 * np.pi * inner / (max(7.4, 2 * grade.normal_radius_um) / mpp)), 4)
        turn = np.sort(
            (np.arange(count) + rng.uniform(-0.22, 0.22, count)) * 2 * np.pi / count
        ) + rng.uniform(0, 6)
        r = gland.outline(turn) - depth + rng.normal(0, 0.55 / mpp, count)
        radius = grade.normal_radius_um * rng.lognormal(0, grade.normal_spread, count) / mpp
        radius = np.minimum(radius, LARGEST_UM / mpp)
        parts.append(
            cell_table(
                rng,
                gland.x + r * np.cos(turn),
                gland.y + r * np.sin(turn),
                LUMINAL,
                a=radius * rng.uniform(1.0, 1.25, count),
                b=radius * 0.94,
                angle=turn + rng.normal(0, 0.25, count),
                dark=grade.normal_dark * rng.lognormal(0, 0.07, count),
                clumps=grade.normal_clumps,
                rim=0.2,
                rough=0.025,
            )
        )
    count = max(int(2 * np.pi * gland.radius / (13.5 / mpp)), 3)
    turn = (np.arange(count) + rng.uniform(-0.35, 0.35, count)) * 2 * np.pi / count
    r = gland.outline(turn) - 1.4 / mpp
    parts.append(
        cell_table(
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


def sheet_cells(
    rng: np.random.Generator, ground: Ground, taken: NDArray[np.float32], grade: Grade, mpp: float
) -> Cells:
    """Solid benign epithelium: as cellular as a tumour, its nuclei as small and even as a duct's."""
    spacing = max(rng.uniform(7.6, 12), 2.05 * grade.normal_radius_um)
    x, y = jittered(rng, ground.tissue.shape[0] * CELL_PX, spacing / mpp, 0.22)
    keep = (at(ground.sheet, x, y) > 0.03) & (at(ground.tissue, x, y) > 0.9) & (at(taken, x, y) < 0.5)
    x, y = x[keep], y[keep]
    n = len(x)
    radius = grade.normal_radius_um * rng.lognormal(0, grade.normal_spread, n) / mpp
    radius = np.minimum(radius, LARGEST_UM / mpp)
    stretch = rng.uniform(1.0, 1.5, n) ** 0.5
    dark = grade.normal_dark * rng.lognormal(0, 0.09, n)
    return cell_table(
        rng, x, y, LUMINAL, a=radius * stretch, b=radius / stretch, dark=dark, clumps=grade.normal_clumps,
        rim=0.2, rough=0.035,
    )  # fmt: skip


def tumour_cells(
    rng: np.random.Generator, ground: Ground, taken: NDArray[np.float32], grade: Grade, mpp: float
) -> Cells:
    """Large, dark, crowded, uneven nuclei; some in mitosis."""
    x, y = jittered(rng, ground.tissue.shape[0] * CELL_PX, grade.spacing_um / mpp, 0.34)
    keep = (at(ground.nest, x, y) > 0.03) & (at(ground.tumour_lumen, x, y) < -0.05)
    keep &= (at(ground.necrosis, x, y) < 0) & (at(ground.tissue, x, y) > 0.9) & (at(taken, x, y) < 0.5)
    x, y = x[keep], y[keep]
    n = len(x)
    radius = grade.radius_um * rng.lognormal(0, grade.spread, n) / mpp
    radius = np.minimum(radius, LARGEST_UM / mpp)
    stretch = rng.uniform(1.0, 1.5, n) ** 0.5
    dividing = rng.random(n) < grade.mitoses
    nucleoli = (rng.random(n) < grade.nucleoli).astype(np.float32) + (rng.random(n) < grade.nucleoli / 3)
    cells = cell_table(
        rng, x, y, np.where(dividing, MITOSIS, TUMOUR), a=radius * stretch, b=radius / stretch,
        dark=np.where(dividing, 2.0, grade.dark * rng.lognormal(0, 0.2, n)),
        rough=np.where(dividing, 0.2, rng.uniform(0.04, 0.13, n)), clumps=grade.clumps, rim=0.35,
        nucleoli=np.where(dividing, 0, nucleoli),
    )  # fmt: skip
    # a giant at the edge of the tissue would hang over the glass
    right, down = np.array([1, -1, 0, 0], np.float32), np.array([0, 0, 1, -1], np.float32)
    ends = [at(ground.tissue, x + p * cells.a, y + q * cells.a) for p, q in zip(right, down, strict=True)]
    return cells[np.minimum.reduce(ends) > 0.1]
