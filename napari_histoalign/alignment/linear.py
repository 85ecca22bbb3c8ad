"""Strategies that are linear in the embeddings: class prototypes, averaged views, summed pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.centring import offsets_of
from napari_histoalign.alignment.scores import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import SimilarityTensor


def pair_logits(tensor: SimilarityTensor, pair: Pair) -> Part:
    """Logits of one encoder pair: ``scale * mean over views of cos(view, prototype)``.

    The zero-shot classifier of CLIP (Radford et al. 2021) with prompt ensembling in embedding
    space. For a pair of different encoders, the scale is the geometric mean of their own; where a
    bridge lies between them, views are compared less their mean over the reference tiles
    (`SimilarityTensor.offsets`).
    """
    logits = class_cosines(tensor, [pair])
    logits *= np.float32(tensor.scale(pair))
    return Part(pair, 1.0, logits)


def joint_fusion(tensor: SimilarityTensor) -> list[Part]:
    """Both encoders' own pairs, whose logits are averaged.

    With equal scales that is the inner product in the joint space of concatenated vectors,
    ``scale * [v1; v2] . [t1; t2] / 2``.
    """
    parts = [pair_logits(tensor, (e, e)) for e in range(tensor.encoders)]
    return [Part(part.pair, 1 / len(parts), part.logits) for part in parts]


def mean_fusion(tensor: SimilarityTensor) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """HistoAlign's formula: the mean of the four cosine blocks, times one scale.

    ``R = 1/4 sum_ij v_i . t_j = 1/4 (v_1 + v_2) . (t_1 + t_2)``: one inner product of summed
    vectors, so that nothing many-to-many is left. Kept as the baseline. HistoAlign takes the
    softmax of R itself, which leaves every probability near 1/classes; here R is multiplied by
    the geometric mean of the encoders' scales. Where a bridge lies between two encoders, t_j is what
    it carries over and v_i is centred in that pair: still one inner product, less a number a class.

    Returns
    -------
    logits
        Shape (n, classes).
    details
        Pairs and scale.
    """
    encoders = range(tensor.encoders)
    scale = float(np.exp(np.mean(np.log(tensor.scales))))
    logits = np.zeros((tensor.tiles, tensor.n_classes), np.float32)
    for i in encoders:
        logits += class_cosines(tensor, [(i, j) for j in encoders])
    logits *= np.float32(scale / len(encoders))
    return logits, {"pairs": [[i, j] for i in encoders for j in encoders], "scales": [scale]}


def class_cosines(tensor: SimilarityTensor, pairs: Sequence[Pair]) -> NDArray[np.float32]:
    """Cosines with class prototypes, meaned over views and over pairs of one image encoder.

    Returns
    -------
    ndarray
        float32, shape (n, classes).
    """
    shares = [tensor.shares(pair) / np.float32(len(pairs)) for pair in pairs]
    out = np.empty((tensor.tiles, tensor.n_classes), np.float32)
    if tensor.columns is not None:
        out[:] = 0
        for pair, share in zip(pairs, shares, strict=True):
            for k, column in enumerate(tensor.columns[pair]):
                c = tensor.class_index[k]
                seen = column[0] if len(column) == 1 else column.mean(axis=0)
                out[:, c] += share[k, c] * seen
    else:
        # prototypes are summed over text encoders first: half the products, and the same number
        prototypes = [s.T @ tensor.texts_for(pair) for s, pair in zip(shares, pairs, strict=True)]
        total = np.add.reduce(prototypes)
        for rows in tensor.rows():
            out[rows] = tensor.products(pairs[0][0], rows, [total])[0].mean(axis=1).T
    offsets = offsets_of(tensor, pairs)
    for pair, share in zip(pairs, shares, strict=True):
        out -= offsets[pair] @ share
    return out
