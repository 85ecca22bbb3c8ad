"""Tokenizers of other people's folders: padded on the left, larger than the text tower, or damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_clip import save_small_clip
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.encoders import foreign as foreign_module
from napari_histoalign.encoders.tokenizing.conch import ConchTokenizer
from napari_histoalign.encoders.tokenizing.folder import FolderTokenizer
from napari_histoalign.errors import EncoderError

WORDS = {"<unk>": 0, "<pad>": 1, "gland": 2, "tumour": 3, "of": 4}


def save_tokenizer(folder: Path, words: dict[str, int] = WORDS, **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if "<end>" in words:
        made.post_processor = processors.TemplateProcessing("$A <end>", None, [("<end>", words["<end>"])])
    made.save(str(folder / "tokenizer.json"))
    fields = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**fields, **config}))
    return folder


@pytest.mark.parametrize("side", ["left", "right"])
def test_texts_begin_at_the_left_whatever_the_folder_says(side: str, tmp_path: Path) -> None:
    read = FolderTokenizer(save_tokenizer(tmp_path, padding_side=side, truncation_side=side), 4)

    tokens = read(["gland of", "tumour of gland of tumour"])

    np.testing.assert_array_equal(tokens.ids, [[2, 4, 1, 1], [3, 4, 2, 4]])
    np.testing.assert_array_equal(tokens.mask, [[1, 1, 0, 0], [1, 1, 1, 1]])
    assert tokens.truncated == (1,)


def test_a_tokenizer_larger_than_the_text_tower_is_refused(tmp_path: Path) -> None:
    source = save_small_clip(tmp_path / "clip")
    known = json.loads((source / "config.json").read_text())["text_config"]["vocab_size"]
    save_tokenizer(source, {**WORDS, "carcinoma": known})
    with pytest.raises(EncoderError, match=rf"tokens up to number {known}, .* knows {known}: it belongs"):
        add_encoder("mine", source, EncoderLibrary(tmp_path / "library"))
    words = {**WORDS, "crowded": 5, "dark": 6, "empty": 7, "glass": 8, "<end>": known - 1}
    save_tokenizer(source, words)
    add_encoder("mine", source, EncoderLibrary(tmp_path / "library"))


@pytest.mark.parametrize("content", ["", "[" * 100_000, "{", "[]", '"x"', "\x00"])
def test_files_that_are_no_tokenizers_are_refused(content: str, tmp_path: Path) -> None:
    (save_tokenizer(tmp_path) / "tokenizer.json").write_text(content)
    with pytest.raises(EncoderError, match=r"tokenizer\.json"):
        FolderTokenizer(tmp_path, 8)


def test_a_file_beyond_all_tokenizers_is_not_read(tmp_path: Path) -> None:
    with (save_tokenizer(tmp_path) / "vocab.json").open("wb") as file:
        file.truncate(1 << 34)  # sixteen gigabytes of nothing, which take no room
    with pytest.raises(EncoderError, match=r"vocab\.json has 17180 MB"):
        FolderTokenizer(tmp_path, 8)


class Panic(BaseException):
    """What code in Rust raises."""


def test_panics_of_rust_are_errors_and_a_stop_is_a_stop(tmp_path: Path, monkeypatch) -> None:
    import tokenizers

    path = save_tokenizer(tmp_path) / "tokenizer.json"
    for raised, seen in ((Panic("overflow"), EncoderError), (KeyboardInterrupt(), KeyboardInterrupt)):

        class Broken:
            @staticmethod
            def from_str(text: str, raised: BaseException = raised) -> None:
                raise raised

        monkeypatch.setattr(tokenizers, "Tokenizer", Broken)
        with pytest.raises(seen):
            ConchTokenizer(path)


def test_reasons_are_one_line() -> None:
    assert foreign_module.reason(ValueError("first\nsecond")) == "first"
    assert foreign_module.reason(ValueError()) == "ValueError"
    assert foreign_module.reason(MemoryError("std::bad_alloc")) == "it takes more memory than there is"
