"""Temperatures that give one block of logits the confidence of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.scores import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MATCHING_TILES = 8192
"""Tiles on which confidences are matched; more would move a temperature by a percent or two."""


def confidence(logits: Floats) -> float:
    """Mean top probability of tiles, logits of shape (n, classes)."""
    return float(softmax(logits).max(axis=1).mean(dtype=np.float64))


def match_confidence(standardised: Floats, target: float) -> float:
    """The factor g for which ``softmax(g z)`` has the mean top probability `target`.

    The mean grows with g, from 1/classes towards 1; found by bisection of log g between
    0.01 and 1000, whose ends are returned for targets out of reach (as in Frolic, Zhu et al. 2024).
    """
    low, high = np.log(1e-2), np.log(1e3)
    for _ in range(30):
        middle = (low + high) / 2
        if confidence(np.float32(np.exp(middle)) * standardised) < target:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def spread_sample(pooled: Floats) -> NDArray[np.int64]:
    """At most `MATCHING_TILES` tiles, evenly over the first class's range, in whatever order they come."""
    if len(pooled) <= MATCHING_TILES:
        return np.arange(len(pooled))
    order = np.lexsort(pooled.T[::-1])
    step = -(-len(order) // MATCHING_TILES)
    sample: NDArray[np.int64] = order[::step]
    return sample
