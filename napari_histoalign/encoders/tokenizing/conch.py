"""CONCH's byte-level byte-pair encoding, from the publisher's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_histoalign.encoders.foreign import one_sentence
from napari_histoalign.encoders.tokenizing.bounds import check_letters
from napari_histoalign.encoders.tokenizing.files import check_size
from napari_histoalign.encoders.tokenizing.recipe import check_recipe
from napari_histoalign.encoders.tokenizing.tokens import Tokenizer, Tokens, encoded
from napari_histoalign.errors import EncoderError

PAD = "<pad>"


class ConchTokenizer(Tokenizer):
    """What ``conch_byte_level_bpe_uncased.json`` says: accents off, lower case, bytes, start and end.

    A text keeps its beginning and the end token within one token less than the context, since the last
    place is for the text tower's summary token; padding stands there [1]_. Every byte has a token, so no
    word is unknown.

    Parameters
    ----------
    path
        The publisher's file.
    context_length
        Tokens of a text with its beginning, its end and the summary token.

    Raises
    ------
    EncoderError
        The file cannot be read or describes no such encoding.

    References
    ----------
    .. [1] Lu et al., "A visual-language foundation model for computational pathology", Nature
       Medicine 2024.
    """

    def __init__(self, path: Path, context_length: int = 128) -> None:
        import tokenizers

        check_size(path)
        self._path, self._growth = path, check_recipe(path)
        with one_sentence(f"{path} is no tokenizer file", "Was the download cut off? Get it again."):
            # read here, for the library opens no path with letters foreign to the system
            self._bpe = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
            self._bpe.no_padding()
            self._bpe.enable_truncation(context_length - 1)
        pad = self._bpe.token_to_id(PAD)
        if pad is None:
            raise EncoderError(f"{path} has no token {PAD}. Is it CONCH's tokenizer?")
        self._pad, self._length = pad, context_length

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self._bpe.get_vocab_size()

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode texts, cutting those that are too long before their end token."""
        check_letters(texts, self._growth, self._path)
        with one_sentence(f"{self._path} cannot be used"):
            tokens = encoded(self._bpe, texts, self._length, self._pad)
        # a person's "<pad>" is padding, too, for the text tower goes by the id
        return replace(tokens, mask=np.not_equal(tokens.ids, self._pad))
