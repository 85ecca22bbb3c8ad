"""What a vocabulary and its normalisation may cost: bounds far above every published tokenizer."""

from __future__ import annotations

from collections.abc import Collection
from itertools import takewhile
from pathlib import Path

from napari_histoalign.errors import EncoderError

LONG_PIECE = 1000
"""Letters of a piece, a pattern or a replacement."""
MOST_PIECES = 1 << 21
MOST_NODES = 6 << 20
"""Nodes of the tree of letters that Unigram models make of their pieces; each takes some 300 bytes. XLM-V's
900,000 pieces, the most that are published, have less than half as many."""
MOST_GROWTH = 1 << 13
"""How many times longer a text may become before it is taken apart. No text does, but the bounds of single
steps multiply: ALBERT's reach half of this."""
MOST_LETTERS = 1 << 23
"""Of a text times how much longer it may become; each takes up to a hundred bytes for a moment."""


def check_pieces(pieces: Collection[str], path: Path, *, tree: bool = False) -> None:
    """Raise an `EncoderError` for a vocabulary that is no person's.

    Parameters
    ----------
    pieces
        Its pieces.
    path
        The file, for the error.
    tree
        Whether a tree of letters is made of them.
    """
    if len(pieces) > MOST_PIECES:
        raise strange(path, f"{len(pieces)} pieces")
    longest = max(map(len, pieces), default=0)
    if longest > LONG_PIECE:  # steps that take the square of the length, or as many calls within calls
        raise strange(path, f"a piece of {longest} letters")
    if tree:
        written = [piece.encode("utf-8", "surrogatepass") for piece in pieces]
        if sum(map(len, written)) > MOST_NODES and nodes(written) > MOST_NODES:
            raise strange(path, "pieces that have no beginnings in common, and take gigabytes")


def nodes(pieces: Collection[bytes]) -> int:
    """How many different beginnings pieces have."""
    count, last = 0, b""
    for piece in sorted(pieces):
        same = takewhile(lambda pair: pair[0] == pair[1], zip(last, piece, strict=False))
        count += len(piece) - sum(1 for _ in same)
        last = piece
    return count


def longest_replacement(table: bytes) -> int:
    """Letters that sentencepiece's table of replacements (``precompiled_charsmap``) puts for one at most.

    The table has four bytes of a length, an index of that length, and the replacements with a zero after
    each. The index may point into the middle of one, but what it points to ends at the next zero.
    """
    begin = 4 + int.from_bytes(table[:4], "little")
    return max((len(r.decode("utf-8", "replace")) for r in table[begin:].split(b"\0")), default=0)


def check_growth(growth: int, path: Path) -> None:
    """Raise an `EncoderError` where a text may become that many times longer."""
    if growth > MOST_GROWTH:
        raise strange(path, "steps that make a text many times longer")


def check_letters(texts: Collection[str], growth: int, path: Path) -> None:
    """Raise an `EncoderError` for a prompt that would take too much memory.

    Parameters
    ----------
    texts
        The prompts.
    growth
        How many times longer the tokenizer may make them.
    path
        Its file or folder, for the error.
    """
    most, longest = MOST_LETTERS // max(1, growth), max(map(len, texts), default=0)
    if longest > most:
        raise EncoderError(
            f"A prompt of {longest} letters is too long for the tokenizer in {path}, which takes {most}: "
            "shorten it."
        )


def strange(path: Path, what: str) -> EncoderError:
    """The error for a file that asks for what no published one does."""
    return EncoderError(f"{path} asks for {what}, which no published tokenizer does: it is not read.")
