"""Segments (tiles or strips) of a TIFF, read lazily from any number of threads."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SharedFile:
    """A file that several threads read at once; closed when nobody holds it any more."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._lock = threading.Lock()

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)

    def read(self, offset: int, count: int) -> bytes:
        """Read `count` bytes.

        Raises
        ------
        EOFError
            The file ends before.
        """
        data = self._read(offset, count)
        if len(data) != count:
            raise EOFError(f"the file ends {count - len(data)} bytes too early")
        return data

    def _read(self, offset: int, count: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._fd, count, offset)
        with self._lock:  # Windows has no read at an offset
            os.lseek(self._fd, offset, os.SEEK_SET)
            return os.read(self._fd, count)


class SegmentCache:
    """Decoded segments, the least recently used of which go first.

    Parameters
    ----------
    limit
        Bytes kept; a single larger segment is kept alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._segments: OrderedDict[Hashable, NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """The segment of `key`, made by `make` if it is not held. It must not be written to."""
        with self._lock:
            if key in self._segments:
                self._segments.move_to_end(key)
                return self._segments[key]
        segment = make()  # outside the lock: threads decode side by side
        with self._lock:
            if key not in self._segments:
                self._segments[key] = segment
                self._held += segment.nbytes
            while self._held > self._limit and len(self._segments) > 1:
                self._held -= self._segments.popitem(last=False)[1].nbytes
        return segment

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._segments.clear()
            self._held = 0
