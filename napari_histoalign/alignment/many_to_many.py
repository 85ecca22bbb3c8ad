"""Many-to-many alignment: bags of views against bags of prompts, in every pair of encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.confidence import confidence, match_confidence, spread_sample
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
) -> tuple[list[Part], dict[str, Any]]:
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

    Returns
    -------
    parts
        Logits of each pair and its weight.
    details
        Per pair: scale, standard deviation, temperature, reliability, weight.
    """
    pairs = [(i, j) for i in range(tensor.encoders) for j in range(tensor.encoders)]
    left_out = {pair: reason for pair in pairs if (reason := _cannot_count(tensor, pair))}
    blocks = [
        block
        for i in range(tensor.encoders)
        for block in _blocks(
            tensor, [p for p in pairs if p[0] == i and p not in left_out], pooling, sharpness, top_k
        )
    ]
    seen = [b.pooled if tensor.reference is None else b.pooled[tensor.reference] for b in blocks]
    spreads = [float(np.sqrt(np.mean(np.square(p), dtype=np.float64))) if p.size else 0.0 for p in seen]
    own = [s for b, s in zip(blocks, spreads, strict=True) if b.pair[0] == b.pair[1]]
    enough = len(seen[0]) >= MIN_REFERENCE and max(own) > MIN_SPREAD
    gains = _matched_gains(blocks, seen, spreads) if enough else [b.scale for b in blocks]
    reliable = [b.reliability if s > MIN_SPREAD else 0.0 for b, s in zip(blocks, spreads, strict=True)]
    weights = reliability_weights(reliable if enough and weighting == "reliability" else [1.0] * len(blocks))
    for block, gain in zip(blocks, gains, strict=True):
        np.multiply(block.pooled, np.float32(gain), out=block.pooled)
    parts = [Part(b.pair, weight, b.pooled) for b, weight in zip(blocks, weights, strict=True)]
    return parts, {
        "pairs": [list(b.pair) for b in blocks],
        "left_out": [list(pair) for pair in left_out],
        "left_out_because": list(left_out.values()),
        "scales": [b.scale for b in blocks],
        "standard_deviations": spreads,
        "temperatures": [1 / gain for gain in gains],
        "reliabilities": reliable,
        "weights": weights,
        "reference_tiles": len(seen[0]) if enough else 0,
    }


def _cannot_count(tensor: SimilarityTensor, pair: Pair) -> str:
    """Why a pair is left out; empty where it is not."""
    if tensor.centred(pair) and tensor.reference_tiles < MIN_REFERENCE:
        return f"A bridge compares images less their mean, which takes at least {MIN_REFERENCE} tiles."
    return tensor.refusal(pair)


def _blocks(
    tensor: SimilarityTensor, pairs: Sequence[Pair], pooling: str, sharpness: float, top_k: int
) -> list[Block]:
    """Pool the pairs of one image encoder, and measure their reliability, in one pass over its tiles."""
    reference = tensor.reference
    offsets = [tensor.offsets(pair) for pair in pairs]
    how = [Pooling.of(tensor, pair, how=pooling, sharpness=sharpness, top_k=top_k) for pair in pairs]
    near = pooling == "weighted-crops"
    pooled = [np.empty((tensor.tiles, tensor.n_classes), np.float32) for _ in pairs]
    agreements = [Agreement(tensor.classes) for _ in pairs]
    referred = None
    if reference is not None:
        referred = np.zeros(tensor.tiles, bool)
        referred[reference] = True
    for rows in tensor.rows():
        for p, cosines in enumerate(tensor.cosines(pairs, rows)):
            if offsets[p].any():
                cosines -= offsets[p][:, None, None]
            crops = crop_weights(tensor.images[pairs[p][0]][rows], tensor.scale(pairs[p])) if near else None
            pooled[p][rows] = how[p].pool(cosines, crops).T
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
