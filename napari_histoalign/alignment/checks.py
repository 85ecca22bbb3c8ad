"""What must hold of arrays before anything is computed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

UNIT_TOLERANCE = 1e-2
"""How far from 1 the length of a text embedding may be; half precision stays within 1e-3."""
MAX_SCALE = 1e4
"""No encoder has a larger logit scale (CLIP stops at 100); its exponential stays in range."""


def check_bags(
    images: Sequence[Floats],
    texts: Sequence[Floats],
    index: NDArray[np.integer],
    n_classes: int,
    scales: Sequence[float],
) -> None:
    """Raise an `AlignmentError` unless embeddings, prompts and scales fit together.

    Image embeddings may be a memory map of many gigabytes: only their shapes are looked at here.
    """
    if not len(images) == len(texts) == len(scales) or len(images) == 0:
        raise AlignmentError(
            f"Each encoder needs images, texts and a logit scale; got {len(images)}, {len(texts)} "
            f"and {len(scales)}."
        )
    if any(i.ndim != 3 or i.shape[:2] != images[0].shape[:2] or 0 in i.shape[1:] for i in images):
        raise AlignmentError(
            "Image embeddings must have the shape (tiles, views, width), with the same tiles and views for "
            f"all encoders and at least one view; got {', '.join(str(i.shape) for i in images)}."
        )
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise AlignmentError("The classes of the prompts must be whole numbers, one a prompt.")
    if n_classes < 2 or set(index.tolist()) != set(range(n_classes)):
        raise AlignmentError(
            f"Each of the {n_classes} classes needs a prompt, and there must be two or more."
        )
    for text, image in zip(texts, images, strict=True):
        if text.shape != (len(index), image.shape[-1]):
            raise AlignmentError(
                f"Text embeddings must have the shape ({len(index)}, {image.shape[-1]}): one row a prompt, "
                f"as wide as the same encoder's images; got {text.shape}."
            )
        check_unit_rows(text)
    if not all(np.isfinite(s) and 0 < s <= MAX_SCALE for s in scales):
        raise AlignmentError(f"Logit scales must be above 0 and at most {MAX_SCALE:g}; got {list(scales)}.")


def check_unit_rows(texts: Floats) -> None:
    """Raise an `AlignmentError` unless every text embedding is finite and of length 1."""
    lengths = np.linalg.norm(np.asarray(texts, np.float32), axis=1)
    if not np.isfinite(lengths).all():
        raise AlignmentError("A text embedding is not finite: the text encoder's weights may be damaged.")
    worst = float(lengths[np.abs(lengths - 1).argmax()])
    if abs(worst - 1) > UNIT_TOLERANCE:
        raise AlignmentError(
            f"A text embedding has length {worst:.3g} instead of 1: divide each by its length before scoring."
        )


def check_reference(reference: NDArray[np.integer], tiles: int) -> NDArray[np.int64]:
    """Reference tiles in ascending order, each once.

    Raises
    ------
    AlignmentError
        They are no positions among the tiles.
    """
    positions = np.asarray(reference)
    if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
        raise AlignmentError("Reference tiles must be a list of positions among the tiles.")
    if positions.size and not (positions.min() >= 0 and positions.max() < tiles):
        raise AlignmentError(f"A reference tile lies outside the {tiles} tiles that are scored.")
    return np.unique(positions).astype(np.int64)


def check_neutral(neutral: Sequence[Floats], images: Sequence[Floats]) -> tuple[NDArray[np.float32], ...]:
    """Inputs without content as float32, one array of shape (m, width) an encoder.

    Raises
    ------
    AlignmentError
        They are not as wide as the encoders' images, differ in number, or hold a row that is zero or not
        finite.
    """
    rows = [np.asarray(n, np.float32) for n in neutral]
    wanted = [(len(rows[0]) if rows and rows[0].ndim else 0, image.shape[-1]) for image in images]
    if [r.shape for r in rows] != wanted or not len(rows[0]):
        raise AlignmentError(
            "Inputs without content are one array an encoder, with the same number of rows, as wide as its "
            f"images ({', '.join(str(i.shape[-1]) for i in images)}); got the shapes "
            f"{', '.join(str(r.shape) for r in rows) or 'of none'}."
        )
    if not all(np.isfinite(r).all() and r.any(axis=1).all() for r in rows):
        raise AlignmentError("An input without content has an embedding that is zero or not finite.")
    return tuple(rows)
