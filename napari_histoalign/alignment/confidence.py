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
SUREST = 1 - 1e-6
"""Mean top probability that is asked for at most: single precision calls more than that certain."""
STEPS = 60
ENOUGH = 1e-7
"""Of confidence, and of log g: less than single precision tells apart."""


def confidence(logits: Floats) -> float:
    """Mean top probability of tiles, logits of shape (n, classes)."""
    return float(softmax(logits).max(axis=1).mean(dtype=np.float64))


def match_confidence(standardised: Floats, target: float) -> float:
    """The factor g for which ``softmax(g z)`` has the mean top probability `target`.

    The mean grows with g, from 1/classes towards 1; log g is found between 0.01 and 1000, whose ends are
    returned for targets out of reach (as in Frolic, Zhu et al. 2024).
    """
    # the top probability is 1 / sum_c exp(g (z_c - max z)): the differences are all that is needed
    below = np.ascontiguousarray((standardised - standardised.max(axis=1, keepdims=True)).T, np.float32)

    target = min(target, SUREST)

    def lacks(log_g: float) -> float:
        odds = np.exp(np.float32(np.exp(log_g)) * below).sum(axis=0)
        return target - float((1 / odds).mean(dtype=np.float64))

    low, high = float(np.log(1e-2)), float(np.log(1e3))
    at_low, at_high = lacks(low), lacks(high)
    if at_low <= 0 or at_high > 0:
        return float(np.exp(low if at_low <= 0 else high))
    # regula falsi that halves the end which stays (Illinois, Dowell & Jarratt 1971): some eight steps
    for _ in range(STEPS):
        middle = low + (high - low) * at_low / (at_low - at_high)
        at_middle = lacks(middle)
        if abs(at_middle) < ENOUGH or high - low < ENOUGH:
            return float(np.exp(middle))
        if at_middle > 0:
            low, at_low, at_high = middle, at_middle, at_high / 2
        else:
            high, at_high, at_low = middle, at_middle, at_low / 2
    return float(np.exp((low + high) / 2))


def spread_sample(pooled: Floats) -> NDArray[np.int64]:
    """At most `MATCHING_TILES` tiles, evenly over the first class's range, in whatever order they come."""
    if len(pooled) <= MATCHING_TILES:
        return np.arange(len(pooled))
    order = np.lexsort(pooled.T[::-1])
    step = -(-len(order) // MATCHING_TILES)
    sample: NDArray[np.int64] = order[::step]
    return sample
