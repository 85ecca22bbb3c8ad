"""Texts of one encoder where another encoder's images are, or why they cannot be there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.checks import check_unit_rows
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

Pair = tuple[int, int]
"""Image encoder, text encoder."""


@dataclass(frozen=True, eq=False)
class CrossTexts:
    """Prompts of a text encoder as vectors that images of another encoder can be compared with.

    Attributes
    ----------
    rows
        One a prompt, float32, shape (k, width of the images): of length 1, or all zeros for a prompt
        of which nothing could be carried over; it then tells no tile from another.
    centred
        Whether images are compared less their mean over the reference tiles. What a bridge carries
        over are differences between texts, and images of a space share a direction of their own (the
        modality gap, Liang et al. 2022), which would favour some prompts on every tile.
    """

    rows: NDArray[np.float32]
    centred: bool = False

    def only(self, keep: NDArray[np.int64]) -> CrossTexts:
        """Some of the prompts, in the order of `keep`."""
        return CrossTexts(np.asarray(self.rows[keep], np.float32), self.centred)


@dataclass(frozen=True)
class Refusal:
    """Why a pair of different encoders cannot be compared.

    Attributes
    ----------
    reason
        One or more sentences for the person.
    """

    reason: str


def of_equal_width(images: Sequence[Floats], texts: Sequence[Floats]) -> dict[Pair, CrossTexts | Refusal]:
    """Each text encoder's own rows for all images as wide: for callers whose encoders share one space."""
    crossed: dict[Pair, CrossTexts | Refusal] = {}
    for i, image in enumerate(images):
        for j, text in enumerate(texts):
            if i != j and image.shape[-1] == text.shape[-1]:
                crossed[i, j] = CrossTexts(np.asarray(text, np.float32))
            elif i != j:
                crossed[i, j] = Refusal("Their embeddings differ in width.")
    return crossed


def check_cross(
    cross: Mapping[Pair, CrossTexts | Refusal], images: Sequence[Floats], prompts: int
) -> dict[Pair, CrossTexts | Refusal]:
    """Cross texts with a reason for each pair that was not given.

    Raises
    ------
    AlignmentError
        A key names no two different encoders, or rows do not fit the prompts and the images.
    """
    pairs = [(i, j) for i in range(len(images)) for j in range(len(images)) if i != j]
    for pair, given in cross.items():
        if pair not in pairs:
            raise AlignmentError(f"A cross-pair names two different encoders; got {pair!r}.")
        if isinstance(given, CrossTexts):
            expected = (prompts, images[pair[0]].shape[-1])
            if given.rows.shape != expected:
                raise AlignmentError(
                    f"Texts of encoder {pair[1] + 1} for images of encoder {pair[0] + 1} must have the shape "
                    f"{expected}, one row a prompt; got {given.rows.shape}."
                )
            check_unit_rows(given.rows[given.rows.any(axis=1)])
    return {pair: cross.get(pair, Refusal("No texts were given for this pair.")) for pair in pairs}
