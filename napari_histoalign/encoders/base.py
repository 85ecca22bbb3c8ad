"""What every encoder offers, whatever is behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.registry import EncoderSpec


class Encoder(ABC):
    """An image tower and a text tower in one embedding space.

    Attributes
    ----------
    spec
        The encoder's entry in the registry.
    device
        Where it runs: "cpu", "cuda" or "mps".
    weights_hash
        SHA-256 (hexadecimal) that stands for all files an embedding depends on.
    file_hashes
        SHA-256 of each of these files, by name.
    preprocessing
        Names how pixels are prepared; it changes when the preparation does.
    logit_scale, logit_bias
        Factor that turns cosines into logits (already exponentiated), and what is added to them: 0 but
        for encoders trained with a sigmoid, where it moves all classes alike.
    """

    spec: EncoderSpec
    device: str
    weights_hash: str
    file_hashes: Mapping[str, str]
    preprocessing: str
    logit_scale: float
    logit_bias: float = 0.0

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.spec.dim

    @property
    def input_size(self) -> int:
        """Side in pixels of what the image tower sees."""
        return self.spec.input_size

    @property
    def mpp(self) -> float | None:
        """Micrometres per pixel the encoder is meant for; None where any will do."""
        return self.spec.mpp

    def embed_images(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed tiles.

        Parameters
        ----------
        tiles
            uint8 (n, height, width, 3), RGB, of any size; brought to `input_size` as the publisher does.

        Returns
        -------
        float32 (n, dim)
            Rows of unit length.

        Raises
        ------
        EncoderError
            If the array has another shape or type, or the device fails.
        """
        if tiles.dtype != np.uint8 or tiles.ndim != 4 or tiles.shape[3] != 3 or 0 in tiles.shape[1:]:
            raise EncoderError(
                f"{self.spec.title} takes 8-bit RGB tiles (n, height, width, 3), "
                f"not {tiles.dtype} {tiles.shape}."
            )
        if len(tiles) == 0:
            return np.empty((0, self.dim), dtype=np.float32)
        return self._images(self.spec.preprocessing.fit(tiles))

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed prompts.

        Parameters
        ----------
        texts
            Any words; each text needs at least one.

        Returns
        -------
        float32 (k, dim)
            Rows of unit length.

        Raises
        ------
        EncoderError
            If a text is empty or no valid Unicode.
        """
        if isinstance(texts, str):
            raise EncoderError("Prompts are a list of texts, not one text.")
        for number, text in enumerate(texts, start=1):
            if not self._readable(text):
                raise EncoderError(
                    f"Prompt {number} of {len(texts)} ({text!r}) has no word in it; write one or remove it."
                )
            if any("\ud800" <= c <= "\udfff" for c in text):  # halves of characters, from a broken file
                raise EncoderError(
                    f"Prompt {number} of {len(texts)} ({text!r}) is no valid Unicode; write it again."
                )
        if len(texts) == 0:
            return np.empty((0, self.dim), dtype=np.float32)
        return self._texts(list(texts))

    @abstractmethod
    def unknown_words(self, text: str) -> list[str]:
        """Words of `text` that the text tower never saw in training, in order, each once."""

    def too_long(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Positions of the texts whose end the text tower does not read."""
        return ()

    def _readable(self, text: str) -> bool:
        """Whether there is anything in `text` to embed."""
        return bool(text.strip())

    @abstractmethod
    def _images(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed checked tiles of the size the image tower takes."""

    @abstractmethod
    def _texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Embed checked texts."""
