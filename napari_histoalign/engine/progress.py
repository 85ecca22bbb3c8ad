"""How far a run is, how fast it goes and how long it still takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Progress:
    """State of a run after a batch.

    Attributes
    ----------
    done, total
        Tiles embedded so far, those found in the store counted in, and tiles wanted.
    indices
        The tiles of this batch, shape (n,).
    tiles_per_second
        Rate of this run, read and embedded, without what the store held; 0 before the first batch.
    seconds_left
        At that rate; 0 when done.
    unread
        Tiles that could not be read so far.
    """

    done: int
    total: int
    indices: NDArray[np.int64]
    tiles_per_second: float
    seconds_left: float
    unread: int


class Stopwatch:
    """Counts tiles against the clock; clock jumps do not matter (monotonic).

    The rate weighs the recent past more, so that it follows a machine that gets
    busier, yet does not flicker: an exponential mean over about ten seconds.
    """

    MEMORY_SECONDS = 10.0

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self._tiles = 0.0
        self._seconds = 0.0

    def count(self, tiles: int) -> float:
        """Add `tiles` finished just now; return the rate in tiles a second."""
        now = time.monotonic()
        step = max(now - self._last, 1e-9)
        keep = 0.5 ** (step / self.MEMORY_SECONDS)
        self._tiles = self._tiles * keep + tiles
        self._seconds = self._seconds * keep + step
        self._last = now
        return self._tiles / self._seconds

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started


def duration(seconds: float) -> str:
    """Seconds in the two units that matter: ``"42 s"``, ``"3 min 05 s"``, ``"2 h 10 min"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
