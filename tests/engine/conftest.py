"""A slide of plain colours and an encoder that can be computed by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from PIL import Image

from napari_histoalign.encoders import Encoder
from napari_histoalign.encoders.preprocessing import Preprocessing
from napari_histoalign.errors import DeviceMemoryError
from napari_histoalign.slides import open_slide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_histoalign.slides import Slide

SIDE = 8


class ColourEncoder(Encoder):
    """Embeds a tile as its unit mean colour and a text as the unit colour it names; counts its work."""

    COLOURS: ClassVar = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}

    def __init__(self, name: str = "colour", weights: str = "w1") -> None:
        self.spec = SimpleNamespace(
            name=name, dim=3, input_size=SIDE, mpp=None, title=name, preprocessing=Preprocessing(SIDE)
        )
        self.logit_scale = 20.0
        self.weights_hash = weights
        self.preprocessing = "1"
        self.device = "cpu"
        self.images_seen = 0
        self.texts_seen: list[str] = []

    def _images(self, tiles: np.ndarray) -> np.ndarray:
        self.images_seen += len(tiles)
        mean = tiles.reshape(len(tiles), -1, 3).mean(axis=1, dtype=np.float64) + 1e-3
        return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)

    def _texts(self, texts: list[str]) -> np.ndarray:
        self.texts_seen += texts
        return np.array([self.COLOURS[text] for text in texts], np.float32)

    def unknown_words(self, text: str) -> list[str]:
        return [word for word in text.split() if word not in self.COLOURS]


class SmallDevice(ColourEncoder):
    """Has room for a few tiles at once; notes how many came."""

    def __init__(self) -> None:
        super().__init__()
        self.room = 3
        self.batches: list[int] = []

    def _images(self, tiles: np.ndarray) -> np.ndarray:
        if len(tiles) > self.room:
            raise DeviceMemoryError("full")
        self.batches.append(len(tiles))
        return super()._images(tiles)


@pytest.fixture
def small_device() -> SmallDevice:
    """With room for three tiles."""
    return SmallDevice()


@pytest.fixture
def colours(tmp_path: Path) -> np.ndarray:
    """Tile colours of the slide, shape (6, 10, 3): a random one each."""
    return np.random.default_rng(7).integers(0, 256, (6, 10, 3), dtype=np.uint8)


@pytest.fixture
def slide(tmp_path: Path, colours: np.ndarray) -> Iterator[Slide]:
    """10 x 6 tiles of 8 px, each of one colour, as a PNG."""
    path = tmp_path / "colours.png"
    Image.fromarray(np.repeat(np.repeat(colours, SIDE, axis=0), SIDE, axis=1)).save(path)
    with open_slide(path) as opened:
        yield opened


@pytest.fixture
def encoder() -> ColourEncoder:
    """A fresh encoder with its counters at zero."""
    return ColourEncoder()


@pytest.fixture
def other_encoder() -> ColourEncoder:
    """A second one, with other weights."""
    return ColourEncoder("other", "w2")
