"""How far pairs of encoders contradict each other about a tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.arrays import as_logits, as_probabilities
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float32]

BLOCK_ROWS = 16384
"""Tiles whose probabilities are held at a time: they stay in the processor's cache."""


def disagreement(
    blocks: Sequence[ArrayLike], weights: Sequence[float] | None = None, *, probabilities: bool = False
) -> NDArray[np.float32]:
    """Generalised Jensen-Shannon divergence of what the pairs say, over its largest value.

    ``JSD = H(sum_p w_p P_p) - sum_p w_p H(P_p)``, H the entropy (Lin 1991): the part of the uncertainty of
    the pairs' mean that comes from their contradicting each other. Pairs that are all equally unsure have
    none, unlike `Scores.entropy`. Its bound is ``min(H(w), log classes)``, which for equal weights is
    ``log min(pairs, classes)``: reached by pairs that are each certain of a class of their own.

    Parameters
    ----------
    blocks
        One array an encoder pair, shape (n, classes): logits (`Part.logits` of `Scores.parts`, which have
        each pair's own temperature), or probabilities.
    weights
        Of the pairs, not negative; brought to a sum of 1. Equal by default.
    probabilities
        Whether `blocks` are probabilities already.

    Returns
    -------
    ndarray
        0 (they agree) to 1 (they contradict each other as far as they can), float32, shape (n,). 0 for a
        single pair, and where one has all the weight.

    Raises
    ------
    AlignmentError
        Shapes disagree, numbers are not finite, or the weights make no sense.
    """
    read = as_probabilities if probabilities else as_logits
    arrays = [read(block) for block in blocks]
    if len(arrays) == 0 or any(a.shape != arrays[0].shape for a in arrays):
        raise AlignmentError("Each encoder pair needs an array of the same tiles and classes.")
    shares = _shares(weights, len(arrays))
    n, classes = arrays[0].shape
    bound = min(_entropy(shares.astype(np.float32)[None])[0], np.log(classes))
    out = np.zeros(n, np.float32)
    if bound <= 1e-6:  # one pair has all the weight
        return out
    for start in range(0, n, BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        mean = np.zeros((len(out[rows]), classes), np.float32)
        own = np.zeros(len(mean), np.float32)
        for array, share in zip(arrays, shares.astype(np.float32), strict=True):
            p = array[rows] if probabilities else softmax(array[rows])
            mean += share * p
            own += share * _entropy(p)
        out[rows] = ((_entropy(mean) - own) / np.float32(bound)).clip(
            0, 1
        )  # rounding leaves it a little outside
    return out


def _shares(weights: Sequence[float] | None, pairs: int) -> NDArray[np.float64]:
    """Weights that sum to 1."""
    given = np.ones(pairs) if weights is None else np.asarray(weights, np.float64)
    if given.shape != (pairs,) or not np.isfinite(given).all() or given.min() < 0 or given.sum() <= 0:
        raise AlignmentError(
            f"Each of the {pairs} pairs needs a weight of at least 0, and one above it; got {weights}."
        )
    shares: NDArray[np.float64] = given / given.sum()
    return shares


def _entropy(p: Floats) -> Floats:
    """Entropy of each row in nats, shape (n,)."""
    entropy: Floats = -np.vecdot(p, np.log(np.maximum(p, np.finfo(np.float32).tiny)))
    return entropy
