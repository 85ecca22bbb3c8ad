"""Similarities of one slide's tiles, held in memory, so that an edit costs what it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.arrays import unit_rows
from napari_histoalign.alignment.making import similarity_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import CrossTexts, Pair, Refusal
    from napari_histoalign.alignment.similarity import SimilarityTensor
    from napari_histoalign.engine.store import EmbeddingStore

MOST_HELD = 1 << 30
"""Bytes of rows, and of similarities, that are kept between calls. More are read and computed anew each time,
block by block."""
BLOCK = 4096
"""Tiles that are made ready at a time."""


class HeldTensor:
    """The similarity tensor of the tiles that were asked for last.

    A prompt that is new costs its product with every tile, a tile that is new its product with every
    prompt; the rest is taken over (`SimilarityTensor.held`).

    Parameters
    ----------
    stores
        Embeddings, one store an encoder.
    scales
        The encoders' logit scales.
    memory
        Most bytes of rows, and as many of similarities, that are kept.
    edited
        Whether prompts will be edited again and again: rows are then kept as they are multiplied, in
        single precision and of length 1. It takes twice the memory, and an edit a tenth of the time.
    """

    def __init__(
        self,
        stores: Sequence[EmbeddingStore],
        scales: Sequence[float],
        *,
        memory: int = MOST_HELD,
        edited: bool = False,
    ) -> None:
        self._stores = tuple(stores)
        self._scales = tuple(scales)
        self._memory = memory
        self._edited = edited
        self._indices = np.empty(0, np.int64)
        self._images: tuple[NDArray[np.floating], ...] = ()
        self._unit = False
        self._tensor: SimilarityTensor | None = None

    def tensor(
        self,
        indices: NDArray[np.int64],
        texts: Sequence[NDArray[np.float32]],
        class_index: NDArray[np.int64],
        n_classes: int,
        cross: Mapping[Pair, CrossTexts | Refusal],
        neutral: Sequence[NDArray[np.float32]] | None = None,
    ) -> SimilarityTensor:
        """The tensor of embedded tiles and texts; see `napari_histoalign.alignment.making.similarity_tensor`.

        Raises
        ------
        StoreError
            A tile is not embedded.
        AlignmentError
            Arrays do not fit together.
        """
        where = self._places(indices)
        images, unit = self._rows(indices, where)
        made = similarity_tensor(
            images, texts, class_index, n_classes, self._scales, cross, neutral=neutral, unit=unit
        )
        if made.held_bytes <= self._memory:
            before = self._tensor if self._tensor is not None and self._tensor.columns is not None else None
            made = made.held(before, None if before is None else where)
        self._indices, self._images, self._unit, self._tensor = indices.copy(), images, unit, made
        return made

    def forget(self) -> None:
        """Give the memory back."""
        self._indices, self._images, self._tensor = np.empty(0, np.int64), (), None
        self._unit = False

    def _places(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each tile stood the last time (-1: nowhere), shape (n,)."""
        if not len(self._indices):
            return np.full(len(indices), -1)
        order = np.argsort(self._indices, kind="stable")
        at = np.searchsorted(self._indices, indices, sorter=order).clip(max=len(order) - 1)
        return np.where(self._indices[order[at]] == indices, order[at], -1)

    def _rows(
        self, indices: NDArray[np.int64], where: NDArray[np.int64]
    ) -> tuple[tuple[NDArray[np.floating], ...], bool]:
        """Rows of tiles, one array an encoder, shape (n, views, width), and whether they are ready to use."""
        if self._images and np.array_equal(indices, self._indices):
            return self._images, self._unit
        width = sum(len(store.key.views) * store.key.dim for store in self._stores)
        if not self._edited or 4 * len(indices) * width > self._memory:
            return tuple(store.read(indices) for store in self._stores), False
        before = self._images if self._unit else (None,) * len(self._stores)
        return tuple(
            _ready(store, indices, where, old) for store, old in zip(self._stores, before, strict=True)
        ), True


def _ready(
    store: EmbeddingStore,
    indices: NDArray[np.int64],
    where: NDArray[np.int64],
    before: NDArray[np.floating] | None,
) -> NDArray[np.float32]:
    """Stored rows in single precision, of length 1, each view's together in memory; old ones are copied."""
    views, width = len(store.key.views), store.key.dim
    rows = np.empty((views, len(indices), width), np.float32)
    known = where >= 0 if before is not None else np.zeros(len(indices), bool)
    if before is not None and known.any():
        for view in range(views):
            rows[view, known] = before[where[known], view]
    fresh = np.flatnonzero(~known)
    for start in range(0, len(fresh), BLOCK):
        part = fresh[start : start + BLOCK]
        flat = unit_rows(store.read(indices[part]).reshape(-1, width))
        rows[:, part] = flat.reshape(-1, views, width).transpose(1, 0, 2)
    return rows.transpose(1, 0, 2)
