"""Many-to-many alignment: bags of views against bags of prompts, in every pair of encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.pooling import pool
from napari_histoalign.alignment.scores import softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.similarity import Bags

    Floats = NDArray[np.float32]

MIN_REFERENCE = 32
"""Fewer tiles say too little about a block's spread; each block then keeps its own logit scale."""
MATCHING_TILES = 8192
"""Tiles on which confidences are matched; more would not move the temperature."""
MOST_RELIABLE = 0.95
"""No block is trusted further, so that none can outweigh the others without bound."""


@dataclass(frozen=True, eq=False)
class Block:
    """One encoder pair, pooled.

    Attributes
    ----------
    pair
        Image encoder, text encoder.
    scale
        The pair's own logit scale.
    pooled
        Class similarities in cosine units, less their mean over classes, shape (n, classes).
        (What all classes share does not move a softmax.)
    reliability
        0 to 1: see `reliability`.
    """

    pair: tuple[int, int]
    scale: float
    pooled: Floats
    reliability: float


def many_to_many(
    bags: Bags, *, pooling: str, sharpness: float, top_k: int, weighting: str
) -> tuple[Floats, dict[str, Any]]:
    """Align bags of views with bags of prompts over all encoder pairs.

    For each pair (i, j) of image encoder and text encoder:

    1. *Pool*: ``a_c = 1/b log mean_{views v, prompts k of c} exp(b v.t_k)`` with
       ``b = sharpness * scale``: a soft maximum over the bag. The mean in it keeps a class
       from winning by having more prompts.
    2. *Standardise*: ``z_c = (a_c - mean_c a_c) / s``, s the standard deviation over classes and
       tiles, so that a pair whose cosines are spread wider does not count for more.
    3. *Temperature*: ``g`` such that the mean top probability of ``softmax(g z)`` over the tiles equals
       that of the encoders' own pairs at their own logit scales (confidence matching as in
       Frolic, Zhu et al. 2024), so that probabilities keep the range the encoders were trained to.
    4. *Weigh and sum*: ``logit_c = sum_ij w_ij g_ij z_ij,c`` with label-free weights that sum to 1
       (see `reliability`).

    Scores depend on which tiles are scored together, through s, g and w alone; with fewer than
    `MIN_REFERENCE` tiles each pair keeps its own logit scale (``g / s = scale``) and weights are equal.

    Parameters
    ----------
    bags
        Embeddings and prompts. A cross pair of different widths is left out and named in the details.
    pooling
        ``log-mean-exp``, ``mean``, ``max`` or ``top-k``.
    sharpness
        1 pools at the pair's own logit scale; towards 0 the mean, towards infinity the maximum.
    top_k
        Similarities averaged by ``top-k``.
    weighting
        ``reliability`` or ``equal``.

    Returns
    -------
    logits
        Shape (n, classes).
    details
        Per pair: scale, standard deviation, temperature, reliability, weight.
    """
    pairs = [(i, j) for i in range(bags.encoders) for j in range(bags.encoders)]
    used = [pair for pair in pairs if bags.comparable(pair)]
    blocks = [_block(bags, pair, pooling, sharpness, top_k) for pair in used]
    spreads = [
        float(np.sqrt(np.mean(np.square(b.pooled), dtype=np.float64))) if bags.tiles else 0.0 for b in blocks
    ]
    enough = bags.tiles >= MIN_REFERENCE and min(spreads) > 1e-6
    gains = _matched_gains(blocks, spreads) if enough else [b.scale for b in blocks]
    reliable = [b.reliability for b in blocks]
    weights = _weights(reliable if enough and weighting == "reliability" else [1.0] * len(blocks))
    logits = np.zeros((bags.tiles, bags.n_classes), np.float32)
    for block, gain, weight in zip(blocks, gains, weights, strict=True):
        logits += np.float32(weight * gain) * block.pooled
    return logits, {
        "pairs": [list(b.pair) for b in blocks],
        "left_out": [list(pair) for pair in pairs if pair not in used],
        "scales": [b.scale for b in blocks],
        "standard_deviations": spreads,
        "temperatures": [1 / gain for gain in gains],
        "reliabilities": reliable,
        "weights": weights,
        "reference_tiles": bags.tiles if enough else 0,
    }


def _weights(reliabilities: Sequence[float]) -> list[float]:
    """Weights that sum to 1: ``sqrt(r) / (1 - r)``, those of the least noisy sum.

    A standardised block of reliability r is sqrt(r) signal and sqrt(1 - r) noise; with noise that
    differs from block to block, these weights keep most of the signal (generalised least squares).
    """
    raw = [np.sqrt(r) / (1 - min(r, MOST_RELIABLE)) for r in reliabilities]
    total = float(sum(raw))
    return [float(w) / total if total > 0 else 1 / len(raw) for w in raw]


