"""From a bag of similarities to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

POOLINGS = ("log-mean-exp", "mean", "max", "top-k")


def pool(bag: Floats, how: str, beta: float, top_k: int) -> Floats:
    """Pool a class's similarities: all views of a tile with all its prompts.

    Parameters
    ----------
    bag
        Similarities, shape (size of the bag, n).
    how
        One of `POOLINGS`.
    beta
        Sharpness of ``log-mean-exp``: ``1/beta log mean exp(beta s)``, the mean for beta
        towards 0 and the maximum for beta towards infinity.
    top_k
        Similarities that ``top-k`` averages, at most all of the bag.

    Returns
    -------
    ndarray
        In the units of the similarities, float32, shape (n,).
    """
    pooled: Floats
    if how == "mean":
        pooled = bag.mean(axis=0)
    elif how == "max":
        pooled = bag.max(axis=0)
    elif how == "top-k":
        k = min(top_k, len(bag))
        pooled = np.partition(bag, len(bag) - k, axis=0)[-k:].mean(axis=0)
    else:
        # less the bag's own maximum, so that its largest term is 1 whatever beta is
        top = bag.max(axis=0)
        terms = bag - top
        terms *= np.float32(beta)
        np.exp(terms, out=terms)
        pooled = top + np.log(terms.mean(axis=0)) / np.float32(beta)
    return pooled
