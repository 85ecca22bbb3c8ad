"""The features of a GeoJSON file one after the other: of a million, few are in memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

CHUNK_BYTES = 1 << 20
"""Read at a time, at least."""
SPACE = re.compile(r"[ \t\n\r]*")
ENDS = frozenset(" \t\n\r,:]}")
"""What can stand behind a value."""


class TooLargeError(Exception):
    """There is more text than is read."""


def entries(file: IO[bytes], most_bytes: int) -> Iterator[Any]:
    """Features of a collection, or whatever a list holds, one by one; or a single feature or geometry.

    Parameters
    ----------
    file
        UTF-8, with or without a byte order mark.
    most_bytes
        Read before it is given up.

    Raises
    ------
    ValueError
        It is no JSON, or no GeoJSON; also after entries that were whole.
    TooLargeError
        There are more bytes.
    """
    text = _Text(file, most_bytes)
    opening = text.peek()
    if opening == "[":
        yield from text.items()
    elif opening == "{":
        yield from _collection(text)
    else:
        raise ValueError("it is neither a list nor an object")
    text.end()


def _collection(text: _Text) -> Iterator[Any]:
    """Entries of ``features`` as they come; else the object as a whole, if it is a feature or a geometry."""
    plain: dict[str, Any] = {}
    streamed = False
    for key in text.members():
        if key == "features" and text.peek() == "[":
            streamed = True
            yield from text.items()
        else:
            plain[key] = text.value()
    if streamed and plain.get("type") != "FeatureCollection":
        raise ValueError("it has features, but does not say that it is a FeatureCollection")
    if not streamed:
        if plain.get("type") != "Feature" and not {"coordinates", "geometries"} & plain.keys():
            raise ValueError("it holds no features")
        yield plain


class _Text:
    """JSON text of which only a part is in memory."""

    def __init__(self, file: IO[bytes], most_bytes: int) -> None:
        self._file, self._left = file, most_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._parse = json.JSONDecoder().raw_decode
        self._buffer, self._at, self._ended = "", 0, False

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            found = SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer) or self._ended:
                return self._buffer[self._at : self._at + 1]
            self._more()

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                found, end = self._parse(self._buffer, self._at)
            except ValueError:
                if self._ended:
                    raise
            else:
                # a number may go on: 0 may become 0.5
                if self._ended or self._buffer[end : end + 1] in ENDS:
                    self._at = end
                    return found
            self._more()

    def items(self) -> Iterator[Any]:
        """Entries of the list that begins here."""
        self._take("[")
        if self.peek() == "]":
            return self._take("]")
        while True:
            yield self.value()
            if self.peek() == "]":
                return self._take("]")
            self._take(",")

    def members(self) -> Iterator[str]:
        """Keys of the object that begins here; whoever asks takes the value of each."""
        self._take("{")
        if self.peek() == "}":
            return self._take("}")
        while True:
            if self.peek() != '"':
                self._refuse("a key")
            key = self.value()
            self._take(":")
            yield key
            if self.peek() == "}":
                return self._take("}")
            self._take(",")

    def end(self) -> None:
        """Nothing but space follows."""
        if self.peek():
            self._refuse("the end")

    def _take(self, character: str) -> None:
        if self.peek() != character:
            self._refuse(repr(character))
        self._at += 1

    def _refuse(self, wanted: str) -> None:
        raise ValueError(f"{wanted} was expected, and there is {self.peek()!r}")

    def _more(self) -> None:
        """Forget what was taken and read on, the more, the longer the value is that has not ended yet."""
        waiting = len(self._buffer) - self._at
        raw = self._file.read(min(max(CHUNK_BYTES, waiting), self._left + 1))
        if len(raw) > self._left:
            raise TooLargeError
        self._left -= len(raw)
        self._ended = not raw
        self._buffer = self._buffer[self._at :] + self._decoder.decode(raw, final=self._ended)
        self._at = 0
