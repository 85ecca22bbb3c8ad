"""MUSK: names and shapes of the published file, and embeddings as plain float64 arithmetic gives them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sentencepiece
import torch
from musk_reference import PUBLISHED, REDUCED, Reference, layout, published_ids, random_weights, train
from safetensors.torch import save_file
from torch import Tensor

from napari_histoalign.encoders import registry
from napari_histoalign.encoders.architectures.beit3 import Beit3Shape
from napari_histoalign.encoders.architectures.musk import Musk
from napari_histoalign.encoders.building import NoRandomStart
from napari_histoalign.encoders.loading import load_folder
from napari_histoalign.encoders.tokenizing.musk import MuskTokenizer
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.base import Encoder
    from napari_histoalign.encoders.registry import EncoderSpec

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.spm"
HEADS, CONTEXT = 4, 24
LAYOUT = "4d364842d6723810865e24226fe685feb0f32d999d29d59c952c471d359160d8"
"""SHA-256 of the sorted lines "name shape" of the publisher's own module, `musk_large_patch16_384`."""
PROMPTS = ["tumour", "an H&E image of a lung", "gland, stroma and fat", "necrosis " * 30, "日本 naïve 🔬"]


@pytest.fixture(scope="module")
def model() -> bytes:
    return train()


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return random_weights(REDUCED, 5)


@pytest.fixture
def folder(tmp_path: Path, model: bytes, weights: dict[str, Tensor]) -> Path:
    save_file(weights, tmp_path / WEIGHTS)
    (tmp_path / TOKENIZER).write_bytes(model)
    return tmp_path


@pytest.fixture
def spec() -> EncoderSpec:
    shape = {"layers": 3, "heads": HEADS, "hidden": 48, "vocab_size": 100, "positions": 40}
    files = {WEIGHTS: None, TOKENIZER: None}
    entry = registry()["musk"]
    return replace(entry, files=files, input_size=48, dim=32, context_length=CONTEXT, shape=shape)


@pytest.fixture
def encoder(spec: EncoderSpec, folder: Path) -> Encoder:
    return load_folder(spec, folder, device="cpu")


def tiles(count: int, side: int) -> NDArray[np.uint8]:
    """Coloured squares, half a patch wide."""
    squares = np.random.default_rng(side).integers(0, 256, (count, side // 8, side // 8, 3), dtype=np.uint8)
    return squares.repeat(8, axis=1).repeat(8, axis=2)


def cosines(found: NDArray[np.float32], wanted: Sequence[Tensor]) -> NDArray[np.float64]:
    exact = found.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    return (exact * torch.stack(list(wanted)).numpy()).sum(axis=1)


def test_the_full_size_has_the_published_names_and_shapes() -> None:
    with torch.device("meta"), NoRandomStart():
        ours = {name: tuple(value.shape) for name, value in Musk().state_dict().items()}
    assert ours == layout(PUBLISHED)
    lines = sorted(f"{name} {shape}" for name, shape in ours.items())
    assert (len(lines), sha256("\n".join(lines).encode()).hexdigest()) == (974, LAYOUT)
    assert sum(math.prod(shape) for shape in ours.values()) == 675_188_737  # the publisher's 675 million


def test_the_entry_says_what_the_publisher_does() -> None:
    entry = registry()["musk"]
    assert entry.preprocessing.key == "shortest-bicubic-384-half"
    assert (entry.dim, entry.context_length, dict(entry.shape)) == (1024, 100, {})
    assert set(entry.files) == {WEIGHTS, TOKENIZER}


def test_images_are_embedded_as_published(encoder: Encoder, weights: dict[str, Tensor]) -> None:
    pixels = tiles(3, 48)
    wanted = [Reference(weights, REDUCED, HEADS).image(tile) for tile in pixels]
    np.testing.assert_allclose(cosines(encoder.embed_images(pixels), wanted), 1, rtol=0, atol=1e-9)
    assert float(wanted[0] @ wanted[1]) < 0.99  # so that a cosine of 1 says something


def test_texts_of_different_length_in_one_batch_are_embedded_as_each_alone(
    encoder: Encoder, model: bytes, weights: dict[str, Tensor]
) -> None:
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    ids = [published_ids(pieces, prompt, CONTEXT) for prompt in PROMPTS]
    assert len({len(row) for row in ids}) > 3
    wanted = [Reference(weights, REDUCED, HEADS).text(row) for row in ids]
    np.testing.assert_allclose(cosines(encoder.embed_texts(PROMPTS), wanted), 1, rtol=0, atol=1e-9)
    assert float(wanted[0] @ wanted[1]) < 0.99


def test_padding_changes_nothing_whatever_stands_there(weights: dict[str, Tensor]) -> None:
    towers = Musk(Beit3Shape(48, 16, 32, 3, HEADS, 48, 100, 40)).eval()
    towers.load_state_dict(weights)
    ids = torch.randint(0, 100, (3, CONTEXT), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(CONTEXT) < torch.tensor([[4], [9], [6]])
    with torch.inference_mode():
        whole, trimmed = towers.encode_text(ids, mask), towers.encode_text(ids[:, :9], mask[:, :9])
        other = towers.encode_text(torch.where(mask, ids, 1), mask)
    np.testing.assert_allclose(trimmed, whole, rtol=0, atol=1e-5)
    np.testing.assert_allclose(other, whole, rtol=0, atol=1e-5)
    assert towers.trims_padding


def test_the_logit_scale_is_the_exponential_of_the_files(encoder: Encoder) -> None:
    assert encoder.logit_scale == pytest.approx(math.exp(3.25))
    assert encoder.logit_bias == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"language_head.weight": None}, r"does not hold these weights: it lacks language_head\.weight\."),
        ({"relative": torch.zeros(2)}, r"does not hold these weights: it has the unknown relative\."),
        (
            {"beit3.encoder.layer_norm.B.bias": torch.zeros(31)},
            r"beit3\.encoder\.layer_norm\.B\.bias has another shape .* is \(31,\) instead of \(32,\)",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    spec: EncoderSpec, folder: Path, weights: dict[str, Tensor], change: dict[str, Any], sentence: str
) -> None:
    changed = {name: value for name, value in {**weights, **change}.items() if value is not None}
    save_file(changed, folder / WEIGHTS)
    with pytest.raises(EncoderError, match=sentence):
        load_folder(spec, folder, device="cpu")


def test_an_unknown_size_and_a_tokenizer_with_too_many_pieces_are_refused(
    spec: EncoderSpec, folder: Path
) -> None:
    with pytest.raises(
        EncoderError, match="unknown shape depth; there are heads, hidden, layers, patch_size"
    ):
        load_folder(replace(spec, shape={"depth": 3}), folder, device="cpu")
    with pytest.raises(EncoderError, match=r"tokenizer\.spm has \d+ tokens, more than the 50 of the text"):
        load_folder(replace(spec, shape={**spec.shape, "vocab_size": 50}), folder, device="cpu")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda model: b"", "is no whole sentencepiece model"),
        (lambda model: model[:-50], "is no whole sentencepiece model"),
        (lambda model: b"<!DOCTYPE html>", "is no whole sentencepiece model"),
        (lambda model: train(unk_id=2, bos_id=0, eos_id=1), "Is it MUSK's tokenizer"),
    ],
)
def test_a_damaged_tokenizer_is_refused(tmp_path: Path, model: bytes, damage: Any, sentence: str) -> None:
    path = tmp_path / TOKENIZER
    path.write_bytes(damage(model))
    with pytest.raises(EncoderError, match=rf"tokenizer\.spm.*{sentence}"):
        MuskTokenizer(path)


