"""A key that is held while the cursor moves: one stroke over many tiles."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_histoalign.plugin.marking_places import Point

PAUSE_S = 2.0
"""A key that is held so long without moving is taken to be let go: its release may have gone astray."""


class Stroke:
    """Follows the cursor between a key's press and its release.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    clock
        Seconds that only go forward.

    Attributes
    ----------
    gesture
        Id that acts of the stroke share; empty while there is none.
    """

    def __init__(self, viewer: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._viewer, self._clock = viewer, clock
        self._where: Callable[[], Point]
        self._over: Callable[[Point, Point], Any]
        self._last: tuple[Point, float]
        self.gesture = ""

    def start(self, where: Callable[[], Point], over: Callable[[Point, Point], Any]) -> None:
        """A key was pressed.

        Parameters
        ----------
        where
            Tells where the cursor is.
        over
            Is told of each movement: from where, to where.
        """
        self.end()
        self._where, self._over = where, over
        self._last = where(), self._clock()
        self.gesture = str(uuid.uuid4())
        self._viewer.cursor.events.position.connect(self._on_move)

    def end(self) -> None:
        """The key was let go."""
        if self.gesture:
            self.gesture = ""
            self._viewer.cursor.events.position.disconnect(self._on_move)

    def _on_move(self, event: Any = None) -> None:
        (before, then), now = self._last, self._clock()
        if now - then > PAUSE_S:
            self.end()
            return
        place = self._where()
        self._last = place, now
        self._over(before, place)
