"""Both encoders and the seven ways to pair them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_histoalign.alignment import Alignment, PromptClass, PromptSet
from napari_histoalign.encoders import load_encoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder

    Embedded = tuple[NDArray[np.float32], NDArray[np.float32]]

ENCODERS = ("demo-path", "demo-general")
ROWS = MappingProxyType(
    {
        "one-to-one, demo-path": Alignment("one-to-one", pair=(0, 0)),
        "one-to-one, demo-general": Alignment("one-to-one", pair=(1, 1)),
        "cross-pair, demo-path images, demo-general words": Alignment("cross-pair", pair=(0, 1)),
        "cross-pair, demo-general images, demo-path words": Alignment("cross-pair", pair=(1, 0)),
        "joint-fusion": Alignment("joint-fusion"),
        "mean-fusion": Alignment("mean-fusion"),
        "many-to-many": Alignment("many-to-many"),
    }
)
CONTROL_ROWS = ("one-to-one, demo-path", "one-to-one, demo-general", "many-to-many")


class Bench:
    """The two encoders, loaded once.

    Parameters
    ----------
    encoders
        The pathology and the general encoder; the shipped ones, on the processor, by default.
    """

    def __init__(self, encoders: Sequence[Encoder] | None = None) -> None:
        self._texts: dict[tuple[int, str], NDArray[np.float32]] = {}
        self.encoders = tuple(encoders or (load_encoder(name, device="cpu") for name in ENCODERS))

    def embed(self, tiles: NDArray[np.uint8]) -> Embedded:
        """Embed tiles with both image towers, one view each: (n, 1, dim) twice."""
        first, second = (encoder.embed_images(tiles)[:, None] for encoder in self.encoders)
        return first, second

    def embed_texts(self, number: int, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts with one of the text towers, each text once in the bench's life."""
        if new := [text for text in dict.fromkeys(texts) if (number, text) not in self._texts]:
            threads = torch.get_num_threads()
            torch.set_num_threads(1)  # a text is too little to share: 100 times slower if others compute
            vectors = self.encoders[number].embed_texts(new)
            torch.set_num_threads(threads)
            self._texts.update({(number, text): row for text, row in zip(new, vectors, strict=True)})
        return np.stack([self._texts[number, text] for text in texts])

    def probabilities(
        self, images: Embedded, prompts: PromptSet, names: Sequence[str] = tuple(ROWS)
    ) -> dict[str, NDArray[np.float64]]:
        """Class probabilities (n, classes) of each row; the tiles given are many-to-many's reference."""
        expanded = prompts.expand()
        texts = [self.embed_texts(number, expanded.texts) for number in range(len(self.encoders))]
        scales = [encoder.logit_scale for encoder in self.encoders]
        return {
            name: ROWS[name]
            .score(images, texts, expanded.class_index, len(prompts.classes), scales)
            .probabilities.astype(np.float64)
            for name in names
        }


def malignant_or_benign() -> PromptSet:
    """The two epithelial classes of the shipped breast set, malignant first."""
    whole = PromptSet.load("breast")
    named = {one.name: one for one in whole.classes}
    return replace(whole, classes=(named["malignant"], named["benign"]))


def prompt_set(name: str, classes: dict[str, tuple[str, ...]]) -> PromptSet:
    """A prompt set from words by class."""
    return PromptSet(
        name, tuple(PromptClass(label, words, color="#808080") for label, words in classes.items())
    )


def image_means(of_tile: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each image's tiles, shape (images,)."""
    means: NDArray[np.float64] = np.bincount(of_tile, weights=values) / np.bincount(of_tile)
    return means
