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


def lining(rng: np.random.Generator, gland: Gland, grade: Grade, mpp: float) -> Cells:
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
            cell_table(
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
    x, y = jittered(rng, ground.tissue.shape[0] * CELL_PX, rng.uniform(7.6, 12) / mpp, 0.22)
    keep = (at(ground.sheet, x, y) > 0.03) & (at(ground.tissue, x, y) > 0.9) & (at(taken, x, y) < 0.5)
    x, y = x[keep], y[keep]
    n = len(x)
    radius = grade.normal_radius_um * rng.lognormal(0, 0.09, n) / mpp
    stretch = rng.uniform(1.0, 1.5, n) ** 0.5
    dark = grade.normal_dark * rng.lognormal(0, 0.09, n)
    return cell_table(
        rng, x, y, LUMINAL, a=radius * stretch, b=radius / stretch, dark=dark, rim=0.2, rough=0.035
    )


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
    radius = np.minimum(radius, 11.5 / mpp)
    stretch = rng.uniform(1.0, 1.5, n) ** 0.5
    dividing = rng.random(n) < grade.mitoses
    nucleoli = (rng.random(n) < grade.nucleoli).astype(np.float32) + (rng.random(n) < grade.nucleoli / 3)
    return cell_table(
        rng, x, y, np.where(dividing, MITOSIS, TUMOUR), a=radius * stretch, b=radius / stretch,
        dark=np.where(dividing, 2.0, grade.dark * rng.lognormal(0, 0.2, n)),
        rough=np.where(dividing, 0.2, rng.uniform(0.04, 0.13, n)), clumps=grade.clumps, rim=0.35,
        nucleoli=np.where(dividing, 0, nucleoli),
    )  # fmt: skip
