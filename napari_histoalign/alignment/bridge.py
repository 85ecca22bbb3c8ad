"""A bridge from the texts of one encoder to the images of another, learned from phrases alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.checks import check_unit_rows
from napari_histoalign.alignment.cross_texts import CrossTexts
from napari_histoalign.alignment.diagnosis import Meeting, found_again, percent
from napari_histoalign.alignment.maps import METHODS, Anchors
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

FOLDS = 5
"""Parts in which anchors are held out; phrase k belongs to part ``k % FOLDS``."""
LEAST_ANCHORS = 50
"""With fewer, the share that is found again among ten held-out ones says too little."""
LEAST_FOUND = 0.2
"""Share of held-out anchors that a bridge must find again."""
TIMES_CHANCE = 5
"""And how many times the share that chance would find."""
NOTHING = 1e-4
"""A text carried over at less than this share of an anchor's length carries nothing."""


@dataclass(frozen=True, eq=False)
class Bridge:
    """What carries texts of encoder B into the space of encoder A's images.

    Attributes
    ----------
    method
        One of `napari_histoalign.alignment.maps.METHODS`.
    centre
        Mean of B's anchors, shape (width of B,).
    matrix
        What differences from it are multiplied by, shape (width of B, width of A).
    reach
        Mean length of the anchors once they are carried over.
    quality
        On anchors that were held out; see `quality_of`.
    """

    method: str
    centre: NDArray[np.float64]
    matrix: NDArray[np.float64]
    reach: float
    quality: Meeting

    def carry(self, texts: Floats) -> CrossTexts:
        """Texts of B, unit rows of shape (k, width of B), for A's images.

        ``t' = (t - centre) matrix``, brought to length 1; images of A are compared with it less their mean.
        A text at B's very centre says nothing that differs from text to text: its row is zeros.
        """
        carried = (np.asarray(texts, np.float64) - self.centre) @ self.matrix
        lengths = np.linalg.norm(carried, axis=1, keepdims=True)
        rows = np.where(lengths > NOTHING * self.reach, carried / np.maximum(lengths, 1e-300), 0)
        return CrossTexts(rows.astype(np.float32), centred=True)


@dataclass(frozen=True)
class NoBridge:
    """The best bridge, and that it is not good enough.

    Attributes
    ----------
    method
        The method that came out best; empty where there were too few anchors to try any.
    quality
        Its quality; None where there were too few anchors.
    """

    method: str
    quality: Meeting | None

    @property
    def reason(self) -> str:
        """Why there is none, as a sentence."""
        if self.quality is None:
            return (
                f"A bridge is learned from at least {LEAST_ANCHORS} phrases that both encoders tell apart, "
                "and there are fewer."
            )
        return (
            f"The best bridge ({self.method}) finds {percent(self.quality.retrieval_at_1)} of "
            f"{self.quality.anchors} held-out anchor phrases again, chance {percent(self.quality.chance)}; "
            f"it takes at least {percent(LEAST_FOUND)} and {TIMES_CHANCE} times chance."
        )


def best_bridge(a_texts: Floats, b_texts: Floats) -> Bridge | NoBridge:
    """The bridge that finds most held-out anchors again, or none if that is not clearly above chance.

    No label and no image is involved. A bridge must find at least `LEAST_FOUND` of the anchors and
    `TIMES_CHANCE` times what chance would find, ties included. With some seventy candidates chance finds
    one or two in a hundred, so that one in five is far outside its range for hundreds of anchors, and
    spaces that have nothing in common are refused. What the figure cannot see is how far A's images keep
    to A's texts. Anchors that an encoder cannot tell from an earlier one (such as words it does not know,
    which may all have one vector) neither teach nor test anything and are left aside.

    Parameters
    ----------
    a_texts, b_texts
        Both encoders' embeddings of the same anchors: unit rows of shapes (anchors, width of A) and
        (anchors, width of B).

    Raises
    ------
    AlignmentError
        The arrays are not of the same anchors, or rows are no unit vectors.
    """
    if a_texts.ndim != 2 or b_texts.ndim != 2 or len(a_texts) != len(b_texts):
        raise AlignmentError(
            "A bridge is learned from the same phrases in two spaces; got the shapes "
            f"{a_texts.shape} and {b_texts.shape}."
        )
    check_unit_rows(a_texts)
    check_unit_rows(b_texts)
    apart = _told_apart(a_texts, b_texts)
    if len(apart) < LEAST_ANCHORS:
        return NoBridge("", None)
    a_texts, b_texts = a_texts[apart], b_texts[apart]
    qualities = quality_of(a_texts, b_texts)
    method = max(qualities, key=lambda m: (qualities[m].retrieval_at_1, qualities[m].mean_cosine))
    quality = qualities[method]
    if quality.retrieval_at_1 < max(LEAST_FOUND, TIMES_CHANCE * quality.chance):
        return NoBridge(method, quality)
    anchors = Anchors(a_texts, b_texts)
    matrix = METHODS[method](anchors)
    reach = float(np.linalg.norm(anchors.b @ matrix, axis=1).mean())
    return Bridge(method, anchors.b_mean, matrix, reach, quality)


def quality_of(a_texts: Floats, b_texts: Floats) -> dict[str, Meeting]:
    """Each method's quality by cross-validation over anchors.

    A map is learned from all parts but one; the held-out anchors of A, less the mean of those it was
    learned from, look for themselves among the held-out anchors of B as the map carries them over.

    Returns
    -------
    dict
        By method.
    """
    part = np.arange(len(a_texts)) % FOLDS
    found: dict[str, list[NDArray[np.float64]]] = {method: [] for method in METHODS}
    for held in range(FOLDS):
        anchors = Anchors(a_texts[part != held], b_texts[part != held])
        a = a_texts[part == held] - anchors.a_mean
        b = b_texts[part == held] - anchors.b_mean
        for method, learn in METHODS.items():
            found[method].append(found_again(a, b @ learn(anchors)))
    return {method: Meeting.of(np.concatenate(parts)) for method, parts in found.items()}


def _told_apart(a_texts: Floats, b_texts: Floats) -> NDArray[np.int64]:
    """Positions of anchors that are the first of their kind in both spaces, ascending."""
    first_a, first_b = (np.unique(texts, axis=0, return_index=True)[1] for texts in (a_texts, b_texts))
    both: NDArray[np.int64] = np.intersect1d(first_a, first_b, assume_unique=True)
    return both
