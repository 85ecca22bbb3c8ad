"""sentencepiece's model files (``spiece.model``, ``tokenizer.spm``), looked at before they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari_histoalign.encoders.tokenizing.bounds import check_growth, check_pieces, longest_replacement
from napari_histoalign.errors import EncoderError

PIECES, NORMALIZER = 1, 3
"""Fields of a model."""
PIECE, TABLE = 1, 2
"""Fields of a piece, and of the normalizer: its table of replacements."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Kinds of values in Protocol Buffers, the format of these files."""
SPACES = 2
"""How many times longer signs for spaces make a text at most."""


def check_sentencepieces(path: Path) -> int:
    """Make sure that reading a model, and running it, stays within bounds.

    Returns
    -------
    int
        How many times longer it may make a text before that is cut to tokens.

    Raises
    ------
    EncoderError
        The file cannot be read, is no such model, or asks for what no published one does.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise EncoderError(f"{path} cannot be read ({err.strerror or err}).") from err
    pieces, longest = [], 1
    try:
        for field, value in _fields(content):
            if field == PIECES:
                pieces += [text.decode() for number, text in _fields(value) if number == PIECE]
            elif field == NORMALIZER:
                tables = [table for number, table in _fields(value) if number == TABLE]
                longest = max([longest, *map(longest_replacement, tables)])
        if not pieces:  # which the library takes for a model
            raise ValueError("no pieces")
    except (IndexError, ValueError) as err:
        raise EncoderError(
            f"{path} is no whole sentencepiece model. Was the download cut off? Get it again."
        ) from err
    check_pieces(pieces, path, tree=True)
    check_growth(longest * SPACES, path)
    return longest * SPACES


def _fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each field that has bytes; the others are passed over."""
    place = 0
    while place < len(content):
        key, place = _number(content, place)
        kind = key & 7
        if kind == VARINT:
            _, place = _number(content, place)
        elif kind in (FIXED64, FIXED32):
            place += 8 if kind == FIXED64 else 4
        elif kind == BYTES:
            length, place = _number(content, place)
            if place + length > len(content):
                raise ValueError("cut off")
            yield key >> 3, content[place : place + length]
            place += length
        else:
            raise ValueError("no such kind of value")
    if place > len(content):
        raise ValueError("cut off")


def _number(content: bytes, place: int) -> tuple[int, int]:
    """A whole number, seven bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("a number without end")
