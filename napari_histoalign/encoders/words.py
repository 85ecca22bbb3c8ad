"""Turn a prompt into numbers: known words by index, every word also by its letters."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2
GRAMS_PER_WORD = 24
_WORD = re.compile(r"[^\W_]+(?:&[^\W_]+)?")


def words(text: str) -> list[str]:
    """Lower-case words of a text without accents and punctuation; "H&E" is one word."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


def grams(word: str, buckets: int) -> list[int]:
    """Buckets (1 and up) of the 3 to 5 letter pieces of a word with its borders marked."""
    marked = f"<{word}>"
    pieces = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)] or [marked]
    # crc32, since Python's own hash differs from run to run
    return [1 + zlib.crc32(piece.encode()) % (buckets - 1) for piece in pieces[:GRAMS_PER_WORD]]


@dataclass(frozen=True)
class Tokens:
    """Prompts as arrays: ``ids`` int64 (k, length), ``grams`` int64 (k, length, 24); 0 is padding."""

    ids: NDArray[np.int64]
    grams: NDArray[np.int64]


class Vocabulary:
    """The words a text tower saw in training.

    Parameters
    ----------
    known
        The words, in the order of their rows in the tower.
    buckets
        How many buckets the letter pieces are hashed into.
    context_length
        How many words are read; what follows is cut.
    """

    def __init__(self, known: Sequence[str], buckets: int, context_length: int) -> None:
        self.index: Mapping[str, int] = {word: FIRST_WORD + i for i, word in enumerate(known)}
        self.buckets, self.context_length = buckets, context_length

    def unknown(self, text: str) -> list[str]:
        """Words of a text that are not in the vocabulary, in order, each once."""
        return list(dict.fromkeys(word for word in words(text) if word not in self.index))

    def tokens(self, texts: Sequence[str]) -> Tokens:
        """Encode texts; a text without a single word gives a row of padding."""
        split = [words(text)[: self.context_length] for text in texts]
        length = max((len(row) for row in split), default=1) or 1
        ids = np.zeros((len(split), length), dtype=np.int64)
        pieces = np.zeros((len(split), length, GRAMS_PER_WORD), dtype=np.int64)
        for r, row in enumerate(split):
            for c, word in enumerate(row):
                ids[r, c] = self.index.get(word, UNKNOWN)
                hashed = grams(word, self.buckets)
                pieces[r, c, : len(hashed)] = hashed
        return Tokens(ids, pieces)
