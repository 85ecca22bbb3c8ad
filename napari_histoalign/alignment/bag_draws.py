"""Pooling bags in which members are there any number of times, for many draws of one tile's bags at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.pooling import LEAST_SHARE
from napari_histoalign.alignment.transport import transport_pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.pooling import Pooling

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]


def pooled_draws(
    pooling: Pooling, cosines: Floats, crops: NDArray[np.float32], prompts: Counts, views: Counts
) -> Floats:
    """What `Pooling.pool` makes of drawn bags.

    Parameters
    ----------
    pooling
        How one pair's similarities are pooled.
    cosines
        Of one tile's views with all prompts, shape (k, views).
    crops
        Weights of its views for ``weighted-crops``, shape (views,).
    prompts, views
        How often each is in its bag, shapes (k, draws) and (views, draws).

    Returns
    -------
    ndarray
        In the units of the similarities, shape (classes, draws).
    """
    seen = cosines[:, :, None].astype(np.float32)
    own = pooling.view_weights(seen, crops[:, None])
    of_views = _shares(np.ones(len(views)) if own is None else own[:, 0], views)
    found = pooling.prompt_weights(seen)
    every: Floats = (found[:, 0] if found.ndim == 2 else found).astype(np.float64)
    pooled = np.empty((len(pooling.classes), prompts.shape[1]))
    for c, members in enumerate(pooling.classes):
        bag, weights, counts = cosines[members], every[members], prompts[members]
        if pooling.how in ("max", "top-k"):
            best = 1 if pooling.how == "max" else pooling.top_k
            pooled[c] = _best(bag, weights, counts, views, best)
            continue
        of_prompts = _shares(weights, counts)
        if pooling.how == "optimal-transport":
            copies = np.repeat(bag[:, :, None].astype(np.float32), counts.shape[1], axis=2)
            pooled[c] = transport_pool(copies, of_views.astype(np.float32), of_prompts.astype(np.float32))
        elif pooling.how == "log-mean-exp":
            with np.errstate(divide="ignore"):  # what was not drawn weighs nothing
                shares = np.log(of_prompts[:, None]) + np.log(of_views)
            terms = pooling.beta * bag[:, :, None] + shares
            top = terms.max(axis=(0, 1))
            pooled[c] = (top + np.log(np.exp(terms - top).sum(axis=(0, 1)))) / pooling.beta
        else:
            pooled[c] = ((bag.T @ of_prompts) * of_views).sum(axis=0)
    return pooled


def prototype_draws(
    cosines: Floats,
    texts: NDArray[np.float32],
    weights: NDArray[np.float32],
    classes: Sequence[slice],
    prompts: Counts,
    views: Counts,
) -> Floats:
    """Mean cosine of drawn views with the prototypes of drawn prompts.

    Parameters
    ----------
    cosines
        Of one tile's views with all prompts, shape (k, views).
    texts, weights
        Of the prompts, shapes (k, width) and (k,).
    classes
        Where each class's prompts stand.
    prompts, views
        How often each is in its bag, shapes (k, draws) and (views, draws).

    Returns
    -------
    ndarray
        Shape (classes, draws).
    """
    of_views = _shares(np.ones(len(views)), views)
    out = np.empty((len(classes), prompts.shape[1]))
    for c, members in enumerate(classes):
        shares = _shares(weights[members].astype(np.float64), prompts[members])
        own = texts[members].astype(np.float64)
        lengths = np.linalg.norm(own.T @ shares, axis=0)
        shares /= np.maximum(lengths, 1e-12)
        out[c] = ((cosines[members].T @ shares) * of_views).sum(axis=0)
    return out


def _shares(weights: NDArray[np.floating], counts: Counts) -> Floats:
    """Weights times counts, brought to the sum 1 in each draw, shape (members, draws).

    Where only members without weight were drawn, they share evenly.
    """
    shares = weights[:, None] * counts
    total = shares.sum(axis=0)
    even = counts / counts.sum(axis=0)
    out: Floats = np.where(total > 0, shares / np.where(total > 0, total, 1), even)
    return out


def _best(bag: Floats, weights: Floats, prompts: Counts, views: Counts, best: int) -> Floats:
    """Mean of the best few of each drawn bag; members of little weight have no part in it."""
    allowed = weights >= LEAST_SHARE / len(weights) * weights.sum()
    heavy = prompts * allowed[:, None]
    counts = np.where(heavy.any(axis=0), heavy, prompts)[:, None] * views[None]
    order = np.argsort(-bag.ravel(), kind="stable")
    sorted_counts = counts.reshape(-1, counts.shape[2])[order]
    before = np.cumsum(sorted_counts, axis=0) - sorted_counts
    taken = np.clip(best - before, 0, sorted_counts)
    mean: Floats = (bag.ravel()[order] @ taken) / taken.sum(axis=0)
    return mean
