"""What may follow when each tile was judged for itself: examples, other tiles, neighbours, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.refining_steps import Steps
from napari_histoalign.alignment.scores import Scores, softmax
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.similarity import SimilarityTensor

FEW_SHOT: Mapping[str, str] = MappingProxyType(
    {
        "none": "Examples are not used.",
        "gda": "Gaussians around the examples of each class, added to what the words say.",
        "tip-adapter": "A tile is of the class of the examples it is most like, added to what the words say.",
        "prototype": "The mean example of each class, added to what the words say.",
    }
)
TRANSDUCTIVE: Mapping[str, str] = MappingProxyType(
    {
        "none": "Each tile is judged for itself.",
        "transclip": "TransCLIP: tiles that lie together get one answer; left out where zero-shot is weak.",
        "zlap": "ZLaP: answers spread along the graph of alike tiles; left out where zero-shot is weak.",
    }
)
CALIBRATIONS: Mapping[str, str] = MappingProxyType(
    {
        "none": "Probabilities stay as sharp as they are.",
        "examples": "The temperature under which held-out examples are most likely.",
        "confidence": "The temperature that gives a wanted mean confidence; no label is needed.",
    }
)
WIDEST = 20.0
"""Widest smoothing, in tiles."""


@dataclass(frozen=True)
class Refinement:
    """What is done with scores, in this order: few-shot, transductive, smoothing, calibration.

    Attributes
    ----------
    few_shot
        A key of `FEW_SHOT`.
    transductive
        A key of `TRANSDUCTIVE`.
    smoothing
        Standard deviation of the mean over neighbouring tiles, in tiles; 0 for none, `WIDEST` at most.
    calibration
        A key of `CALIBRATIONS`.
    confidence
        Mean probability of the most probable class that ``confidence`` asks for.

    Raises
    ------
    AlignmentError
        There is no such method, or a number makes no sense.
    """

    few_shot: str = "none"
    transductive: str = "none"
    smoothing: float = 0.0
    calibration: str = "none"
    confidence: float = 0.8

    def __post_init__(self) -> None:
        for value, known in (
            (self.few_shot, FEW_SHOT),
            (self.transductive, TRANSDUCTIVE),
            (self.calibration, CALIBRATIONS),
        ):
            if value not in known:
                raise AlignmentError(f"{value!r} is none of {', '.join(known)}.")
        for name, number, most in (
            ("smoothing", self.smoothing, WIDEST),
            ("confidence", self.confidence, 1.0),
        ):
            real = isinstance(number, int | float) and not isinstance(number, bool) and isfinite(number)
            if not (real and 0 <= number <= most):
                raise AlignmentError(f"{name} is a number between 0 and {most:g}; got {number!r}.")

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Refinement:
        """A refinement from what `to_dict` returned."""
        if unknown := set(plain) - {f.name for f in fields(cls)}:
            raise AlignmentError(f"A refinement has no parameter {sorted(unknown)[0]!r}.")
        return cls(**plain)

    def to_dict(self) -> dict[str, Any]:
        """Parameters as plain values."""
        return asdict(self)

    @property
    def asked(self) -> bool:
        """Whether anything is to be done."""
        return self != Refinement(confidence=self.confidence)

    def without_examples(self) -> Refinement:
        """The same, less what nothing can be done of as long as nobody gave an example."""
        calibration = "none" if self.calibration == "examples" else self.calibration
        return replace(self, few_shot="none", calibration=calibration)

    @property
    def needs_examples(self) -> bool:
        """Whether it uses examples."""
        return self.few_shot != "none" or self.calibration == "examples"


@dataclass(frozen=True, eq=False)
class Examples:
    """Tiles whose class a person told.

    Attributes
    ----------
    positions
        Where they stand among the scored tiles, each once, shape (m,).
    labels
        Their classes, shape (m,).
    groups
        What is of one piece (a drawn area, a patient), and is held out together; each on its own by default.
    """

    positions: NDArray[np.int64]
    labels: NDArray[np.int64]
    groups: Sequence[str] | None = None


@dataclass(frozen=True, eq=False)
class Refined:
    """Scores after a refinement.

    Attributes
    ----------
    scores
        Its ``parts`` are empty: what single pairs of encoders say is a matter of the scores before.
    steps
        What was done, as short names in order; empty where nothing could be.
    notes
        What was left out and why, as sentences.
    details
        Parameters and findings of each step, as plain values for the provenance.
    """

    scores: Scores
    steps: tuple[str, ...]
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def refine(
    tensor: SimilarityTensor,
    scores: Scores,
    refinement: Refinement,
    *,
    xy: NDArray[np.integer],
    stride_px: float,
    examples: Examples | None = None,
) -> Refined:
    """Refine the scores of tiles.

    A step that cannot be taken (too weak a signal, too few examples) is left out, and a note says why: the
    scores before it stand.

    Parameters
    ----------
    tensor, scores
        As they were scored; `scores` are left as they are.
    refinement
        What to do.
    xy
        Top-left corners of the tiles in level-0 pixels, shape (n, 2).
    stride_px
        Distance of neighbouring tiles in level-0 pixels.
    examples
        Marked tiles, among the scored ones.

    Raises
    ------
    AlignmentError
        Arrays do not fit together.
    """
    work = Steps(tensor, scores.logits, _checked(examples, *scores.logits.shape))
    if refinement.few_shot != "none":
        work.step(refinement.few_shot, lambda: work.few_shot(refinement.few_shot))
    if refinement.transductive != "none":
        work.step(refinement.transductive, lambda: work.transductive(refinement.transductive))
    if refinement.smoothing:
        work.step("smoothing", lambda: work.smooth(xy, stride_px, refinement.smoothing))
    if refinement.calibration == "examples":
        work.step("calibration", work.calibrate)
    elif refinement.calibration == "confidence":
        work.step("calibration", lambda: work.bring_to(refinement.confidence))
    details = {**scores.details, "refinement": work.details}
    refined = Scores(work.logits, softmax(work.logits), details)
    return Refined(refined, tuple(work.details), tuple(work.notes), work.details)


def _checked(examples: Examples | None, tiles: int, classes: int) -> Examples:
    """Examples that name tiles and classes there are."""
    if examples is None:
        return Examples(np.empty(0, np.int64), np.empty(0, np.int64))
    at, labels = np.asarray(examples.positions), np.asarray(examples.labels)
    if at.shape != labels.shape or (examples.groups is not None and len(examples.groups) != len(at)):
        raise AlignmentError(
            f"{len(at)} examples need as many classes and groups; got {len(labels)} classes."
        )
    if len(at) and not (at.min() >= 0 and at.max() < tiles and labels.min() >= 0 and labels.max() < classes):
        raise AlignmentError(f"An example is none of {tiles} tiles, or of none of {classes} classes.")
    if len(np.unique(at)) != len(at):
        raise AlignmentError("A tile is an example twice: give it one class.")
    return examples
