"""MUSK's sentencepiece tokens, from the publisher's file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from napari_histoalign.encoders.foreign import one_sentence
from napari_histoalign.encoders.tokenizing.bounds import check_letters
from napari_histoalign.encoders.tokenizing.files import check_size
from napari_histoalign.encoders.tokenizing.sentencepieces import check_sentencepieces
from napari_histoalign.encoders.tokenizing.tokens import Tokenizer, Tokens, framed
from napari_histoalign.errors import EncoderError

START, PAD, END, UNKNOWN = range(4)
OFFSET = 1
"""What is added to the file's own ids, to make room for `PAD`."""
_SIGNS = {"<s>": START, "<pad>": PAD, "</s>": END, "<unk>": UNKNOWN}
_MASK = "<mask>"
_SPLIT = re.compile("(" + "|".join([*_SIGNS, _MASK]) + ")")


class MuskTokenizer(Tokenizer):
    """What ``tokenizer.spm`` says, with the ids that XLM-RoBERTa gives [1]_ and MUSK was trained with [2]_.

    The ids of the file move up by one, its unknown piece becomes 3, and 0, 1 and 2 are beginning,
    padding and end. A person's ``<s>`` or ``<mask>`` becomes that sign and no letters, as in the
    published code.

    Parameters
    ----------
    path
        The publisher's file.
    context_length
        Tokens of a text with its beginning and end.

    Raises
    ------
    EncoderError
        The file cannot be read or is no sentencepiece model.

    References
    ----------
    .. [1] Conneau et al., "Unsupervised cross-lingual representation learning at scale", ACL 2020.
    .. [2] Xiang et al., "A vision-language foundation model for precision oncology", Nature 2025.
    """

    def __init__(self, path: Path, context_length: int = 100) -> None:
        import sentencepiece

        check_size(path)
        self._path, self._growth = path, check_sentencepieces(path)
        with one_sentence(f"{path} is no whole sentencepiece model", "Get it again."):
            # read here, for the library opens no path with letters foreign to the system
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())
        if self._pieces.unk_id() != 0:
            raise EncoderError(
                f"{path} does not begin with the piece for unknown letters. Is it MUSK's tokenizer?"
            )
        self._length = context_length
        self._signs = {**_SIGNS, _MASK: self._pieces.get_piece_size() + OFFSET}

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return max(self._signs.values()) + 1

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode texts; a text that is too long keeps its beginning and the end token."""
        check_letters(texts, self._growth, self._path)
        with one_sentence(f"{self._path} cannot be used"):
            return framed([list(self._ids(text)) for text in texts], START, END, self._length, PAD)

    def unknown(self, text: str) -> list[str]:
        """Words with letters that the file has no piece for, in order, each once."""
        return [word for word in dict.fromkeys(text.split()) if UNKNOWN in self._ids(word)]

    def _ids(self, text: str) -> Iterator[int]:
        """Ids of a text without beginning and end."""
        for part in _SPLIT.split(text):
            if part in self._signs:
                yield self._signs[part]
            else:
                # 0 is the file's unknown piece
                yield from (piece + OFFSET if piece else UNKNOWN for piece in self._pieces.encode(part))
