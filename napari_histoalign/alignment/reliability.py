"""How far an encoder pair can be trusted, found without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MOST_RELIABLE = 0.95
"""No pair is trusted further, so that none can outweigh the others without bound."""


class Agreement:
    """How far the prompts of a class agree about the tiles: a pair's reliability.

    Prompts are raters, tiles are what they rate: ``(B - N) / B``, the reliability of a mean of raters
    (Cronbach's alpha; Shrout & Fleiss 1979). B is the variance over tiles of a class's mean
    similarity (less the mean of all classes); N is the part of it that prompts which know nothing
    of each other would leave in the mean of as many. It needs no labels; where each class has one
    prompt, N is unknown and taken for 0, so that all pairs count alike. What it cannot see is an
    image tower that is wrong in a consistent way.

    Parameters
    ----------
    classes
        Where each class's prompts stand.
    """

    def __init__(self, classes: Sequence[slice]) -> None:
        self._classes = classes
        self._counts = np.array([c.stop - c.start for c in classes])
        self._between = _Variance(len(classes))
        self._within = _Variance(int(self._counts.sum()))

    def add(self, similarities: Floats) -> None:
        """Count tiles: similarities of prompts sorted by class, shape (k, n)."""
        means = np.stack([similarities[c].mean(axis=0) for c in self._classes])
        self._within.add(similarities - np.repeat(means, self._counts, axis=0))
        self._between.add(means - means.mean(axis=0))

    def reliability(self) -> float:
        """Between 0 (prompts contradict each other) and 1 (they agree); 0 where nothing varies."""
        between = float(self._between.rows().mean())
        if between <= 0:
            return 0.0
        spare = int((self._counts - 1).sum())
        if spare == 0:
            return 1.0
        # a prompt's own variance, pooled over classes, and what the mean of a class keeps of it
        own = float(self._within.rows().sum()) / spare
        noise = (1 - 1 / len(self._counts)) * own * float((1 / self._counts).mean())
        return max(between - noise, 0.0) / between


class _Variance:
    """Variance of each row over all columns that were added."""

    def __init__(self, rows: int) -> None:
        self._n = 0
        self._sum = np.zeros(rows)
        self._squares = np.zeros(rows)

    def add(self, values: Floats) -> None:
        self._n += values.shape[1]
        self._sum += values.sum(axis=1)
        self._squares += np.vecdot(values, values)

    def rows(self) -> NDArray[np.float64]:
        """Variance of each row, shape (rows,)."""
        n = max(self._n, 1)
        return np.maximum(self._squares / n - np.square(self._sum / n), 0)


def reliability_weights(reliabilities: Sequence[float]) -> list[float]:
    """Weights that sum to 1: ``sqrt(r) / (1 - r)``, those of the least noisy sum; equal if all r are 0.

    A standardised block of reliability r is sqrt(r) signal and sqrt(1 - r) noise; with noise that
    differs from block to block, these weights keep most of the signal (generalised least squares).
    """
    raw = [float(np.sqrt(r)) / (1 - min(r, MOST_RELIABLE)) for r in reliabilities]
    total = sum(raw)
    return [w / total if total > 0 else 1 / len(raw) for w in raw]
