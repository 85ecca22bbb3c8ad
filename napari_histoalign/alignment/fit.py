"""What reference tiles told, as a value: other tiles can be scored with it, as those were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.alignment import Alignment
    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.priors import PriorShift
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PairFit:
    """What a pair of encoders counts in ``many-to-many``.

    Attributes
    ----------
    pair
        Image encoder, text encoder.
    scale
        The pair's own logit scale.
    spread
        Root mean square of its pooled similarities over classes and reference tiles, in cosine units.
    gain
        What pooled similarities are multiplied by to be logits.
    reliability, weight
        See `napari_histoalign.alignment.reliability`; weights of all pairs sum to 1.
    """

    pair: Pair
    scale: float
    spread: float
    gain: float
    reliability: float
    weight: float


@dataclass(frozen=True, eq=False)
class ManyFit:
    """What ``many-to-many`` finds from its reference.

    Attributes
    ----------
    pairs
        Those that count, by image encoder.
    left_out
        Those that do not, and why.
    reference_tiles
        Number of tiles it was found from; 0 where they were too few, and each pair keeps its own scale.
    """

    pairs: tuple[PairFit, ...]
    left_out: Mapping[Pair, str]
    reference_tiles: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the provenance."""
        return {
            "pairs": [list(p.pair) for p in self.pairs],
            "left_out": [list(pair) for pair in self.left_out],
            "left_out_because": list(self.left_out.values()),
            "scales": [p.scale for p in self.pairs],
            "standard_deviations": [p.spread for p in self.pairs],
            "temperatures": [1 / p.gain for p in self.pairs],
            "reliabilities": [p.reliability for p in self.pairs],
            "weights": [p.weight for p in self.pairs],
            "reference_tiles": self.reference_tiles,
        }


@dataclass(frozen=True, eq=False)
class Fit:
    """All that tiles told about how to score under some prompts: `Scores.fit` of those tiles.

    ``alignment.score_tensor(others, fit)`` scores other tiles with it; a tile's answer then depends on no
    other of them.

    Attributes
    ----------
    alignment
        Whose it is.
    class_index, texts
        The prompts it was found with, as in the tensor.
    prompt_weights, offsets
        By pair, as in the tensor.
    many
        For ``many-to-many``.
    prior
        The shift of the prior; None where there is no prior or there was no tile.
    """

    alignment: Alignment
    class_index: NDArray[np.int64]
    texts: tuple[Floats, ...]
    prompt_weights: Mapping[Pair, Floats]
    offsets: Mapping[Pair, Floats]
    many: ManyFit | None = None
    prior: PriorShift | None = None

    def is_of(self, tensor: SimilarityTensor, alignment: Alignment) -> bool:
        """Whether it was found under these prompts, by this alignment."""
        same = [np.array_equal(a, b) for a, b in zip(self.texts, tensor.texts, strict=False)]
        return (
            self.alignment == alignment
            and len(self.texts) == len(tensor.texts)
            and np.array_equal(self.class_index, tensor.class_index)
            and all(same)
        )

    def applied(self, tensor: SimilarityTensor) -> SimilarityTensor:
        """A tensor of the same prompts whose cosines are weighed and centred as the fit says.

        Raises
        ------
        AlignmentError
            It has other prompts.
        """
        if not self.is_of(tensor, self.alignment):
            raise AlignmentError("The prompts have changed since the reference was scored: score it again.")
        centring = float(self.alignment.centring)
        return replace(
            tensor, centring=centring, prompt_weights=self.prompt_weights, found_offsets=self.offsets
        )
