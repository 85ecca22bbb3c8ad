"""Shares of a bag's members in what a strategy makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.centring import offsets_of
from napari_histoalign.alignment.pooling import LEAST_SHARE, Pooling, crop_weights
from napari_histoalign.alignment.transport import transport_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.alignment import Alignment
    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Floats = NDArray[np.float64]

STEPS = 64
"""Points of the Gauss-Legendre rule along the path; the integrand is smooth."""


def attributed(
    tensor: SimilarityTensor, alignment: Alignment, details: Mapping[str, Any], tile: int
) -> tuple[list[Pair], Floats]:
    """What each (pair, view, prompt) adds to each class's logit, before temperature and prior.

    Parameters
    ----------
    tensor
        Prepared as it was for the scores.
    alignment, details
        Of the scores.
    tile
        Position of the tile.

    Returns
    -------
    pairs
        Those that were compared.
    contributions
        Shape (pairs, views, k, classes).
    """
    pairs: list[Pair] = [(i, j) for i, j in details["pairs"]]
    parts = []
    for place, pair in enumerate(pairs):
        cosines = tensor.cosines([pair], slice(tile, tile + 1))[0][:, :, 0].astype(np.float64)
        cosines -= offsets_of(tensor, [pair])[pair][:, None]
        if alignment.name == "many-to-many":
            pooling = Pooling.of(
                tensor, pair, how=alignment.pooling, sharpness=alignment.sharpness, top_k=alignment.top_k
            )
            crops = crop_weights(tensor.images[pair[0]][tile : tile + 1], tensor.scales[pair[0]])
            phi = _shares(pooling, cosines, crops)
            own = np.eye(tensor.n_classes)[tensor.class_index] - 1 / tensor.n_classes
            factor = details["weights"][place] / details["temperatures"][place]
            parts.append(factor * phi.T[:, :, None] * own)
        else:
            scale = details["scales"][place if len(details["scales"]) > 1 else 0] / len(pairs)
            parts.append(scale / cosines.shape[1] * cosines.T[:, :, None] * tensor.shares(pair))
    return pairs, np.stack(parts)


def _shares(pooling: Pooling, cosines: Floats, crops: NDArray[np.float32]) -> Floats:
    """What each member adds to its class's pooled similarity, above the tile's mean; shape (k, views)."""
    above = cosines - cosines.mean()
    seen = cosines[:, :, None].astype(np.float32)
    views, every = pooling.view_weights(seen, crops), pooling.prompt_weights(seen)
    out = np.empty_like(cosines)
    for prompts in pooling.classes:
        bag, weights = above[prompts], every[prompts].astype(np.float64)
        if pooling.how == "optimal-transport" and views is not None:
            plan = transport_plan(bag[:, :, None].astype(np.float32), views, every[prompts])
            out[prompts] = plan[:, :, 0] * bag
        elif pooling.how == "weighted-crops":
            out[prompts] = weights[:, None] * crops[:, 0] * bag
        else:
            members = np.repeat(weights / bag.shape[1], bag.shape[1])
            out[prompts] = (_slopes(pooling, bag.ravel(), members) * bag.ravel()).reshape(bag.shape)
    return out


@cache
def _gauss() -> tuple[Floats, Floats]:
    """Points and weights of the integral; finding them takes longer than using them."""
    points, weights = np.polynomial.legendre.leggauss(STEPS)
    return points, weights


def _slopes(pooling: Pooling, bag: Floats, members: Floats) -> Floats:
    """Mean derivative of the pooled similarity by each member, along the way from 0 to the bag."""
    if pooling.how == "mean":
        even: Floats = members / members.sum()
        return even
    if pooling.how in ("max", "top-k"):
        allowed = np.flatnonzero(members >= LEAST_SHARE / len(members))
        k = 1 if pooling.how == "max" else min(pooling.top_k, len(allowed))
        slopes = np.zeros(len(bag))
        slopes[allowed[np.argsort(bag[allowed], kind="stable")[-k:]]] = 1 / k
        return slopes
    points, weights = _gauss()
    z = pooling.beta * np.multiply.outer((points + 1) / 2, bag)
    odds = members * np.exp(z - z.max(axis=1, keepdims=True))
    along: Floats = (weights / 2) @ (odds / odds.sum(axis=1, keepdims=True))
    return along
