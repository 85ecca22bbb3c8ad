"""Cosines that are kept: one array a prompt, so that an edited prompt costs its own alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Column = NDArray[np.float32]
    Columns = Mapping[Pair, tuple[Column, ...]]

ROWS = 4096
"""Tiles that are multiplied at a time."""
FEW = 4
"""Fewer vectors than this are multiplied one by one."""


def hold(
    tensor: SimilarityTensor, previous: SimilarityTensor | None, same: NDArray[np.integer] | None
) -> Columns:
    """Every pair's cosines, one array of shape (views, tiles) a prompt; see `SimilarityTensor.held`.

    Columns of `previous` for the same tiles are shared, not copied.
    """
    everything = np.arange(tensor.tiles)
    if previous is None:
        previous, same = tensor, np.full(tensor.tiles, -1)  # which holds nothing
    elif same is None:
        same = everything
    unchanged = len(same) == previous.tiles and np.array_equal(same, everything)
    added = np.flatnonzero(same < 0)
    columns: dict[Pair, tuple[Column, ...]] = {}
    for i in range(tensor.encoders):
        pairs = [pair for pair in tensor.pairs if pair[0] == i]
        known = {pair: _known(previous, pair) for pair in pairs}
        new, old = [], []
        for pair in pairs:
            texts = tensor.texts_for(pair)
            have = np.array([row.tobytes() in known[pair] for row in texts])
            new.append(texts[~have])
            old.append(texts[have])
        found = _multiply(tensor.images[i], everything, new, tensor.unit)
        tails = _multiply(tensor.images[i], added, old, tensor.unit)
        for pair, new_texts, fresh, old_texts, late in zip(pairs, new, found, old, tails, strict=True):
            by_text = {row.tobytes(): column for row, column in zip(new_texts, fresh, strict=True)}
            for row, tail in zip(old_texts, late, strict=True):
                before = known[pair][row.tobytes()]
                by_text[row.tobytes()] = before if unchanged else _joined(before, same, added, tail)
            columns[pair] = tuple(by_text[row.tobytes()] for row in tensor.texts_for(pair))
    return columns


def shorten(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What each row is multiplied by to get length 1, shape (n,).

    Raises
    ------
    AlignmentError
        A row is zero or not finite.
    """
    squares = np.vecdot(rows, rows)
    if not (np.isfinite(squares) & (squares > 0)).all():
        raise AlignmentError(
            "A stored image embedding is zero or not finite: delete the embedding store and run again."
        )
    factors: NDArray[np.float32] = 1 / np.sqrt(squares)
    return factors


def _known(previous: SimilarityTensor, pair: Pair) -> dict[bytes, Column]:
    """Columns that are held already, by the prompt's vector."""
    if previous.columns is None or pair not in previous.columns:
        return {}
    texts = previous.texts_for(pair)
    return {row.tobytes(): column for row, column in zip(texts, previous.columns[pair], strict=True)}


def _joined(before: Column, same: NDArray[np.integer], added: NDArray[np.int64], tail: Column) -> Column:
    """A column for tiles of which some were there before."""
    out = before[:, np.maximum(same, 0)]
    out[:, added] = tail
    return out


def _multiply(
    images: NDArray[np.floating],
    tiles: NDArray[np.int64],
    vectors: list[NDArray[np.float32]],
    unit: bool,
) -> list[list[Column]]:
    """Cosines of tiles with several arrays of vectors: for each a list of columns (views, tiles)."""
    views = images.shape[1]
    out = [[np.empty((views, len(tiles)), np.float32) for _ in v] for v in vectors]
    wanted = [(columns, v) for columns, v in zip(out, vectors, strict=True) if len(v)]
    whole = len(tiles) == len(images)
    for start in range(0, len(tiles) if wanted else 0, ROWS):
        part = slice(start, min(start + ROWS, len(tiles)))
        block = images[part] if whole else images[tiles[part]]
        for view in range(views):
            # no copy where rows are single precision and lie view by view
            rows = np.ascontiguousarray(block[:, view], np.float32)
            factors = None if unit else shorten(rows)
            for columns, v in wanted:
                # a product of matrices pays for itself from some columns on
                products = [rows @ vector for vector in v] if len(v) < FEW else v @ rows.T
                for column, product in zip(columns, products, strict=True):
                    column[view, part] = product if factors is None else product * factors
    return out
