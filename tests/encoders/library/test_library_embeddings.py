"""What an added encoder makes of tiles and texts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_histoalign.encoders import add_encoder

TILES = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)


def test_embeddings_depend_on_no_neighbour_and_have_length_one(source, library) -> None:
    add_encoder("mine", source, library)
    encoder = library.load("mine", device="cpu")
    texts = ["carcinoma", "a much longer prompt about glands and stroma of the breast", "x"]

    together, alone = encoder.embed_texts(texts), np.concatenate([encoder.embed_texts([t]) for t in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(encoder.embed_images(TILES)[1], encoder.embed_images(TILES[1:2])[0], atol=1e-6)
    assert encoder.too_long(["short", "word " * 90]) == (1,)


def test_an_overlong_prompt_is_cut_with_a_warning(source, library, caplog) -> None:
    add_encoder("mine", source, library)
    library.load("mine", device="cpu").embed_texts(["word " * 90])

    assert "reads 77 tokens" in caplog.text and "word word" in caplog.text


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_stays_near_single_and_is_kept_apart(source, library, precision) -> None:
    add_encoder("mine", source, library)
    full, half = (library.load("mine", device="cpu", precision=p) for p in ("float32", precision))

    cosines = (full.embed_images(TILES) * half.embed_images(TILES)).sum(1)
    assert cosines.min() > 0.999
    assert full.preprocessing != half.preprocessing, "stored embeddings of both must not mix"


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_on_a_graphics_processor(source, library, precision) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA graphics processor")
    add_encoder("mine", source, library)
    full = library.load("mine", device="cpu")
    half = library.load("mine", device="cuda", precision=precision)

    assert (full.embed_images(TILES) * half.embed_images(TILES)).sum(1).min() >= 0.999
    texts = ["carcinoma", "glass"]
    assert (full.embed_texts(texts) * half.embed_texts(texts)).sum(1).min() >= 0.999
