"""Arrays of tiles that come from a caller: shapes and numbers, checked once and in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.columns import shorten
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.floating]

SUM_TOLERANCE = 1e-3
"""How far from 1 the probabilities of a tile may sum; single precision stays within 1e-5."""
NORM_ROWS = 4096
"""Rows brought to length 1 at a time."""


def as_logits(logits: ArrayLike, what: str = "Logits") -> NDArray[np.float32]:
    """Logits as float32, shape (n, classes).

    Raises
    ------
    AlignmentError
        They have another shape, fewer than two classes, or are not finite.
    """
    array = np.asarray(logits, np.float32)
    if array.ndim != 2 or array.shape[1] < 2:
        raise AlignmentError(
            f"{what} must have the shape (tiles, classes), with two classes or more; got {array.shape}."
        )
    if not np.isfinite(array).all():
        raise AlignmentError(f"{what} must be finite: leave out tiles that were not scored.")
    return array


def as_probabilities(probabilities: ArrayLike, what: str = "Probabilities") -> NDArray[np.float32]:
    """Probabilities as float32, shape (n, classes).

    Raises
    ------
    AlignmentError
        They have another shape, fewer than two classes, are negative or not finite, or do not sum to 1.
    """
    array = as_logits(probabilities, what)
    sums = array.sum(axis=1, dtype=np.float64)
    if array.size and (array.min() < 0 or np.abs(sums - 1).max() > SUM_TOLERANCE):
        raise AlignmentError(f"{what} must not be negative, and must sum to 1 for each tile.")
    return array


def as_labels(labels: ArrayLike, tiles: int, n_classes: int) -> NDArray[np.int64]:
    """Classes of tiles as whole numbers from 0, shape (n,).

    Raises
    ------
    AlignmentError
        They are not one a tile, or not among the classes.
    """
    array = np.asarray(labels)
    if array.shape != (tiles,) or (tiles and array.dtype.kind not in "iu"):
        raise AlignmentError(f"There must be one label, a whole number, for each of the {tiles} tiles.")
    if tiles and not (array.min() >= 0 and array.max() < n_classes):
        raise AlignmentError(f"Labels must lie between 0 and {n_classes - 1}: one for each class.")
    return array.astype(np.int64)


def as_features(
    features: Sequence[Floats], tiles: int, what: str = "Image features"
) -> list[NDArray[np.float32]]:
    """Rows of length 1, float32, one array of shape (n, width) an encoder.

    Raises
    ------
    AlignmentError
        There is no encoder, shapes disagree, or a row is zero or not finite.
    """
    check_features(features, tiles, what)
    return [unit_rows(f) for f in features]


def check_features(features: Sequence[Floats], tiles: int, what: str = "Image features") -> None:
    """Raise an `AlignmentError` unless there is a row of each encoder for every tile; reads none of them."""
    if len(features) == 0 or any(f.ndim != 2 or len(f) != tiles or f.shape[1] == 0 for f in features):
        shapes = ", ".join(str(np.shape(f)) for f in features) or "none"
        raise AlignmentError(f"{what} must have the shape ({tiles}, width) for each encoder; got {shapes}.")


def unit_rows(rows: Floats) -> NDArray[np.float32]:
    """Rows brought to length 1, float32: half precision and averaging leave them a little off.

    Raises
    ------
    AlignmentError
        A row is zero or not finite.
    """
    out = np.empty(rows.shape, np.float32)
    for start in range(0, len(rows), NORM_ROWS):
        block = np.asarray(rows[start : start + NORM_ROWS], np.float32)
        np.multiply(block, shorten(block)[:, None], out=out[start : start + NORM_ROWS])
    return out
