"""What napari's status line says of the tile under the cursor."""

from __future__ import annotations

from typing import Any


class StatusLine:
    """Adds words to whatever napari says in its status line.

    napari finds its own text in a thread of its own, some time after each move of the cursor; words that were
    simply set would be gone then.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._words = ""
        self._base: Any = viewer.status
        self._written: Any = None
        # after napari's own, which shows what this one has changed
        viewer.events.status.connect(self._on_status, position="last")

    def say(self, words: str) -> None:
        """Add words; empty adds none."""
        if words != self._words:
            self._words = words
            self._write()

    def close(self) -> None:
        """Add nothing any more."""
        self._viewer.events.status.disconnect(self._on_status)

    def _on_status(self, event: Any) -> None:
        if event.value != self._written:
            self._base = event.value
            if self._words:
                self._write()

    def _write(self) -> None:
        self._written = _with(self._base, self._words)
        self._viewer.status = self._written


def _with(base: Any, words: str) -> Any:
    """The text of napari, or its parts, with more words at the end."""
    if not words:
        return base
    if isinstance(base, dict):
        said = base.get("coordinates", "")
        return {**base, "coordinates": f"{said}   {words}" if said else words}
    return f"{base}   {words}" if base and base != "Ready" else words
