"""Class prototypes: the direction in which a class's examples lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.few_shot.support import Support

    Floats = NDArray[np.float64]

SHORTEST = 1e-9
"""Examples that cancel out have no direction."""


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Unit means of each class's examples, float64, shape (classes, width); NaN for a class without any."""

    means: Floats

    @classmethod
    def fit(cls, x: Floats, support: Support) -> Prototypes:
        """The mean of each class's unit rows, brought to length 1 (as in Snell et al. 2017, with cosines)."""
        sums = _sums(x, support)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            return cls(np.where(support.seen[:, None], sums / np.maximum(lengths, SHORTEST), np.nan))

    def score(self, rows: Floats) -> Floats:
        """Cosines with the prototypes, shape (n, classes)."""
        return rows @ self.means.T


def held_out(x: Floats, support: Support) -> Floats:
    """Each example's cosines with the prototypes of all other groups, NaN where a class has none left.

    A class's sum less its group's, so that nothing is fitted anew.

    Returns
    -------
    ndarray
        Shape (m, classes).
    """
    sums = _sums(x, support)
    number = int(support.groups.max()) + 1
    out = np.full((support.examples, support.n_classes), np.nan)
    for c in range(support.n_classes):
        mine = support.labels == c
        taken = np.zeros((number, x.shape[1]))
        np.add.at(taken, support.groups[mine], x[mine])
        rows = support.left[:, c] > 0
        rest = sums[c] - taken[support.groups[rows]]
        out[rows, c] = np.vecdot(x[rows], rest) / np.maximum(np.linalg.norm(rest, axis=1), SHORTEST)
    return out


def _sums(x: Floats, support: Support) -> Floats:
    """Sum of each class's rows, shape (classes, width)."""
    member = support.labels[:, None] == np.arange(support.n_classes)
    sums: Floats = member.T.astype(np.float64) @ x
    return sums
