"""Marks as few-shot examples: by the names of their classes, so that they outlive changes of the prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine import MarkedTiles

if TYPE_CHECKING:
    from napari_histoalign.results.review import ReviewState


def marked_tiles(state: ReviewState, class_names: Sequence[str], grid: str) -> MarkedTiles | None:
    """Marks that can be examples.

    Parameters
    ----------
    state
        Where the review stands.
    class_names
        Classes of the prompts at present.
    grid
        Key of the grid at present.

    Returns
    -------
    MarkedTiles or None
        Tiles marked with one stroke or one drawn area are of one group; None if there is no example.
    """
    indices, labels = state.examples(class_names, grid)
    if not len(indices):
        return None
    return MarkedTiles(indices, labels, [state.tiles[grid, int(i)].act.gesture for i in indices])


def same_marks(one: MarkedTiles | None, other: MarkedTiles | None) -> bool:
    """Whether both hold the same examples."""
    if one is None or other is None:
        return one is other
    return (
        np.array_equal(one.indices, other.indices)
        and np.array_equal(one.labels, other.labels)
        and list(one.groups or ()) == list(other.groups or ())
    )