def awkward() -> Iterator[str]:
    yield from PROMPTS
    yield from (
        "",
        " ",
        "\t\n",
        "  two  spaces ",
        "a\u00a0b\u3000c",
        "line\r\nbreak",
        "nul\x00\x01",
        "\u200b",
    )
    yield from ("e\u0301 or é", "ﬁbrosis ½ µm² Ⅳ", "٣ клетка தமிழ்", "👩‍⚕️🧬", "⁇", "▁lung▁", "“—”…")
    yield from ("<mask>", "a <mask>b", "<s>x</s> <pad><unk> y", "< s > <S>", "lung<mask", "</s></s>")
    yield from ("tumour " * 22, "tumour " * 23, "x" * 500, "日" * 500, "<pad>" * 22, "<pad>" * 23)
    random, signs = np.random.default_rng(2), ["<s>", "<mask>", " ", "\t", "tumour", "é", "日", "<", "s>"]
    for length in random.integers(1, 30, 50):
        yield "".join(random.choice(signs, length))


def test_token_ids_are_those_of_the_published_procedure(tmp_path: Path, model: bytes) -> None:
    (tmp_path / TOKENIZER).write_bytes(model)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    texts = list(awkward())
    tokens = MuskTokenizer(tmp_path / TOKENIZER, CONTEXT)(texts)
    for text, ids, mask in zip(texts, tokens.ids, tokens.mask, strict=True):
        wanted = published_ids(pieces, text, CONTEXT)
        padding = CONTEXT - len(wanted)
        assert ids.tolist() == wanted + [1] * padding, text
        assert mask.tolist() == [True] * len(wanted) + [False] * padding, text
    cut = [n for n, text in enumerate(texts) if len(published_ids(pieces, text, 9999)) > CONTEXT]
    assert tokens.truncated == tuple(cut)
    assert len(cut) > 3


def test_words_with_letters_of_no_piece_are_named(encoder: Encoder) -> None:
    assert encoder.unknown_words("tumour 日本 of 🔬 naïve 日本") == ["日本", "🔬"]


@pytest.mark.full
def test_the_full_size_is_saved_loaded_and_embeds_as_published(tmp_path: Path, model: bytes) -> None:
    weights = random_weights(PUBLISHED, 6)
    (tmp_path / TOKENIZER).write_bytes(model)
    save_file(weights, tmp_path / WEIGHTS)
    spec = replace(registry()["musk"], files={WEIGHTS: None, TOKENIZER: None})
    encoder = load_folder(spec, tmp_path, device="cpu")
    (tmp_path / WEIGHTS).unlink()  # 2.7 GB
    reference = Reference(weights, PUBLISHED, heads=16)
    pixels = tiles(1, 384)
    np.testing.assert_allclose(
        cosines(encoder.embed_images(pixels), [reference.image(pixels[0])]), 1, rtol=0, atol=1e-9
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    wanted = [reference.text(published_ids(pieces, prompt, 100)) for prompt in PROMPTS]
    np.testing.assert_allclose(cosines(encoder.embed_texts(PROMPTS), wanted), 1, rtol=0, atol=1e-9)
