"""What to embed next: tiles in view first, then what was asked for before."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class TileQueue:
    """Tiles that wait, in two lines: those in view, and the rest.

    The first line is replaced whenever somebody looks elsewhere; tiles that left the view wait in the second
    line if they were asked for there too, and are forgotten otherwise. Any thread may call any method.

    Parameters
    ----------
    rest
        Tiles of the second line, in the order in which they are wanted.
    """

    def __init__(self, rest: Iterable[int] = ()) -> None:
        self._lock = threading.Lock()
        self._view: dict[int, None] = {}  # ordered, and quick to ask
        self._rest: dict[int, None] = dict.fromkeys(int(i) for i in rest)
        self._taken: set[int] = set()
        self._done = 0

    def look_at(self, tiles: NDArray[np.int64]) -> None:
        """Put these in front, in this order, in place of what was in view before."""
        with self._lock:
            self._view = dict.fromkeys(tiles.tolist())

    def add(self, tiles: NDArray[np.int64]) -> None:
        """Add tiles to the end of the second line; those that stand in it keep their place."""
        with self._lock:
            self._rest.update(dict.fromkeys(t for t in tiles.tolist() if t not in self._taken))

    def clear(self) -> None:
        """Forget all that waits."""
        with self._lock:
            self._view.clear()
            self._rest.clear()

    def take(self, most: int) -> NDArray[np.int64]:
        """The next tiles, at most so many and of one line; empty where none waits.

        They stay in line until `finish` or `give_back`, but nobody else gets them.
        """
        with self._lock:
            for line in (self._view, self._rest):
                found = []
                for tile in line:
                    if tile not in self._taken:
                        found.append(tile)
                        if len(found) == most:
                            break
                if found:
                    self._taken.update(found)
                    return np.array(found, np.int64)
        return np.empty(0, np.int64)

    def wanted(self, tiles: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some tiles still wait in a line, shape (n,)."""
        with self._lock:
            return np.array([t in self._view or t in self._rest for t in tiles.tolist()], bool)

    def finish(self, tiles: NDArray[np.int64]) -> None:
        """These are done: nobody waits for them any more."""
        with self._lock:
            for tile in tiles.tolist():
                waited = [line.pop(tile, 0) is None for line in (self._view, self._rest)]
                self._done += any(waited)
                self._taken.discard(tile)

    def credit(self, tiles: int) -> None:
        """Count tiles as done that had been embedded before they were asked for."""
        with self._lock:
            self._done += tiles

    def give_back(self, tiles: NDArray[np.int64]) -> None:
        """These were taken and not done: whoever still wants them gets them again."""
        with self._lock:
            self._taken.difference_update(tiles.tolist())

    @property
    def done(self) -> int:
        """Tiles finished so far, credited ones counted in."""
        return self._done

    @property
    def left(self) -> int:
        """Tiles that wait or are being worked on."""
        with self._lock:
            return len(self._view.keys() | self._rest.keys())
