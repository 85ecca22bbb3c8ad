"""Tokenizers that come with a model's folder, read by transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_histoalign.encoders.foreign import one_sentence
from napari_histoalign.encoders.tokenizing.bounds import check_letters
from napari_histoalign.encoders.tokenizing.files import check_tokenizer_files
from napari_histoalign.encoders.tokenizing.tokens import Tokenizer, Tokens
from napari_histoalign.errors import EncoderError


class FolderTokenizer(Tokenizer):
    """What the tokenizer files of a folder say.

    Parameters
    ----------
    folder
        Holds tokenizer.json, or what else transformers reads a tokenizer from.
    context_length
        Tokens of a text with its beginning and end; shorter texts are padded to it.

    Raises
    ------
    EncoderError
        The files are missing, damaged, or need code of their own.
    """

    def __init__(self, folder: Path, context_length: int) -> None:
        self._length, self._folder = context_length, folder
        self._growth = check_tokenizer_files(folder)
        with one_sentence(f"The tokenizer in {folder} cannot be read"):
            from transformers import AutoTokenizer

            # never code from the folder, never the hub
            self._read: Any = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
            # towers read a text from its beginning, and padding is cut off behind it
            self._read.padding_side = self._read.truncation_side = "right"
            if self._read.pad_token_id is None:
                self._read.pad_token = self._read.eos_token or self._read.unk_token
            self._pad = self._read.pad_token_id
        if self._pad is None:
            raise EncoderError(f"The tokenizer in {folder} names no token for padding, end or unknown words.")

    @property
    def vocabulary(self) -> int:
        """One more than the highest id there is."""
        with one_sentence(f"The tokenizer in {self._folder} cannot be used"):
            highest: int = max(max(self._read.get_vocab().values()), self._pad)
            return highest + 1

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode texts; what is too long is cut as the tokenizer does it."""
        check_letters(texts, self._growth, self._folder)
        ids = np.empty((len(texts), self._length), np.int64)
        mask = np.empty((len(texts), self._length), bool)
        cut = []
        with one_sentence(f"The tokenizer in {self._folder} cannot be used"):
            # one by one: whatever a text becomes before it is cut, only one at a time takes memory
            for position, text in enumerate(texts):
                if len(self._read(text)["input_ids"]) > self._length:
                    cut.append(position)
                done = self._read(
                    text,
                    padding="max_length",
                    truncation=True,
                    max_length=self._length,
                    return_attention_mask=True,
                )
                ids[position], mask[position] = done["input_ids"], done["attention_mask"]
        return Tokens(ids, mask, tuple(cut))

    def unknown(self, text: str) -> list[str]:
        """Words of which some piece is the tokenizer's sign for unknown."""
        check_letters([text], self._growth, self._folder)
        sign = self._read.unk_token_id
        words = dict.fromkeys(text.split())
        with one_sentence(f"The tokenizer in {self._folder} cannot be used"):
            # where padding, end or beginning is that sign too, it says nothing of the word
            if sign is None or sign in self._read("")["input_ids"]:
                return []
            return [w for w in words if sign in self._read(w, add_special_tokens=False)["input_ids"]]
