"""What each strategy compares, and the sum it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.linear import joint_fusion, mean_fusion, pair_logits
from napari_histoalign.alignment.many_to_many import many_to_many
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_histoalign.alignment.alignment import Alignment
    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.fit import ManyFit
    from napari_histoalign.alignment.scores import Part
    from napari_histoalign.alignment.similarity import SimilarityTensor


@dataclass(frozen=True, eq=False)
class Summed:
    """What a strategy finds, before prior and temperature.

    Attributes
    ----------
    logits
        float32, shape (n, classes), to be changed at will.
    details
        What was found on the way.
    parts
        What each pair says; empty for ``mean-fusion``.
    many
        For ``many-to-many``: what the reference told.
    """

    logits: NDArray[np.float32]
    details: Mapping[str, Any]
    parts: list[Part] = field(default_factory=list)
    many: ManyFit | None = None


def compared(alignment: Alignment, tensor: SimilarityTensor) -> list[Pair]:
    """Pairs that a strategy looks at, of those that can be compared."""
    if alignment.name == "one-to-one":
        return [p for p in tensor.pairs if p == (alignment.pair or (0, 0))]
    own = [] if alignment.name == "cross-pair" else [(e, e) for e in range(tensor.encoders)]
    return [p for p in tensor.pairs if p in own or p in alignment.crossed]


def summed(alignment: Alignment, tensor: SimilarityTensor, many: ManyFit | None = None) -> Summed:
    """Compare, and sum over pairs.

    Parameters
    ----------
    alignment
        Its strategy and parameters.
    tensor
        Prepared: with its prompts' weights and what centring takes off.
    many
        What other tiles told; ``many-to-many`` finds it from these by default.

    Raises
    ------
    AlignmentError
        The tensor lacks what the strategy needs.
    """
    if alignment.name == "mean-fusion":
        _check_crossed(alignment, tensor)
        return Summed(*mean_fusion(tensor))
    details: Mapping[str, Any]
    if alignment.name == "many-to-many":
        parts, many = many_to_many(
            tensor,
            pooling=alignment.pooling,
            sharpness=alignment.sharpness,
            top_k=alignment.top_k,
            weighting=alignment.weighting,
            fit=many,
        )
        details = many.to_dict()
    else:
        parts = _linear(alignment, tensor)
        pairs = [part.pair for part in parts]
        details = {"pairs": [list(p) for p in pairs], "scales": [tensor.scale(p) for p in pairs]}
    logits = np.zeros((tensor.tiles, tensor.n_classes), np.float32)
    for part in parts:
        logits += np.float32(part.weight) * part.logits
    return Summed(logits, details, parts, many)


def _linear(alignment: Alignment, tensor: SimilarityTensor) -> list[Part]:
    if alignment.name == "one-to-one":
        pair = alignment.pair or (0, 0)
        if max(pair) >= tensor.encoders:
            raise AlignmentError("one-to-one names the second encoder, but there is only one.")
        return [pair_logits(tensor, pair)]
    _check_crossed(alignment, tensor)
    if alignment.name == "joint-fusion":
        return joint_fusion(tensor)
    return [pair_logits(tensor, alignment.crossed[0])]


def _check_crossed(alignment: Alignment, tensor: SimilarityTensor) -> None:
    if tensor.encoders < 2:
        raise AlignmentError(f"{alignment.name} needs two encoders; choose a second one, or one-to-one.")
    for pair in alignment.crossed:
        if reason := tensor.refusal(pair):
            raise AlignmentError(
                f"{alignment.name} compares images of one encoder with texts of the other. {reason} "
                "Choose encoders of one family, or joint-fusion or many-to-many."
            )
