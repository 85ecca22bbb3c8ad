"""Maps and scores to try things on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_histoalign.results import ProbabilityMap, TileScores

NAMES = ("tumour", "Stroma, übrig", "glass")
COLORS = ("#d62728", "#2ca02c", "#808080")
ROLES = ("lesion", "tissue", "background")


@pytest.fixture
def scores() -> TileScores:
    """Forty tiles of 20 px at a stride of 16 px, from a grid of 10 x 6 that starts at (100, 52)."""
    rng = np.random.default_rng(5)
    cells = rng.permutation(60)[:40]
    xy = np.column_stack([cells % 10, cells // 10]) * 16 + (100, 52)
    p = rng.dirichlet((0.6, 0.6, 0.6), len(cells)).astype(np.float32)
    return TileScores(xy.astype(np.int64), 20, 16, NAMES, COLORS, ROLES, p)


@pytest.fixture
def painted() -> Callable[..., ProbabilityMap]:
    """A map from letters: t, s, g for the classes (probability 0.8, the second 0.15), dot for not scored."""

    def paint(*lines: str, origin: tuple[float, float] = (0.0, 0.0), step: float = 10.0) -> ProbabilityMap:
        data = np.full((3, len(lines), len(lines[0])), np.nan, np.float32)
        for row, line in enumerate(lines):
            for column, letter in enumerate(line):
                if letter != ".":
                    data[:, row, column] = np.roll((0.8, 0.15, 0.05), "tsg".index(letter))
        return ProbabilityMap(data, origin, step, NAMES, COLORS)

    return paint
