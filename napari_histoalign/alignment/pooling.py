"""From a bag of similarities to one a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

POOLINGS = ("log-mean-exp", "mean", "max", "top-k")


def pool(cosines: Floats, starts: NDArray[np.int64], how: str, beta: float, top_k: int) -> Floats:
    """Pool the similarities of all views and all prompts of a class.

    Parameters
    ----------
    cosines
        Similarities with the prompts sorted by class, shape (n, views, k).
    starts
        Position of each class's first prompt, shape (classes,).
    how
        One of `POOLINGS`.
    beta
        Sharpness of ``log-mean-exp``: ``1/beta log mean exp(beta s)``.
    top_k
        Similarities that ``top-k`` averages, at most all of the bag.

    Returns
    -------
    ndarray
        In the units of the similarities, float32, shape (n, classes).
    """
    views = cosines.shape[1]
    counts = (np.diff(starts, append=cosines.shape[2]) * views).astype(np.float32)
    pooled: Floats
    if how == "mean":
        pooled = np.add.reduceat(cosines.sum(axis=1), starts, axis=1) / counts
        return pooled
    if how == "max":
        pooled = np.maximum.reduceat(cosines.max(axis=1), starts, axis=1)
        return pooled
    if how == "top-k":
        return _top_k(cosines, starts, top_k)
    # cosines are at most 1, so that one shift for all keeps exp in range as long as beta < 87
    top = cosines.max(axis=(1, 2), keepdims=True)
    weights = np.exp(np.float32(beta) * (cosines - top)).sum(axis=1)
    means = np.add.reduceat(weights, starts, axis=1) / counts
    # a class far below the best one underflows; the smallest number stands for it
    pooled = top[:, :, 0] + np.log(np.maximum(means, np.finfo(np.float32).tiny)) / np.float32(beta)
    return pooled


def _top_k(cosines: Floats, starts: NDArray[np.int64], top_k: int) -> Floats:
    """Mean of the largest similarities of each class's bag."""
    out = np.empty((len(cosines), len(starts)), np.float32)
    for c, bag in enumerate(np.split(cosines, starts[1:], axis=2)):
        flat = bag.reshape(len(bag), -1)
        k = min(top_k, flat.shape[1])
        out[:, c] = np.partition(flat, flat.shape[1] - k, axis=1)[:, -k:].mean(axis=1)
    return out
