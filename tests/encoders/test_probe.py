"""What an encoder has to show before it is taken into the library."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_histoalign.encoders import registry
from napari_histoalign.encoders.base import Encoder
from napari_histoalign.encoders.probe import TEXTS, probe
from napari_histoalign.errors import EncoderError

IMAGES = np.eye(2, 512, dtype=np.float32)
WORDS = np.eye(2, 512, 1, dtype=np.float32)
ONE = IMAGES[[0, 0]]


class Given(Encoder):
    """An encoder that has these embeddings whatever it is shown."""

    def __init__(self, images=IMAGES, texts=WORDS, scale=100.0, bias=0.0) -> None:
        self.spec = registry()["plip"]
        self.logit_scale, self.logit_bias = scale, bias
        self._of_images, self._of_texts = images, texts

    def unknown_words(self, text):
        return []

    def _images(self, tiles):
        return self._of_images

    def _texts(self, texts):
        assert texts == list(TEXTS)
        return self._of_texts


def test_a_sound_encoder_tells_its_cosines() -> None:
    found = probe(Given(bias=-16.5))
    assert (found.images, found.texts) == (0.0, 0.0)
    assert found.pairs == ((0.0, 0.0), (1.0, 0.0))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, 1e5])
def test_scales_that_no_encoder_has_are_refused(scale: float) -> None:
    with pytest.raises(EncoderError, match=r"PLIP has the logit scale .* these are not its weights"):
        probe(Given(scale=scale))


@pytest.mark.parametrize("bias", [math.nan, math.inf, -1e5])
def test_biases_that_no_encoder_has_are_refused(bias: float) -> None:
    with pytest.raises(EncoderError, match=r"PLIP has the logit bias .* these are not its weights"):
        probe(Given(bias=bias))


@pytest.mark.parametrize("which", ["images", "texts"])
@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (np.full((2, 512), np.nan, np.float32), "no direction"),
        (np.full((2, 512), np.inf, np.float32), "no direction"),
        (np.zeros((2, 512), np.float32), "no direction"),
        (IMAGES * 2, "no direction"),
        (ONE, "the same embedding"),
        (IMAGES[:, :256], r"\(256,\) numbers each; its entry says 512"),
    ],
    ids=["nan", "infinite", "zero", "long", "alike", "narrow"],
)
def test_embeddings_that_say_nothing_are_refused(which: str, rows: np.ndarray, sentence: str) -> None:
    with pytest.raises(EncoderError, match=f"{which} .*{sentence}|two different {which} {sentence}"):
        probe(Given(**{which: rows}))
