"""What a text becomes before the text tower reads it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tokenizers
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Tokens:
    """Prompts as numbers.

    Attributes
    ----------
    ids
        Token ids, int64, shape (k, context length).
    mask
        Which of them are text, beginning and end; the rest is padding. Bool, same shape.
    truncated
        Positions of the prompts of which something was cut, ascending.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.bool_]
    truncated: tuple[int, ...] = ()


class Tokenizer(ABC):
    """Turns prompts into tokens of one fixed length."""

    @abstractmethod
    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode texts, cutting those that are too long for the text tower."""

    @property
    def vocabulary(self) -> int | None:
        """One more than the highest id of a token, where it is known."""
        return None

    def unknown(self, text: str) -> list[str]:
        """Words of `text` that have no token, in order, each once; none where any text has tokens."""
        return []


def padded(rows: Sequence[Sequence[int]], length: int, pad: int, truncated: Sequence[int] = ()) -> Tokens:
    """Tokens from rows of ids that are at most `length` long.

    Parameters
    ----------
    rows
        Ids of each text, with its beginning and end.
    length
        Context length.
    pad
        Id of padding.
    truncated
        Positions of the texts that were cut.
    """
    ids = np.full((len(rows), length), pad, np.int64)
    mask = np.zeros((len(rows), length), bool)
    for r, row in enumerate(rows):
        ids[r, : len(row)] = row
        mask[r, : len(row)] = True
    return Tokens(ids, mask, tuple(truncated))


def framed(rows: Sequence[Sequence[int]], start: int, end: int, length: int, pad: int) -> Tokens:
    """Tokens from rows of ids without beginning and end; rows that are too long are cut before the end.

    Parameters
    ----------
    rows
        Ids of each text, as many as it has.
    start, end, pad
        Ids of beginning, end and padding.
    length
        Context length, with beginning and end.
    """
    cut = [position for position, row in enumerate(rows) if len(row) > length - 2]
    return padded([[start, *row[: length - 2], end] for row in rows], length, pad, cut)


def encoded(pieces: tokenizers.Tokenizer, texts: Sequence[str], length: int, pad: int) -> Tokens:
    """Tokens as the tokenizers library makes them.

    Parameters
    ----------
    pieces
        Adds beginning and end, and truncates to `length` or less.
    texts
        To encode.
    length
        Context length.
    pad
        Id of padding.
    """
    # one by one: there are few, and the library's threads complain when a process forks later
    found = [pieces.encode(text) for text in texts]
    cut = [position for position, encoding in enumerate(found) if encoding.overflowing]
    return padded([encoding.ids for encoding in found], length, pad, cut)
