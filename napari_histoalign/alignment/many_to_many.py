"""Many-to-many alignment: bags of views against bags of prompts, in every pair of encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.centring import offsets_of
from napari_histoalign.alignment.confidence import confidence, match_confidence, spread_sample
from napari_histoalign.alignment.fit import ManyFit, PairFit
from napari_histoalign.alignment.pooling import Pooling, crop_weights
from napari_histoalign.alignment.reliability import Agreement, reliability_weights
from napari_histoalign.alignment.scores import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Floats = NDArray[np.float32]

MIN_REFERENCE = 32
"""Fewer tiles say too little about a block's spread; each block then keeps its own logit scale."""
MIN_SPREAD = 1e-6
"""In cosine units: rounding, not signal. Such a block cannot tell classes apart, and is not stretched."""


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
        0 to 1: see `napari_histoalign.alignment.reliability.Agreement`.
    """

    pair: Pair
    scale: float
    pooled: Floats
    reliability: float


def many_to_many(
    tensor: SimilarityTensor,
    *,
    pooling: str = "log-mean-exp",
    sharpness: float = 1.0,
    top_k: int = 3,
    weighting: str = "reliability",
    fit: ManyFit | None = None,
) -> tuple[list[Part], ManyFit]:
    """Align bags of views with bags of prompts over all encoder pairs.

    For each pair (i, j) of image encoder and text encoder:

    1. *Pool*: ``a_c = 1/b log mean_{views v, prompts k of c} exp(b v.t_k)`` with
       ``b = sharpness * scale``: a soft maximum over the bag. The mean in it keeps a class
       from winning by having more prompts.
    2. *Standardise*: ``z_c = (a_c - mean_c a_c) / s``, s the root mean square over classes and
       reference tiles, so that a pair whose cosines are spread wider does not count for more.
    3. *Temperature*: ``g`` such that the mean top probability of ``softmax(g z)`` over the reference
       equals that of the encoders' own pairs at their own logit scales (confidence matching as in
       Frolic, Zhu et al. 2024), so that no pair is surer than the encoders were trained to be. Their sum
       is less sure than each of them, wherever they disagree.
    4. *Weigh and sum*: ``logit_c = sum_ij w_ij g_ij z_ij,c`` with label-free weights that sum to 1
       (see `napari_histoalign.alignment.reliability`).

    A tile's score depends on the reference through s, g and w alone. With fewer than `MIN_REFERENCE`
    reference tiles each pair keeps its own logit scale (``g / s = scale``) and weights are equal.
    A pair in which all classes are alike (words that an encoder never learned) keeps its scale too,
    has no say in the confidence of the others, and a reliability of 0. A pair with a bridge between its
    encoders is compared less the images' mean over the reference, and left out where that is too small.

    Parameters
    ----------
    tensor
        Embeddings, prompts and reference. A pair that cannot be compared is left out and named in the
        details, with the reason.
    pooling
        One of `napari_histoalign.alignment.pooling.POOLINGS`.
    sharpness
        1 pools at the pair's own logit scale; towards 0 the mean, towards infinity the maximum.
    top_k
        Similarities averaged by ``top-k``.
    weighting
        ``reliability`` or ``equal``.
    fit
        What was found from other tiles: these are scored with it, and tell nothing themselves.

    Returns
    -------
    parts
        Logits of each pair and its weight.
    fit
        What the reference told, or the one that was given.
    """
    if fit is None:
        blocks, fit = _fitted(tensor, pooling, sharpness, top_k, weighting)
    else:
        blocks = _pooled(tensor, [p.pair for p in fit.pairs], pooling, sharpness, top_k, judge=False)
    for block, found in zip(blocks, fit.pairs, strict=True):
        np.multiply(block.pooled, np.float32(found.gain), out=block.pooled)
    return [Part(p.pair, p.weight, b.pooled) for b, p in zip(blocks, fit.pairs, strict=True)], fit


def _fitted(
    tensor: SimilarityTensor, pooling: str, sharpness: float, top_k: int, weighting: str
) -> tuple[list[Block], ManyFit]:
    """Pool all pairs, and find from the reference what they count."""
    pairs = [(i, j) for i in range(tensor.encoders) for j in range(tensor.encoders)]
    left_out = {pair: reason for pair in pairs if (reason := _cannot_count(tensor, pair))}
    compared = [pair for pair in pairs if pair not in left_out]
    blocks = _pooled(tensor, compared, pooling, sharpness, top_k, judge=True)
    seen = [b.pooled if tensor.reference is None else b.pooled[tensor.reference] for b in blocks]
    spreads = [float(np.sqrt(np.mean(np.square(p), dtype=np.float64))) if p.size else 0.0 for p in seen]
    own = [s for b, s in zip(blocks, spreads, strict=True) if b.pair[0] == b.pair[1]]
    enough = len(seen[0]) >= MIN_REFERENCE and max(own) > MIN_SPREAD
    gains = _matched_gains(blocks, seen, spreads) if enough else [b.scale for b in blocks]
    reliable = [b.reliability if s > MIN_SPREAD else 0.0 for b, s in zip(blocks, spreads, strict=True)]
    weights = reliability_weights(reliable if enough and weighting == "reliability" else [1.0] * len(blocks))
    found = zip(blocks, spreads, gains, reliable, weights, strict=True)
    fits = tuple(PairFit(b.pair, b.scale, s, g, r, w) for b, s, g, r, w in found)
    return blocks, ManyFit(fits, left_out, len(seen[0]) if enough else 0)


def _cannot_count(tensor: SimilarityTensor, pair: Pair) -> str:
    """Why a pair is left out; empty where it is not."""
    if tensor.centred(pair) and tensor.reference_tiles < MIN_REFERENCE:
        return f"A bridge compares images less their mean, which takes at least {MIN_REFERENCE} tiles."
    return tensor.refusal(pair)


def _pooled(
    tensor: SimilarityTensor,
    pairs: Sequence[Pair],
    pooling: str,
    sharpness: float,
    top_k: int,
    *,
    judge: bool,
) -> list[Block]:
    """Pool pairs, those of one image encoder in one pass over its tiles."""
    blocks = []
    for i in range(tensor.encoders):
        own = [pair for pair in pairs if pair[0] == i]
        how = [Pooling.of(tensor, pair, how=pooling, sharpness=sharpness, top_k=top_k) for pair in own]
        blocks += _of_encoder(tensor, i, own, how, judge)
    return blocks


def _of_encoder(
    tensor: SimilarityTensor, encoder: int, pairs: Sequence[Pair], how: Sequence[Pooling], judge: bool
) -> list[Block]:
    """Pool the pairs of one image encoder, and measure their reliability where they are judged."""
    offsets = offsets_of(tensor, pairs)
    near = any(pooling.how == "weighted-crops" for pooling in how)
    pooled = [np.empty((tensor.tiles, tensor.n_classes), np.float32) for _ in pairs]
    agreements = [Agreement(tensor.classes) for _ in pairs]
    referred = None
    if tensor.reference is not None:
        referred = np.zeros(tensor.tiles, bool)
        referred[tensor.reference] = True
    for rows in tensor.rows():
        crops = crop_weights(tensor.images[encoder][rows], tensor.scales[encoder]) if near else None
        for p, cosines in enumerate(tensor.cosines(pairs, rows)):
            taken_off = offsets[pairs[p]]
            if taken_off.any():
                cosines -= taken_off[:, None, None]
            pooled[p][rows] = how[p].pool(cosines, crops).T
            if judge:
                means = cosines[:, 0] if cosines.shape[1] == 1 else cosines.mean(axis=1)
                agreements[p].add(means if referred is None else means[:, referred[rows]])
    for a in pooled:
        a -= a.mean(axis=1, keepdims=True)
    return [
        Block(pair, tensor.scale(pair), a, agreement.reliability())
        for pair, a, agreement in zip(pairs, pooled, agreements, strict=True)
    ]


def _matched_gains(blocks: Sequence[Block], seen: Sequence[Floats], spreads: Sequence[float]) -> list[float]:
    """A factor for each block's pooled similarities that gives it the own pairs' mean confidence."""
    sample = spread_sample(seen[0])
    sampled = [(b, p[sample], s) for b, p, s in zip(blocks, seen, spreads, strict=True)]
    own = [b.scale * p for b, p, s in sampled if b.pair[0] == b.pair[1] and s > MIN_SPREAD]
    target = float(np.mean([confidence(logits) for logits in own]))
    return [
        match_confidence(p / np.float32(s), target) / s if s > MIN_SPREAD else b.scale for b, p, s in sampled
    ]
