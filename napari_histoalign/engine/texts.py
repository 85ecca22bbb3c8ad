"""Embeddings of texts, each encoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder


class TextCache:
    """The texts that one encoder has seen.

    An edited prompt costs the encoding of that prompt alone.

    Parameters
    ----------
    encoder
        Whose embeddings.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit embeddings, shape (k, dim), of k texts (k > 0); new ones are encoded together."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.embed_texts(new), strict=True))
        return np.stack([self._known[text] for text in texts])
