"""Embeddings of texts, each encoded once."""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder

log = logging.getLogger(__name__)

NEUTRAL = ("an H&E image.", "a photomicrograph.", "a histopathological image.", "an image of tissue.")
"""Texts without content, put in the place of an image by the prior ``content-free``."""
UNIT_TOLERANCE = 1e-2
"""How far from 1 the length of a stored row may be."""


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


def stored_texts(encoder: Encoder, texts: Sequence[str], folder: Path) -> NDArray[np.float32]:
    """Unit embeddings of texts that never change, encoded once for each encoder's weights.

    Parameters
    ----------
    encoder
        Whose embeddings.
    texts
        Each once.
    folder
        Where they are kept: one file for an encoder, its weights and these texts. A file that is damaged
        is made again; one that cannot be written costs the time to encode them next time.

    Returns
    -------
    ndarray
        float32, shape (texts, dim).
    """
    key = json.dumps([encoder.spec.name, encoder.weights_hash, list(texts)])
    path = folder / f"{encoder.spec.name}-{sha256(key.encode()).hexdigest()[:24]}.npy"
    stored = _read_rows(path, (len(texts), encoder.dim))
    if stored is not None:
        return stored
    rows = np.ascontiguousarray(encoder.embed_texts(texts), np.float32)
    try:
        with whole_file(path) as temporary:
            np.save(temporary, rows)
    except OSError as err:
        log.warning("The anchor phrases of %s are not kept: %s.", encoder.spec.name, err)
    return rows


def _read_rows(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Rows of length 1 from a file; None where there are none."""
    try:
        rows: NDArray[np.float32] = np.load(path, allow_pickle=False)
        sound = rows.dtype == np.float32 and rows.shape == shape
        if sound and (np.abs(np.linalg.norm(rows, axis=1) - 1) < UNIT_TOLERANCE).all():
            return rows
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):
        pass
    log.warning("The stored anchor phrases %s are damaged and are made again.", path)
    return None
