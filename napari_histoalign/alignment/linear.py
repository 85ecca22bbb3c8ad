"""Strategies that are linear in the embeddings: class prototypes, averaged views, summed pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import Bags


def pair_logits(bags: Bags, pair: Pair) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Logits of one encoder pair: ``scale * mean over views of cos(view, prototype)``.

    The zero-shot classifier of CLIP (Radford et al. 2021) with prompt ensembling in embedding
    space. For a pair of different encoders, the scale is the geometric mean of their own; where a
    bridge lies between them, views are compared less their mean over the reference tiles (`Bags.offsets`).

    Returns
    -------
    logits
        Shape (n, classes).
    details
        Pair and scale.
    """
    scale = bags.scale(pair)
    prototypes = bags.prototypes(pair[1], pair[0])
    logits = np.float32(scale) * (bags.mean_cosines(pair[0], prototypes) - bags.offsets(pair, prototypes))
    return logits, {"pairs": [list(pair)], "scales": [scale]}


def joint_fusion(bags: Bags) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Mean of the logits of both encoders' own pairs.

    With equal scales this is the inner product in the joint space of concatenated vectors,
    ``scale * [v1; v2] . [t1; t2] / 2``.
    """
    pairs = [(e, e) for e in range(bags.encoders)]
    logits = _mean([pair_logits(bags, pair)[0] for pair in pairs])
    return logits, {"pairs": [list(p) for p in pairs], "scales": [bags.scale(p) for p in pairs]}


def mean_fusion(bags: Bags) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """HistoAlign's formula: the mean of the four cosine blocks, times one scale.

    ``R = 1/4 sum_ij v_i . t_j = 1/4 (v_1 + v_2) . (t_1 + t_2)``: one inner product of summed
    vectors, so that nothing many-to-many is left. Kept as the baseline. HistoAlign takes the
    softmax of R itself, which leaves every probability near 1/classes; here R is multiplied by
    the geometric mean of the encoders' scales. Where a bridge lies between two encoders, t_j is what
    it carries over and v_i is centred in that pair: still one inner product, less a number a class.
    """
    encoders = range(bags.encoders)
    scale = float(np.exp(np.mean(np.log(bags.scales))))
    logits = np.float32(scale) * _mean([_against_all_texts(bags, e) for e in encoders])
    return logits, {"pairs": [[i, j] for i in encoders for j in encoders], "scales": [scale]}


def _against_all_texts(bags: Bags, images: int) -> NDArray[np.float32]:
    """Mean over text encoders of one image encoder's cosines with class prototypes."""
    prototypes = [bags.prototypes(e, images) for e in range(bags.encoders)]
    offsets = [bags.offsets((images, e), p) for e, p in enumerate(prototypes)]
    # the sum over text encoders is taken first: half the products, and the same number
    return bags.mean_cosines(images, _mean(prototypes)) - _mean(offsets)


def _mean(blocks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    total = blocks[0].copy()
    for block in blocks[1:]:
        total += block
    total /= len(blocks)
    return total
