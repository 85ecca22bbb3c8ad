"""Other files of a tokenizer than tokenizer.json: settings, vocabularies, and models of sentencepiece."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import sentencepiece
from test_odd_tokenizers import save_tokenizer

from napari_histoalign.encoders.tokenizing.files import check_tokenizer_files
from napari_histoalign.encoders.tokenizing.folder import FolderTokenizer
from napari_histoalign.encoders.tokenizing.musk import MuskTokenizer
from napari_histoalign.encoders.tokenizing.sentencepieces import check_sentencepieces
from napari_histoalign.errors import EncoderError


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tokenizer_class": "T5Tokenizer", "extra_ids": 10**8}, "extra_ids 100000000"),
        ({"extra_ids": "many"}, "extra_ids many"),
        ({"fast_tokenizer_files": ["../there/tokenizer.4.0.json"]}, r"the files \['\.\./there"),
        ({"sp_model_kwargs": {"enable_sampling": True, "alpha": 0.1}}, "sp_model_kwargs"),
        ({"extra_special_tokens": ["a"] * 40_000}, "more than 32768 tokens"),
        ({"model_max_length": "many"}, "cannot be used"),
        ({"pad_token": 3}, "cannot be read"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_settings_that_ask_for_more_are_refused(settings: dict, sentence: str, tmp_path: Path) -> None:
    save_tokenizer(tmp_path, **settings)
    with pytest.raises(EncoderError, match=sentence):
        FolderTokenizer(tmp_path, 8)(["gland"])


@pytest.mark.parametrize("content", ["[1]", "[" * 100_000, "{"])
@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"])
def test_settings_that_are_none_are_refused(name: str, content: str, tmp_path: Path) -> None:
    (save_tokenizer(tmp_path) / name).write_text(content)
    with pytest.raises(EncoderError, match=name):
        FolderTokenizer(tmp_path, 8)


@pytest.mark.parametrize(
    ("name", "content"), [("vocab.txt", "a" * 2000), ("vocab.json", '{"%s": 0}' % ("a" * 2000))]
)
def test_vocabularies_of_one_endless_word_are_refused(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(EncoderError, match="a piece of 2000 letters"):
        check_tokenizer_files(tmp_path)


def trained() -> bytes:
    """A sentencepiece model with the usual normalisation."""
    model = io.BytesIO()
    lines = iter(["invasive carcinoma of the breast", "benign glands and stroma"] * 20)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines, model_writer=model, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    return model.getvalue()


def field(number: int, value: bytes) -> bytes:
    """A field with bytes, in the format of these files."""
    length, size = len(value), b""
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + value


def test_models_of_sentencepiece_are_within_bounds(tmp_path: Path) -> None:
    """Its usual table puts 18 letters for one at most, and a space may come before each."""
    (tmp_path / "spiece.model").write_bytes(trained())
    assert check_tokenizer_files(tmp_path) == 18 * 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda model: model + field(1, field(1, b"a" * 1_000_000)), "a piece of 1000000 letters"),
        (lambda model: model + field(3, field(2, b"\0\0\0\0" + b"a" * 9000)), "many times longer"),
        (lambda model: model[:-5], "no whole sentencepiece model"),
        (lambda model: model + b"\x0b", "no whole sentencepiece model"),
        (lambda model: model + b"\xff" * 20, "no whole sentencepiece model"),
        (lambda model: model + field(1, field(1, b"\xff")), "no whole sentencepiece model"),
        (lambda model: b"", "no whole sentencepiece model"),
    ],
    ids=["piece", "table", "cut", "kind", "number", "letters", "empty"],
)
def test_hostile_models_of_sentencepiece_are_refused(change, sentence: str, tmp_path: Path) -> None:
    for name in ("spiece.model", "tokenizer.spm"):
        (tmp_path / name).write_bytes(change(trained()))
    for read in (
        lambda: FolderTokenizer(tmp_path, 8),
        lambda: MuskTokenizer(tmp_path / "tokenizer.spm"),
        lambda: check_sentencepieces(tmp_path / "spiece.model"),
    ):
        with pytest.raises(EncoderError, match=sentence):
            read()
