"""Similarities of one slide's tiles, held in memory, so that an edit costs what it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.making import similarity_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import CrossTexts, Pair, Refusal
    from napari_histoalign.alignment.similarity import SimilarityTensor
    from napari_histoalign.engine.store import EmbeddingStore

MOST_HELD = 1 << 30
"""Bytes of similarities that are kept between calls; more are computed anew each time, block by block."""


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
    """

    def __init__(self, stores: Sequence[EmbeddingStore], scales: Sequence[float]) -> None:
        self._stores = tuple(stores)
        self._scales = tuple(scales)
        self._indices = np.empty(0, np.int64)
        self._images: tuple[NDArray[np.float16], ...] = ()
        self._tensor: SimilarityTensor | None = None

    def images(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.float16], ...]:
        """Stored rows, one array an encoder, shape (n, views, width); read once for the same tiles."""
        if not self._images or not np.array_equal(indices, self._indices):
            return tuple(store.read(indices) for store in self._stores)
        return self._images

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
        images = self.images(indices)
        made = similarity_tensor(
            images, texts, class_index, n_classes, self._scales, cross=cross, neutral=neutral
        )
        if made.held_bytes <= MOST_HELD:
            made = made.held(*self._before(indices))
        self._indices, self._images, self._tensor = indices.copy(), images, made
        return made

    def forget(self) -> None:
        """Give the memory back."""
        self._indices, self._images, self._tensor = np.empty(0, np.int64), (), None

    def _before(self, indices: NDArray[np.int64]) -> tuple[SimilarityTensor | None, NDArray[np.int64] | None]:
        """The tensor held now, and where each tile stands in it (-1: nowhere)."""
        if self._tensor is None or self._tensor.columns is None or not len(self._indices):
            return None, None
        order = np.argsort(self._indices, kind="stable")
        at = np.searchsorted(self._indices, indices, sorter=order).clip(max=len(order) - 1)
        where = order[at]
        return self._tensor, np.where(self._indices[where] == indices, where, -1)
