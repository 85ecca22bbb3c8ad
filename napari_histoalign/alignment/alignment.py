"""One interface to every strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.linear import joint_fusion, mean_fusion, pair_logits
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.many_to_many import many_to_many
from napari_histoalign.alignment.pooling import POOLINGS
from napari_histoalign.alignment.priors import PRIORS, frolic, otter
from napari_histoalign.alignment.scores import Part, Scores, softmax
from napari_histoalign.alignment.screening import SCREENINGS, screened
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import CrossTexts, Pair, Refusal
    from napari_histoalign.alignment.similarity import SimilarityTensor

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "one-to-one": "One encoder: its own images against its own texts.",
        "cross-pair": "Images of one encoder against texts of the other.",
        "joint-fusion": "The mean of both encoders' own pairs.",
        "mean-fusion": "The mean of all four pairs: HistoAlign's linear formula, the baseline.",
        "many-to-many": "Bags of views against bags of prompts in all four pairs, standardised and weighed.",
    }
)
STRATEGIES = tuple(DESCRIPTIONS)
WEIGHTINGS = ("reliability", "equal")
LEAST, MOST = 1e-3, 1e3
"""Bounds of temperature and sharpness: wide of any use, and within single precision."""


@dataclass(frozen=True)
class Alignment:
    """A strategy and its parameters.

    Attributes
    ----------
    name
        One of `STRATEGIES`.
    pair
        Image and text encoder (0 or 1) of ``one-to-one`` and ``cross-pair``; by default the
        first encoder with itself, and the first one's images with the second one's texts.
    temperature
        Divides the logits: above 1 softer, below 1 sharper than the encoders' own.
    pooling, sharpness, top_k, weighting
        See `napari_histoalign.alignment.many_to_many.many_to_many`.
    screening
        How the reference tiles weigh prompts: a key of `napari_histoalign.alignment.screening.SCREENINGS`.
    centring
        Share of the mean image that is taken off, 0 to 1: see `SimilarityTensor.centring`.
    prior, shares
        A correction of the classes' shares: a key of `napari_histoalign.alignment.priors.PRIORS`, and for
        ``otter`` the shares, even ones by default. What was assumed stands in the details, by name.
    """

    name: str = "many-to-many"
    pair: tuple[int, int] | None = None
    temperature: float = 1.0
    pooling: str = "log-mean-exp"
    sharpness: float = 1.0
    top_k: int = 3
    weighting: str = "reliability"
    screening: str = "none"
    centring: float = 0.0
    prior: str = "none"
    shares: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.name not in STRATEGIES:
            raise AlignmentError(f"There is no alignment {self.name!r}; there are {', '.join(STRATEGIES)}.")
        for value, allowed in ((self.pooling, POOLINGS), (self.weighting, WEIGHTINGS)):
            if value not in allowed:
                raise AlignmentError(f"{value!r} is none of {', '.join(allowed)}.")
        for value, known in ((self.screening, SCREENINGS), (self.prior, PRIORS)):
            if value not in known:
                raise AlignmentError(f"{value!r} is none of {', '.join(known)}.")
        if not (_is_number(self.centring) and 0 <= self.centring <= 1):
            raise AlignmentError(f"centring is a share between 0 and 1; got {self.centring!r}.")
        if self.shares is not None:
            object.__setattr__(self, "shares", _as_shares(self.shares))
        for what, number in (("temperature", self.temperature), ("sharpness", self.sharpness)):
            if not (_is_number(number) and LEAST <= number <= MOST):
                raise AlignmentError(
                    f"The {what} must be a number between {LEAST:g} and {MOST:g}; got {number!r}."
                )
        if not (isinstance(self.top_k, int) and not isinstance(self.top_k, bool) and self.top_k >= 1):
            raise AlignmentError(f"top_k must be a whole number of at least 1; got {self.top_k!r}.")
        if self.pair is not None:
            object.__setattr__(self, "pair", _as_pair(self.pair))
            self._check_pair(self.pair)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Alignment:
        """An alignment from what `to_dict` returned."""
        known = {f.name for f in fields(cls)}
        if unknown := set(plain) - known:
            raise AlignmentError(f"An alignment has no parameter {sorted(unknown)[0]!r}.")
        return cls(**plain)

    def to_dict(self) -> dict[str, Any]:
        """Name and parameters as plain values."""
        plain = asdict(self)
        plain["pair"] = None if self.pair is None else list(self.pair)
        plain["shares"] = None if self.shares is None else list(self.shares)
        return plain

    @property
    def transductive(self) -> bool:
        """Whether a tile's answer depends on what the other tiles are predicted to be."""
        return self.prior != "none"

    @property
    def crossed(self) -> tuple[Pair, ...]:
        """Pairs of different encoders that the strategy compares where there are two."""
        if self.name in ("one-to-one", "joint-fusion"):
            return ()
        return (self.pair or (0, 1),) if self.name == "cross-pair" else ((0, 1), (1, 0))

    def score(
        self,
        images: Sequence[NDArray[np.floating]],
        texts: Sequence[NDArray[np.floating]],
        class_index: NDArray[np.integer],
        n_classes: int,
        logit_scales: Sequence[float],
        *,
        cross: Mapping[Pair, CrossTexts | Refusal] | None = None,
        reference: NDArray[np.integer] | None = None,
    ) -> Scores:
        """Class probabilities of tiles.

        Parameters
        ----------
        images
            One array an encoder: float16 or float32 (a memory map will do), shape (n, views, width);
            rows are brought to length 1 as they are read.
        texts
            One array an encoder: unit rows, shape (k, width).
        class_index
            Class of each prompt, shape (k,).
        n_classes
            Number of classes.
        logit_scales
            Each encoder's own (100 for CLIP).
        cross
            ``cross[i, j]`` for i other than j: the prompts of text encoder j for images of encoder i, or
            why they cannot be compared. ``many-to-many`` leaves such a pair out and names it; ``cross-pair``
            and ``mean-fusion`` are refused. By default encoders of the same width are taken to share one
            space: the caller says so.
        reference
            Positions of the tiles from which ``many-to-many`` takes spreads, temperatures and
            weights, and all strategies the mean of images that a bridge lies before; all by default.
            Without a bridge the other strategies score each tile for itself.

        Returns
        -------
        Scores
            ``softmax((logits + shift of the prior) / temperature)``.

        Raises
        ------
        AlignmentError
            The arrays do not fit together, hold numbers that are no embeddings, or lack what the
            strategy needs.
        """
        return self.score_tensor(
            similarity_tensor(images, texts, class_index, n_classes, logit_scales, cross, reference)
        )

    def score_tensor(self, tensor: SimilarityTensor) -> Scores:
        """Class probabilities from a similarity tensor; see `score`.

        With a tensor that is held (`SimilarityTensor.held`) no embedding is read.
        """
        logits, details, parts = self._logits(self.prepared(tensor))
        if self.prior != "none" and len(logits):
            seen = logits if tensor.reference is None else logits[tensor.reference]
            found = frolic(seen) if self.prior == "frolic" else otter(seen, self.shares)
            logits += found.shift.astype(np.float32)
            details = {**details, "prior": found.to_dict()}
        logits /= np.float32(self.temperature)
        return Scores(logits, softmax(logits), details, tuple(parts))

    def prepared(self, tensor: SimilarityTensor) -> SimilarityTensor:
        """The tensor with this alignment's centring and weights of prompts."""
        return screened(replace(tensor, centring=float(self.centring)), self.screening)

    def _logits(self, tensor: SimilarityTensor) -> tuple[NDArray[np.float32], dict[str, Any], list[Part]]:
        """The sum, what was found on the way, and what each pair says."""
        if self.name == "mean-fusion":
            self._check_crossed(tensor)
            return *mean_fusion(tensor), []
        if self.name == "many-to-many":
            parts, details = many_to_many(
                tensor,
                pooling=self.pooling,
                sharpness=self.sharpness,
                top_k=self.top_k,
                weighting=self.weighting,
            )
        else:
            parts = self._linear(tensor)
            pairs = [part.pair for part in parts]
            details = {"pairs": [list(p) for p in pairs], "scales": [tensor.scale(p) for p in pairs]}
        logits = np.zeros((tensor.tiles, tensor.n_classes), np.float32)
        for part in parts:
            logits += np.float32(part.weight) * part.logits
        return logits, details, parts

    def _linear(self, tensor: SimilarityTensor) -> list[Part]:
        if self.name == "one-to-one":
            pair = self.pair or (0, 0)
            if max(pair) >= tensor.encoders:
                raise AlignmentError("one-to-one names the second encoder, but there is only one.")
            return [pair_logits(tensor, pair)]
        self._check_crossed(tensor)
        return joint_fusion(tensor) if self.name == "joint-fusion" else [pair_logits(tensor, self.crossed[0])]

    def _check_crossed(self, tensor: SimilarityTensor) -> None:
        if tensor.encoders < 2:
            raise AlignmentError(f"{self.name} needs two encoders; choose a second one, or one-to-one.")
        for pair in self.crossed:
            if reason := tensor.refusal(pair):
                raise AlignmentError(
                    f"{self.name} compares images of one encoder with texts of the other. {reason} "
                    "Choose encoders of one family, or joint-fusion or many-to-many."
                )

    def _check_pair(self, pair: tuple[int, int]) -> None:
        if self.name == "one-to-one" and pair[0] != pair[1]:
            raise AlignmentError(f"one-to-one pairs an encoder with itself; {pair} is a cross-pair.")
        if self.name == "cross-pair" and pair[0] == pair[1]:
            raise AlignmentError(f"cross-pair pairs two encoders; {pair} is one-to-one.")


def _is_number(value: object) -> bool:
    """Whether a value, perhaps from a file, is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _as_shares(value: object) -> tuple[float, ...]:
    """Shares of classes, perhaps from a file."""
    if isinstance(value, Sequence) and not isinstance(value, str) and all(map(_is_number, value)):
        return tuple(float(v) for v in value)
    raise AlignmentError(f"Shares are a list of numbers, one a class; got {value!r}.")


def _as_pair(value: object) -> tuple[int, int]:
    """A pair of encoder numbers, perhaps from a file."""
    if isinstance(value, Sequence) and len(value) == 2:
        first, second = value
        if all(isinstance(e, int) and not isinstance(e, bool) and e in (0, 1) for e in (first, second)):
            return first, second
    raise AlignmentError(f"A pair is two encoder numbers, 0 or 1; got {value!r}.")
