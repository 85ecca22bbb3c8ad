"""Both towers: shapes, unit rows, any words, and no dependence on what else is in the batch."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.errors import EncoderError
from napari_histoalign.files import resource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder

ODD_TEXTS = [
    "zebra",
    "Überaus seltsame Wörter 123",
    "H&E",
    "腺管",
    "x",
    "word " * 500,
    "UPPER CASE, with: punctuation!?",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
]


@pytest.fixture(scope="module")
def tiles() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (70, 224, 224, 3), dtype=np.uint8)


def test_images_become_unit_rows(encoder: Encoder, tiles: NDArray[np.uint8]) -> None:
    rows = encoder.embed_images(tiles[:5])

    assert rows.shape == (5, encoder.dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert encoder.embed_images(tiles[:0]).shape == (0, encoder.dim)


def test_batch_size_does_not_matter(encoder: Encoder, tiles: NDArray[np.uint8]) -> None:
    together = encoder.embed_images(tiles)
    singly = np.concatenate([encoder.embed_images(tile[None]) for tile in tiles[:8]])
    again = encoder.embed_images(tiles)

    np.testing.assert_allclose(together[:8], singly, atol=1e-5)
    assert (together == again).all()


def test_array_layout_does_not_matter(encoder: Encoder, tiles: NDArray[np.uint8]) -> None:
    strided = np.asfortranarray(tiles[:3])
    strided.setflags(write=False)

    np.testing.assert_allclose(encoder.embed_images(strided), encoder.embed_images(tiles[:3]), atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 224, 224, 3), np.float32),
        np.zeros((2, 3, 224, 224), np.uint8),
        np.zeros((224, 224, 3), np.uint8),
        np.zeros((2, 0, 224, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(encoder: Encoder, wrong: NDArray[np.generic]) -> None:
    with pytest.raises(EncoderError, match=r"takes 8-bit RGB tiles \(n, height, width, 3\), not"):
        encoder.embed_images(wrong)  # type: ignore[arg-type]


def test_tiles_of_another_size_are_brought_to_the_encoders(
    encoder: Encoder, tiles: NDArray[np.uint8]
) -> None:
    from PIL import Image

    larger = tiles[:2].repeat(2, axis=1).repeat(2, axis=2)
    fitted = np.stack(
        [np.asarray(Image.fromarray(t).resize((224, 224), Image.Resampling.BICUBIC)) for t in larger]
    )

    assert (encoder.embed_images(larger) == encoder.embed_images(fitted)).all()


def test_half_characters_are_refused(encoder: Encoder) -> None:
    with pytest.raises(EncoderError, match=r"Prompt 2 of 2 .* no valid Unicode"):
        encoder.embed_texts(["tumour", "tum\ud83dour"])


def test_any_words_are_read(encoder: Encoder) -> None:
    rows = encoder.embed_texts(ODD_TEXTS)

    assert rows.shape == (len(ODD_TEXTS), encoder.dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_what_no_tower_can_know_says_nothing(encoder: Encoder, tiles: NDArray[np.uint8]) -> None:
    texts = [
        "zebra",
        "Überaus seltsame Wörter 123",
        "腺管",
        "qwertz asdf",
        "cinarcoma tivaseni",
        "Peter and Paul",
    ]
    images, rows = encoder.embed_images(tiles[:8]), encoder.embed_texts(texts)

    assert all(encoder.unknown_words(text) for text in texts)
    assert np.abs(images @ rows.T).max() < 0.15, "no tile is near a text without meaning"
    known = encoder.embed_texts(["many small dark purple dots", "cancer", "fat"])
    assert np.abs(known @ rows.T).max() < 0.3


def test_texts_do_not_depend_on_their_neighbours(encoder: Encoder) -> None:
    together = encoder.embed_texts(["benign", "a much longer text about many small dark purple dots"])

    assert (together[:1] == encoder.embed_texts(["benign"])).all()
    assert (encoder.embed_texts(["Benign, tissue"]) == encoder.embed_texts(["benign tissue"])).all()


@pytest.mark.parametrize("empty", ["", "   ", "?!", "\n"])
def test_text_without_words_is_refused(encoder: Encoder, empty: str) -> None:
    with pytest.raises(EncoderError, match="Prompt 2 of 2"):
        encoder.embed_texts(["benign", empty])


def test_one_string_is_not_a_list(encoder: Encoder) -> None:
    with pytest.raises(EncoderError, match="list"):
        encoder.embed_texts("benign")


def test_unknown_words_are_told(path_encoder: Encoder, general_encoder: Encoder) -> None:
    text = "invasive ductal carcinoma beside a Zebra, zebra"

    assert path_encoder.unknown_words(text) == ["beside", "zebra"]
    assert {"ductal", "zebra"} <= set(general_encoder.unknown_words(text))
    assert general_encoder.unknown_words("many small dark purple dots") == []


def test_hash_scale_and_sizes_are_those_of_the_file(encoder: Encoder) -> None:
    data = resource("encoders", encoder.spec.name, "model.safetensors").read_bytes()

    assert encoder.weights_hash == hashlib.sha256(data).hexdigest()
    assert 1 < encoder.logit_scale < 100
    assert encoder.embed_texts(["x"]).shape[1] == encoder.dim == encoder.spec.dim


def test_letters_stand_in_for_words_never_seen(path_encoder: Encoder) -> None:
    known, typo, other = path_encoder.embed_texts(["carcinoma", "carcinomas", "adipocytes"])

    assert path_encoder.unknown_words("carcinomas") == ["carcinomas"]
    assert known @ typo > 0.7 > known @ other
