"""Stand-in encoders whose towers see what phrases mean, each in a space of its own or in a shared one."""

from __future__ import annotations

import zlib
from types import SimpleNamespace

import numpy as np

from napari_histoalign.encoders import Encoder
from napari_histoalign.encoders.preprocessing import Preprocessing

MEANINGS = 24


def meaning(text: str) -> np.ndarray:
    """The same for every encoder: one direction a word, the first ones weighing more."""
    total = np.zeros(MEANINGS)
    for word in text.lower().split():
        rng = np.random.default_rng(zlib.crc32(word.encode()))
        total += rng.normal(size=MEANINGS)
    return total


class MeaningEncoder(Encoder):
    """Texts are turned into a space; images are tiles of one colour, whose colour says what they mean.

    Parameters
    ----------
    name
        Key and title.
    space
        What the registry would say; encoders turned by the same `turn` really share one.
    width
        Length of an embedding.
    turn
        Seed of the space's directions.
    foreign
        Seed of meanings of its own, which no other encoder shares.
    """

    def __init__(
        self,
        name: str,
        *,
        space: str = "",
        width: int = 32,
        turn: int = 0,
        foreign: int | None = None,
        weights: str = "w",
    ) -> None:
        self.spec = SimpleNamespace(
            name=name,
            title=name.capitalize(),
            dim=width,
            input_size=8,
            mpp=None,
            space=space or name,
            preprocessing=Preprocessing(8),
        )
        self.logit_scale = 20.0
        self.weights_hash = weights
        self.preprocessing = "1"
        self.device = "cpu"
        self.texts_seen: list[str] = []
        rng = np.random.default_rng(turn)
        self._turn = np.linalg.qr(rng.normal(size=(width, width)))[0][:, :MEANINGS]
        self._cone = 3 * self._turn[:, 0] + rng.normal(size=width)
        self._gap = 5 * rng.normal(size=width)
        self._foreign = foreign

    def _images(self, tiles: np.ndarray) -> np.ndarray:
        colours = tiles.reshape(len(tiles), -1, 3).mean(axis=1)
        names = np.array(["red", "green", "blue"])[colours.argmax(axis=1)]
        return self._rows([meaning(name) for name in names], self._gap)

    def _texts(self, texts: list[str]) -> np.ndarray:
        self.texts_seen += texts
        if self._foreign is not None:
            texts = [" ".join(f"{word}{self._foreign}" for word in text.split()) for text in texts]
        return self._rows([meaning(text) for text in texts], self._cone)

    def _rows(self, meanings: list[np.ndarray], shared: np.ndarray) -> np.ndarray:
        rows = np.stack(meanings) @ self._turn.T + shared
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def unknown_words(self, text: str) -> list[str]:
        return []
