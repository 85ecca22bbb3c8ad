"""The scored tile under the cursor, told in the box and in napari's status line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_histoalign.plugin.inspector_facts import class_rows, status_text
from napari_histoalign.plugin.inspector_status import StatusLine
from napari_histoalign.plugin.marking_places import cursor_xy, tile_at

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.inspector_seams import ClassRow, InspectorView
    from napari_histoalign.plugin.jobs import Snapshot


class Hover:
    """Follows the cursor.

    Parameters
    ----------
    desk
        The whole.
    view
        The inspector's box.
    """

    def __init__(self, desk: Desk, view: InspectorView) -> None:
        self._desk, self._view = desk, view
        self._status = StatusLine(desk.viewer)
        self._shown: tuple[Snapshot, int] | None = None
        self._hidden = False

    def under_cursor(self) -> tuple[Snapshot, int] | None:
        """The scored tile under the cursor, if there is one."""
        snapshot, layer = self._desk.snapshot(), self._desk.slide_layer()
        if snapshot is None or layer is None:
            return None
        index = tile_at(snapshot.grid, cursor_xy(self._desk.viewer, layer))
        if index is None or snapshot.shown.position(index) is None:
            return None
        return snapshot, index

    def follow(self) -> None:
        """Show the probabilities of the tile under the cursor; within a tile nothing is shown again."""
        found = None if self._hidden else self.under_cursor()
        if found == self._shown:
            return
        self._shown = found
        rows: tuple[ClassRow, ...] = ()
        if found is not None:
            snapshot, index = found
            position = snapshot.shown.position(index)
            assert position is not None
            rows = class_rows(snapshot.shown, position)
        self._view.show_hover(rows)
        self._status.say(status_text(rows))

    def hide(self, hidden: bool) -> None:
        """Show nothing, or show it again."""
        self._hidden = hidden
        self.follow()

    def close(self) -> None:
        """Say nothing any more."""
        self._status.close()
