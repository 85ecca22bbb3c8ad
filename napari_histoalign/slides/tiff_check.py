"""Whether a TIFF is all there, found out without decoding a pixel."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

STRIP_OFFSETS, STRIP_COUNTS, TILE_OFFSETS, TILE_COUNTS, SUB_IFDS, NDPI_FORMAT = 273, 279, 324, 325, 330, 65420
MOST_IFDS = 256
INTEGERS = {3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
"""Of TIFF's types those that offsets, counts and directories have: numpy's names for them."""


def missing_bytes(path: Path) -> int:
    """How many bytes a TIFF refers to beyond its end; 0 if it is whole.

    Libraries open a file that was cut short in copying as long as its directory
    is there, and fail, or show less of it, in the middle of the work. So the
    directories' and pixels' places are compared with the file's size. NDPI, whose
    offsets are of a kind of their own, and what makes no sense here are left to
    the libraries: for them the answer is 0.

    Parameters
    ----------
    path
        A file that begins like a TIFF.
    """
    size = path.stat().st_size
    if path.suffix.lower() == ".ndpi":
        return 0
    try:
        with path.open("rb") as file:
            return max(0, max(_ends(file, size), default=0) - size)
    except (struct.error, ValueError, KeyError, MemoryError):
        return 0


def _ends(file: BinaryIO, size: int) -> Iterator[int]:
    """Ends of everything that the directories refer to."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]]
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    todo = [struct.unpack(order + "Q", head[8:16])[0] if big else struct.unpack(order + "I", head[4:8])[0]]
    seen: set[int] = set()
    while todo and len(seen) < MOST_IFDS:
        place = todo.pop()
        if place == 0 or place in seen:
            continue
        seen.add(place)
        if place >= size:
            yield place + 1
            continue
        tags, following = _directory(file, place, order, big)
        if NDPI_FORMAT in tags:
            return
        todo += [following, *tags.get(SUB_IFDS, ())]
        for offsets, counts in ((STRIP_OFFSETS, STRIP_COUNTS), (TILE_OFFSETS, TILE_COUNTS)):
            if offsets in tags and len(tags[offsets]) == len(tags.get(counts, ())):
                where, length = np.array(tags[offsets], np.int64), np.array(tags[counts], np.int64)
                yield int((where + length)[length > 0].max(initial=0))


def _directory(file: BinaryIO, place: int, order: str, big: bool) -> tuple[dict[int, list[int]], int]:
    """Integer tags of interest of one directory, and the place of the next."""
    count_format, entry, next_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    file.seek(place)
    head = file.read(struct.calcsize(count_format))
    (number,) = struct.unpack(order + count_format, head)
    if number > 4096:
        raise ValueError("this is no directory")
    table = file.read(number * entry)
    (following,) = struct.unpack(order + next_format, file.read(struct.calcsize(next_format)))
    tags: dict[int, list[int]] = {}
    for i in range(number):
        code, kind = struct.unpack_from(order + "HH", table, i * entry)
        if code == NDPI_FORMAT:
            tags[code] = []
        if (
            code not in (STRIP_OFFSETS, STRIP_COUNTS, TILE_OFFSETS, TILE_COUNTS, SUB_IFDS)
            or kind not in INTEGERS
        ):
            continue
        dtype = np.dtype(order + INTEGERS[kind])
        (values,) = struct.unpack_from(order + ("Q" if big else "I"), table, i * entry + 4)
        inline = i * entry + (12 if big else 8)
        length = values * dtype.itemsize
        if length <= (8 if big else 4):
            data = table[inline : inline + length]
        else:
            file.seek(struct.unpack_from(order + ("Q" if big else "I"), table, inline)[0])
            data = file.read(length)
        tags[code] = np.frombuffer(data, dtype).tolist()
    return tags, following
