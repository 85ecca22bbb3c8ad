"""Which tiles look most alike: exact nearest neighbours, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.arrays import unit_rows
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float32]

BLOCK_FLOATS = 8_000_000
"""Cosines that are held at a time: 32 MB."""
MOST_TILES = 20_000
"""Tiles that are compared each with each. That takes time with their square; of more, this many are taken,
and the others are compared with them."""


def most_alike(
    queries: Sequence[Floats], base: Sequence[Floats], k: int, *, own: bool = False
) -> tuple[NDArray[np.int64], Floats]:
    """The k rows of `base` with the largest cosines, exactly, for each query.

    Parameters
    ----------
    queries, base
        Unit rows, one array an encoder, shapes (n, width) and (m, width). Cosines are averaged over encoders.
    k
        At most all that there are.
    own
        Whether queries are the base: a tile is then no neighbour of itself.

    Returns
    -------
    positions
        In `base`, in no particular order, shape (n, k).
    cosines
        Negative ones as 0, float32, shape (n, k).
    """
    n, m = len(queries[0]), len(base[0])
    k = min(k, m - own)
    positions = np.empty((n, k), np.int64)
    cosines = np.empty((n, k), np.float32)
    step = max(BLOCK_FLOATS // max(m, 1), 1)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        block = queries[0][rows] @ base[0].T
        for q, b in zip(queries[1:], base[1:], strict=True):
            block += q[rows] @ b.T
        if own:
            block[np.arange(len(block)), np.arange(rows.start, rows.stop)] = -np.inf
        positions[rows] = np.argpartition(block, m - k, axis=1)[:, m - k :]
        cosines[rows] = np.take_along_axis(block, positions[rows], axis=1)
    cosines /= np.float32(len(queries))
    return positions, np.maximum(cosines, 0)


def graph(positions: NDArray[np.int64], weights: Floats, columns: int) -> csr_array:
    """Neighbours as a sparse matrix, float64, shape (n, columns)."""
    from scipy.sparse import csr_array

    n, k = positions.shape
    ends = np.arange(0, n * k + 1, k)
    return csr_array((weights.ravel().astype(np.float64), positions.ravel(), ends), shape=(n, columns))


def spread(logits: Floats, most: int) -> NDArray[np.int64]:
    """At most this many tiles, ascending: evenly over the order of their logits, however they come."""
    n = len(logits)
    if n <= most:
        return np.arange(n)
    order = np.lexsort(logits.T[::-1])
    return np.sort(order[np.arange(most) * n // most])


def blocks_of(
    features: Sequence[NDArray[np.floating]], rows: NDArray[np.int64], step: int = 4096
) -> Iterator[tuple[NDArray[np.int64], list[Floats]]]:
    """Unit rows of some tiles, a block at a time."""
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield part, [unit_rows(f[part]) for f in features]


def check_counts(**counts: int) -> None:
    """Raise an `AlignmentError` unless all are whole numbers of at least 1."""
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise AlignmentError(f"{name} must be a whole number of at least 1; got {count!r}.")
