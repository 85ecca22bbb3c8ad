"""Where a person points and clicks on the canvas."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

STILL_PX = 4
"""A press that moves less than this is a click and no drag, in pixels of the canvas."""


class CanvasPointer:
    """Tells of moves and clicks on a viewer's canvas.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    moved
        Called after each move.
    clicked
        Called after a click with the main button and no other key, while the active layer lets the camera
        move (and is not drawn on).
    """

    def __init__(self, viewer: Any, moved: Callable[[], None], clicked: Callable[[], None]) -> None:
        self._viewer = viewer
        self._moved, self._clicked = moved, clicked
        viewer.mouse_move_callbacks.append(self._on_move)
        viewer.mouse_drag_callbacks.append(self._on_press)

    def close(self) -> None:
        """Tell nothing any more."""
        for callbacks, own in (
            (self._viewer.mouse_move_callbacks, self._on_move),
            (self._viewer.mouse_drag_callbacks, self._on_press),
        ):
            if own in callbacks:
                callbacks.remove(own)

    def _on_move(self, viewer: Any, event: Any) -> None:
        self._moved()

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """A press, what follows, and its release."""
        if event.button != 1 or tuple(event.modifiers) or not self._camera_moves():
            return
        start = tuple(event.pos)
        still = True
        yield
        while event.type == "mouse_move":
            still = still and math.dist(start, tuple(event.pos)) < STILL_PX
            yield
        if still and math.dist(start, tuple(event.pos)) < STILL_PX:
            self._clicked()

    def _camera_moves(self) -> bool:
        active = self._viewer.layers.selection.active
        return active is None or str(getattr(active, "mode", "pan_zoom")) == "pan_zoom"
