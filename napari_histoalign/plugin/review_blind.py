"""Tiles for blinded answers: in an order that has nothing to do with what the model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.results.review import ReviewState
    from napari_histoalign.slides import TileGrid


def blind_order(grid: TileGrid, scored: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Scored tiles in a random order.

    The order is drawn for the whole grid, so that reviewers who use the same seed are asked about the same
    tiles, and that more of them being scored puts new ones in between without shuffling the others.

    Parameters
    ----------
    grid
        Where the tiles are.
    scored
        Tiles, shape (n,).
    seed
        Of the order.
    """
    rank = np.random.default_rng(seed).permutation(grid.count)
    order: NDArray[np.int64] = scored[np.argsort(rank[scored], kind="stable")]
    return order


def answered(own: ReviewState, grid: str) -> set[int]:
    """Tiles that this person answered blinded."""
    return {index for key, index in own.blinded if key == grid}


def seen(own: ReviewState, grid: str) -> set[int]:
    """Tiles that this person marked with the model's answer in sight: no answer can be blinded there."""
    return {index for (key, index), mark in own.tiles.items() if key == grid and not mark.act.blinded}
