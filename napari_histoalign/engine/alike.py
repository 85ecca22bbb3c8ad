"""Tiles that look most like one tile, by their embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.columns import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.engine.scored import Scored

BLOCK_ROWS = 1024
"""Tiles that are compared at a time: they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class AlikeTiles:
    """Tiles of a grid, the most alike first.

    Attributes
    ----------
    indices
        Tiles of the grid, shape (k,).
    cosines
        How alike each is, -1 to 1, float32, shape (k,).
    """

    indices: NDArray[np.int64]
    cosines: NDArray[np.float32]


def most_alike(scored: Scored, index: int, k: int = 8) -> AlikeTiles | None:
    """The scored tiles that are most like one of them.

    Parameters
    ----------
    scored
        Tiles and their embeddings.
    index
        A tile of the grid.
    k
        How many; fewer where there are fewer.

    Returns
    -------
    AlikeTiles or None
        Without the tile itself and those that overlap it, which share its pixels. None if the tile was not
        scored.
    """
    at = scored.position(index)
    if at is None:
        return None
    found = mean_cosines(scored.tensor.images, at)
    apart = np.abs(scored.tiles.xy - scored.tiles.xy[at]).max(axis=1) >= scored.tiles.tile_px
    others = np.flatnonzero(apart)
    k = min(k, len(others))
    if k == 0:
        return AlikeTiles(np.empty(0, np.int64), np.empty(0, np.float32))
    best = others[np.argpartition(-found[others], k - 1)[:k]]
    best = best[np.lexsort((best, -found[best]))]
    return AlikeTiles(scored.indices[best], found[best])


def mean_cosines(images: Sequence[NDArray[np.floating]], at: int) -> NDArray[np.float32]:
    """Cosine of one tile with every tile, meaned over encoders.

    A tile's embedding is the mean of its views', each of length 1.

    Parameters
    ----------
    images
        One array an encoder, shape (n, views, width).
    at
        Position of the tile.

    Returns
    -------
    ndarray
        float32, shape (n,).

    Raises
    ------
    AlignmentError
        An embedding is zero or not finite.
    """
    total = np.zeros(len(images[0]), np.float32)
    for rows in images:
        own = np.asarray(rows[at], np.float32)
        wanted = shorten(own) @ own
        wanted *= shorten(wanted[None])
        for start in range(0, len(rows), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            total[part] += _mean_view_cosines(np.asarray(rows[part], np.float32), wanted)
    total /= np.float32(len(images))
    return total


def _mean_view_cosines(block: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of each tile's mean view with a unit vector, shape (n,); the mean itself is never made."""
    n, views, width = block.shape
    lengthen = shorten(block.reshape(-1, width)).reshape(n, views)
    along = ((block.reshape(-1, width) @ wanted).reshape(n, views) * lengthen).sum(axis=1)
    squares = np.full(n, views, np.float32)  # of the sum of the unit views: 1 each, and twice every two
    for v in range(views):
        for w in range(v + 1, views):
            squares += 2 * np.vecdot(block[:, v], block[:, w]) * lengthen[:, v] * lengthen[:, w]
    cosines: NDArray[np.float32] = along / np.sqrt(np.maximum(squares, np.finfo(np.float32).eps))
    return cosines
