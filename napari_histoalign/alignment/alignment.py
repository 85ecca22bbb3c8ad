"""One interface to every strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment import parameters
from napari_histoalign.alignment.centring import offsets_of
from napari_histoalign.alignment.fit import Fit
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.pooling import POOLINGS
from napari_histoalign.alignment.priors import PRIORS, TRANSDUCTIVE_PRIORS, content_free, frolic, otter
from napari_histoalign.alignment.scores import Scores, softmax
from napari_histoalign.alignment.screening import SCREENINGS, screened
from napari_histoalign.alignment.strategies import compared, summed
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import CrossTexts, Pair, Refusal
    from napari_histoalign.alignment.priors import PriorShift
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
        ``content-free`` takes inputs without content (`score`).
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
        for value, allowed in (
            (self.pooling, POOLINGS),
            (self.weighting, WEIGHTINGS),
            (self.screening, SCREENINGS),
            (self.prior, PRIORS),
        ):
            parameters.check_one_of(value, tuple(allowed))
        if not (parameters.is_number(self.centring) and 0 <= self.centring <= 1):
            raise AlignmentError(f"centring is a share between 0 and 1; got {self.centring!r}.")
        if self.shares is not None:
            object.__setattr__(self, "shares", parameters.as_shares(self.shares))
        parameters.check_factor("temperature", self.temperature)
        parameters.check_factor("sharpness", self.sharpness)
        if not (isinstance(self.top_k, int) and not isinstance(self.top_k, bool) and self.top_k >= 1):
            raise AlignmentError(f"top_k must be a whole number of at least 1; got {self.top_k!r}.")
        if self.pair is not None:
            object.__setattr__(self, "pair", parameters.as_pair(self.pair))
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
        return self.prior in TRANSDUCTIVE_PRIORS

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
        neutral: Sequence[NDArray[np.floating]] | None = None,
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
        neutral
            Inputs without content in the place of images, for the prior ``content-free``: one array an
            encoder, shape (m, width), rows of any length, such as its embeddings of the texts "an H&E image."
            and "a photomicrograph.". Where tiles have several views, they are taken to look alike in all.

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
        tensor = similarity_tensor(
            images, texts, class_index, n_classes, logit_scales, cross, reference, neutral
        )
        return self.score_tensor(tensor)

    def score_tensor(self, tensor: SimilarityTensor, fit: Fit | None = None) -> Scores:
        """Class probabilities from a similarity tensor; see `score`.

        With a tensor that is held (`SimilarityTensor.held`) no embedding is read.

        Parameters
        ----------
        tensor
            Tiles and prompts.
        fit
            What other tiles told about the same prompts, `Scores.fit`: these tiles are scored with it, as if
            they had been among those others without being looked at. By default the tensor's own reference
            tells it.
        """
        if fit is not None and fit.alignment != self:
            raise AlignmentError("The reference was scored by another alignment: score it again.")
        ready = self.prepared(tensor) if fit is None else fit.applied(tensor)
        found = summed(self, ready, fit.many if fit else None)
        if fit is None:
            fit = Fit(
                self, tensor.class_index, tensor.texts, ready.prompt_weights, ready.found_offsets, found.many
            )
            fit = replace(fit, prior=self._prior(ready, found.logits, fit))
        logits, details = found.logits, dict(found.details)
        if fit.prior is not None:
            logits += fit.prior.shift.astype(np.float32)
            details["prior"] = fit.prior.to_dict()
        logits /= np.float32(self.temperature)
        return Scores(logits, softmax(logits), details, tuple(found.parts), fit)

    def prepared(self, tensor: SimilarityTensor) -> SimilarityTensor:
        """The tensor with this alignment's centring and weights of prompts, found from its reference."""
        tensor = screened(replace(tensor, centring=float(self.centring)), self.screening)
        return replace(tensor, found_offsets=offsets_of(tensor, compared(self, tensor)))

    def _prior(self, tensor: SimilarityTensor, logits: NDArray[np.float32], fit: Fit) -> PriorShift | None:
        """The shift of the prior, if there is one to be had."""
        if self.prior == "content-free":
            neutral = summed(self, fit.applied(tensor.neutral_tiles()), fit.many)
            return content_free(neutral.logits.mean(axis=0, dtype=np.float64))
        if self.prior == "none" or not len(logits):
            return None
        seen = logits if tensor.reference is None else logits[tensor.reference]
        return frolic(seen) if self.prior == "frolic" else otter(seen, self.shares)

    def _check_pair(self, pair: tuple[int, int]) -> None:
        if self.name == "one-to-one" and pair[0] != pair[1]:
            raise AlignmentError(f"one-to-one pairs an encoder with itself; {pair} is a cross-pair.")
        if self.name == "cross-pair" and pair[0] == pair[1]:
            raise AlignmentError(f"cross-pair pairs two encoders; {pair} is one-to-one.")
