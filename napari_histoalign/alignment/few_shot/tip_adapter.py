"""Tip-Adapter, training-free: the examples as a cache of keys and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.few_shot.support import Support

    Floats = NDArray[np.float64]

BETAS = (1.0, 3.0, 10.0, 30.0)
"""Sharpness that is tried. The published search goes from 0.1 up to 13, by data set; where an encoder puts
all tissue close together, larger ones still tell neighbours apart."""
DEFAULT_BETA = 3.0
"""Where nothing can be held out to choose by."""
BLOCK_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Cache:
    """Examples (m, width), what each counts for its class (m, classes), and the sharpness."""

    keys: Floats
    values: Floats
    beta: float

    @classmethod
    def fit(cls, x: Floats, support: Support, beta: float) -> Cache:
        """Keep the examples. ``score_c = mean over a class's examples k of exp(-beta (1 - f . k))``.

        The published form sums over examples, of which there are equally many of each class; a mean does not
        favour the class that was marked most (Zhang et al. 2022).
        """
        member = support.labels[:, None] == np.arange(support.n_classes)
        with np.errstate(divide="ignore", invalid="ignore"):
            return cls(x, member / support.counts, beta)

    def score(self, rows: Floats) -> Floats:
        """Mean affinities with each class's examples, NaN for a class without any, shape (n, classes)."""
        # single precision does for affinities, and halves what is most of the work
        keys, values = self.keys.astype(np.float32), self.values.astype(np.float32)
        out = np.empty((len(rows), values.shape[1]))
        for start in range(0, len(rows), BLOCK_ROWS):
            block = rows[start : start + BLOCK_ROWS].astype(np.float32) @ keys.T
            block -= 1
            block *= np.float32(self.beta)
            np.exp(block, out=block)
            out[start : start + BLOCK_ROWS] = block @ values
        return out


def held_out(x: Floats, support: Support, betas: Sequence[float]) -> list[Floats]:
    """Each example's score by all other groups, for each beta; NaN where a class has none left.

    Returns
    -------
    list of ndarray
        Shape (m, classes) each.
    """
    member = (support.labels[:, None] == np.arange(support.n_classes)).astype(np.float64)
    left = np.where(support.left > 0, support.left, np.nan)
    out = [np.empty((support.examples, support.n_classes)) for _ in betas]
    for start in range(0, support.examples, BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        cosines = x[rows] @ x.T
        other = support.groups[rows, None] != support.groups
        for scores, beta in zip(out, betas, strict=True):
            scores[rows] = (np.exp(beta * (cosines - 1)) * other) @ member / left[rows]
    return out
