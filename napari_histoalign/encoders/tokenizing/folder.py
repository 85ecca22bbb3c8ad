"""Tokenizers that come with a model's folder, read by transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
        from transformers import AutoTokenizer

        self._length = context_length
        try:
            # never code from the folder, never the hub
            self._read: Any = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
        except Exception as err:  # transformers and the Rust code below raise whatever comes
            raise EncoderError(
                f"The tokenizer in {folder} cannot be read ({(str(err).splitlines() or [repr(err)])[0]})."
            ) from err
        if self._read.pad_token_id is None:
            self._read.pad_token = self._read.eos_token or self._read.unk_token
        if self._read.pad_token_id is None:
            raise EncoderError(f"The tokenizer in {folder} names no token for padding, end or unknown words.")

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode texts; what is too long is cut as the tokenizer does it."""
        given = list(texts)
        whole = self._read(given)["input_ids"]
        done = self._read(given, padding="max_length", truncation=True, max_length=self._length)
        ids = np.asarray(done["input_ids"], np.int64).reshape(len(texts), self._length)
        mask = np.zeros_like(ids, bool)
        for row, encoded in zip(mask, whole, strict=True):
            row[: len(encoded)] = True
        return Tokens(ids, mask, tuple(i for i, row in enumerate(whole) if len(row) > self._length))

    def unknown(self, text: str) -> list[str]:
        """Words of which some piece is the tokenizer's sign for unknown."""
        sign = self._read.unk_token_id
        # where padding, end or beginning is that sign too, it says nothing of the word
        if sign is None or sign in self._read("")["input_ids"]:
            return []
        words = dict.fromkeys(text.split())
        return [w for w in words if sign in self._read(w, add_special_tokens=False)["input_ids"]]
