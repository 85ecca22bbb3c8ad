"""A bounded store of decoded chunks, shared by the levels of a slide."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CACHE_BYTES = 384 * 2**20


class TileCache:
    """Decoded chunks, the least recently used dropped first; safe to use from several threads.

    Parameters
    ----------
    max_bytes
        Bound on the bytes held. A chunk larger than the bound is not kept.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._chunks: OrderedDict[tuple[int, int, int], NDArray[np.uint8]] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def get(self, key: tuple[int, int, int], read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return the chunk kept under `key`, or read it and keep it.

        Reading happens outside the lock: two threads may read the same chunk,
        but neither waits for the other. What `read` raises is passed on and
        nothing is kept, so a failed chunk is tried again the next time.
        """
        with self._lock:
            if key in self._chunks:
                self._chunks.move_to_end(key)
                return self._chunks[key]
        chunk = read()
        chunk.flags.writeable = False
        with self._lock:
            if key not in self._chunks and chunk.nbytes <= self._max_bytes:
                self._chunks[key] = chunk
                self._bytes += chunk.nbytes
                while self._bytes > self._max_bytes:
                    _, dropped = self._chunks.popitem(last=False)
                    self._bytes -= dropped.nbytes
        return chunk
