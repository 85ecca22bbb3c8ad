"""Whether two text towers place the same phrases at the same places."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.checks import check_unit_rows
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

LEAST_COSINE = 0.5
"""Mean cosine of a phrase with itself from which two spaces count as one."""
LEAST_FOUND = 0.5
"""Share of phrases found again from which two spaces count as one."""
SAME = 1e-6
"""Cosines that differ by less are equal: rounding."""


@dataclass(frozen=True)
class Meeting:
    """How well phrases of one space are found again among those of another.

    Attributes
    ----------
    mean_cosine
        Of each phrase in one space with the same phrase in the other.
    retrieval_at_1
        Share of phrases whose most similar phrase of the other space is themselves. Ties count as
        hits: an encoder may have one and the same vector for all words it does not know.
    chance
        What retrieval would be, ties included, if phrases were matched at random.
    anchors
        Number of phrases.
    """

    mean_cosine: float
    retrieval_at_1: float
    chance: float
    anchors: int

    @classmethod
    def of(cls, found: NDArray[np.float64]) -> Meeting:
        """The means of what `found_again` returned, shape (phrases, 3)."""
        cosine, hit, chance = found.mean(axis=0).tolist()
        return cls(cosine, hit, chance, len(found))

    @property
    def one_space(self) -> bool:
        """Whether images of the one can be compared directly with texts of the other."""
        return self.mean_cosine >= LEAST_COSINE and self.retrieval_at_1 >= LEAST_FOUND

    def to_dict(self) -> dict[str, float | int]:
        """Plain values."""
        return asdict(self)


def diagnose(a_texts: Floats, b_texts: Floats) -> Meeting:
    """Compare two text towers of the same width on the same phrases.

    Parameters
    ----------
    a_texts, b_texts
        Unit rows, one a phrase, shape (phrases, width). Phrases of `a_texts`, where an image of the
        first encoder would be, look for themselves among `b_texts`.

    Raises
    ------
    AlignmentError
        Shapes differ, there is no phrase, or rows are no unit vectors.
    """
    if a_texts.ndim != 2 or a_texts.shape != b_texts.shape or not len(a_texts):
        raise AlignmentError(
            "Two text encoders are compared on the same phrases and in the same width; got the shapes "
            f"{a_texts.shape} and {b_texts.shape}."
        )
    check_unit_rows(a_texts)
    check_unit_rows(b_texts)
    return Meeting.of(found_again(a_texts, b_texts))


def found_again(a: Floats, b: Floats) -> NDArray[np.float64]:
    """For each row of `a`: cosine with its own row of `b`, whether none is nearer, and the chance of that.

    Rows need not be of length 1; one of zeros has the cosine 0 with all others.

    Returns
    -------
    ndarray
        Shape (rows, 3); the second column holds 0 or 1.
    """
    cosines = _unit(a) @ _unit(b).T
    nearest = cosines >= cosines.max(axis=1, keepdims=True) - SAME
    return np.column_stack([cosines.diagonal(), nearest.diagonal(), nearest.mean(axis=1)])


def percent(share: float) -> str:
    """A share for people: ``97 %``."""
    return f"{100 * share:.0f} %"


def _unit(rows: Floats) -> NDArray[np.float64]:
    wide = np.asarray(rows, np.float64)
    lengths: NDArray[np.float64] = np.linalg.norm(wide, axis=1, keepdims=True)
    unit: NDArray[np.float64] = wide / np.where(lengths > 0, lengths, 1)
    return unit