def _block(bags: Bags, pair: tuple[int, int], pooling: str, sharpness: float, top_k: int) -> Block:
    """Pool one encoder pair and measure its reliability, in one pass over the tiles."""
    scale = bags.scale(pair)
    pooled = np.empty((bags.tiles, bags.n_classes), np.float32)
    agreement = Agreement(bags.class_index, bags.n_classes)
    order = np.argsort(bags.class_index, kind="stable")
    starts = np.searchsorted(bags.class_index[order], np.arange(bags.n_classes))
    for rows in bags.rows():
        cosines = bags.cosines(pair, rows)[..., order]
        pooled[rows] = pool(cosines, starts, pooling, sharpness * scale, top_k)
        agreement.add(cosines.mean(axis=1), starts)
    pooled -= pooled.mean(axis=1, keepdims=True)
    return Block(pair, scale, pooled, agreement.reliability())


class Agreement:
    """How far the prompts of a class agree about the tiles: the block's reliability.

    Prompts are raters, tiles are what they rate: ``(B - N) / B``, the reliability of a mean of raters
    (Cronbach's alpha; Shrout & Fleiss 1979). B is the variance over tiles of a class's mean
    similarity (less the mean of all classes); N is the part of it that prompts which know nothing
    of each other would leave in the mean of as many. It needs no labels; where each class has one
    prompt, N is unknown and taken for 0, so that all blocks count alike. What it cannot see is an
    image tower that is wrong in a consistent way.
    """

    def __init__(self, class_index: NDArray[np.int64], n_classes: int) -> None:
        self._of_class = np.sort(class_index, kind="stable")
        self._between = _Variance(n_classes)
        self._within = _Variance(len(class_index))

    def add(self, similarities: Floats, starts: NDArray[np.int64]) -> None:
        """Count tiles: similarities of prompts sorted by class, shape (n, k)."""
        counts = np.diff(starts, append=similarities.shape[1])
        means = np.add.reduceat(similarities, starts, axis=1) / counts.astype(np.float32)
        self._within.add(similarities - means[:, self._of_class])
        self._between.add(means - means.mean(axis=1, keepdims=True))

    def reliability(self) -> float:
        """Between 0 (prompts contradict each other) and 1 (they agree); 0 where nothing varies."""
        counts = np.bincount(self._of_class)
        between = float(self._between.columns().mean())
        if between <= 0:
            return 0.0
        spare = len(self._of_class) - len(counts)
        if spare == 0:
            return 1.0
        # a prompt's own variance, pooled over classes, and what the mean of a class keeps of it
        own = float(self._within.columns().sum()) / spare
        noise = (1 - 1 / len(counts)) * own * float((1 / counts).mean())
        return max(between - noise, 0.0) / between


class _Variance:
    """Variance of each column over all rows that were added."""

    def __init__(self, columns: int) -> None:
        self._n = 0
        self._sum = np.zeros(columns)
        self._squares = np.zeros(columns)

    def add(self, values: NDArray[np.floating]) -> None:
        self._n += len(values)
        self._sum += values.sum(axis=0, dtype=np.float64)
        self._squares += np.square(values, dtype=np.float64).sum(axis=0)

    def columns(self) -> NDArray[np.float64]:
        """Variance of each column, shape (columns,)."""
        n = max(self._n, 1)
        return np.maximum(self._squares / n - np.square(self._sum / n), 0)


def _matched_gains(blocks: Sequence[Block], spreads: Sequence[float]) -> list[float]:
    """A factor for each block's pooled similarities that gives it the own pairs' mean confidence."""
    sample = _spread_sample(blocks[0].pooled)
    own = [b for b in blocks if b.pair[0] == b.pair[1]]
    target = float(np.mean([confidence(b.scale * b.pooled[sample]) for b in own]))
    return [
        match_confidence(b.pooled[sample] / np.float32(s), target) / s
        for b, s in zip(blocks, spreads, strict=True)
    ]


def _spread_sample(pooled: Floats) -> NDArray[np.int64]:
    """Tiles spread evenly over the range of the first class, whatever order they come in."""
    order = np.lexsort(pooled.T[::-1])
    step = -(-len(order) // MATCHING_TILES)
    sample: NDArray[np.int64] = order[::step]
    return sample


def confidence(logits: Floats) -> float:
    """Mean top probability."""
    return float(softmax(logits).max(axis=1).mean(dtype=np.float64))


def match_confidence(standardised: Floats, target: float) -> float:
    """The factor g for which ``softmax(g z)`` has the mean top probability `target`.

    The mean grows with g, from 1/classes towards 1; found by bisection of log g between
    0.01 and 1000, whose ends are returned for targets out of reach.
    """
    low, high = np.log(1e-2), np.log(1e3)
    for _ in range(30):
        middle = (low + high) / 2
        if confidence(np.float32(np.exp(middle)) * standardised) < target:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))
