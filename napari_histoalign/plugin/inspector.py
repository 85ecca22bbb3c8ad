"""The tile under the cursor, and the tile that was chosen: what is known of them, and why; without Qt."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_histoalign.engine import DEFAULT_VIEWS
from napari_histoalign.engine.alike import most_alike
from napari_histoalign.plugin.gallery_pictures import Pictures, read_tile
from napari_histoalign.plugin.inspector_facts import (
    alike_thumbs,
    class_rows,
    reasons_for,
    refined_note,
    title_of,
    why,
)
from napari_histoalign.plugin.inspector_hover import Hover
from napari_histoalign.plugin.inspector_outline import TileOutline
from napari_histoalign.plugin.inspector_pointer import CanvasPointer

if TYPE_CHECKING:
    from napari_histoalign.alignment import Explanation
    from napari_histoalign.alignment.intervals import Interval
    from napari_histoalign.engine.alike import AlikeTiles
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.inspector_seams import InspectorView, Picture
    from napari_histoalign.plugin.jobs import Snapshot

KEY = "I"
ALIKE = 8
MOST_PX = 1024
"""A tile that is larger at level 0 is shown a little smaller."""
AROUND = 2
"""Side of the square that the camera goes to, in sides of the tile in its middle."""
WHY_SECONDS = 1.0
"""Reasons follow a run's scores so often."""
FRAME, PICTURE, WHY, LIKE = (f"inspector: {what}" for what in ("frame", "picture", "why", "alike"))


class Inspector:
    """Follows the cursor, and takes apart the tile that was clicked.

    Parameters
    ----------
    desk
        The whole.
    view
        The box.
    encoders
        Titles of the encoders, the pathology one first.
    views
        Names of the views that tiles are embedded in.
    """

    def __init__(
        self,
        desk: Desk,
        view: InspectorView,
        *,
        encoders: Callable[[], tuple[str, ...]] = tuple,
        views: Callable[[], tuple[str, ...]] = lambda: DEFAULT_VIEWS,
    ) -> None:
        self._desk, self._view = desk, view
        self._encoders, self._views = encoders, views
        self._pictures = Pictures(desk, "inspector: thumbnails", view)
        self._outline = TileOutline(desk.viewer)
        self._hover = Hover(desk, view)
        self._pointer = CanvasPointer(desk.viewer, self._hover.follow, self.inspect_under_cursor)
        self._index: int | None = None
        self._grid_key = ""
        self._class: int | None = None
        self._why: tuple[Snapshot, Explanation] | None = None
        self._interval: Interval | None = None
        self._hidden = False
        self._generation, self._asked = -1, 0.0
        desk.snapshot_shown.connect(self._on_snapshot)
        desk.slide_changed.connect(self._on_slide)
        desk.viewer.bind_key(KEY, self._on_key, overwrite=True)

    @property
    def index(self) -> int | None:
        """The tile that was chosen."""
        return self._index

    def inspect_under_cursor(self) -> None:
        """Choose the tile under the cursor; a place without scores changes nothing."""
        if (found := self._hover.under_cursor()) is not None:
            self.inspect(found[1])

    def inspect(self, index: int) -> None:
        """Choose a tile of the grid.

        Its probabilities are shown at once; its pixels, the reasons and the tiles most alike as they come.
        """
        snapshot, layer = self._desk.snapshot(), self._desk.slide_layer()
        if snapshot is None or layer is None or snapshot.shown.position(index) is None:
            return
        self._index, self._grid_key = index, snapshot.grid.key
        self._why = self._interval = None
        self._show(snapshot)
        self._view.show_picture(None)
        self._view.show_reasons(None, 0)
        # a new layer holds up the window for a while: after the numbers are on the screen
        frame = partial(self._outline.show, layer, snapshot.grid, index)
        self._desk.errands.ask(FRAME, lambda: None, lambda _: frame())
        self._ask_picture(snapshot, index)
        self._ask_why(snapshot, index)
        self._ask_alike(snapshot, index)

    def go_to(self, index: int) -> None:
        """Move the camera to a tile, and choose it."""
        snapshot = self._desk.snapshot()
        if snapshot is None or not 0 <= index < snapshot.grid.count:
            return
        go_to_tile(self._desk, snapshot, index)
        self.inspect(index)

    def explain_class(self, chosen: int) -> None:
        """Show the reasons of a class; of the most probable one where none was chosen."""
        self._class = chosen
        self._show_reasons()

    def hide_answers(self, hidden: bool) -> None:
        """Show no probability, reason or likeness while a person judges blindly."""
        self._hidden = hidden
        self._hover.hide(hidden)
        snapshot = self._desk.snapshot()
        if self._index is not None and snapshot is not None:
            self.inspect(self._index)

    def run_ended(self) -> None:
        """All tiles of a run are there: what depends on them is found once more."""
        snapshot = self._desk.snapshot()
        if self._index is not None and snapshot is not None:
            self._ask_why(snapshot, self._index)
            self._ask_alike(snapshot, self._index)

    def clear(self) -> None:
        """Choose no tile."""
        self._index = self._why = self._interval = self._class = None
        for key in (FRAME, PICTURE, WHY, LIKE):
            self._desk.errands.forget(key)
        self._pictures.show(())
        self._outline.hide()
        self._view.clear()

    def close(self) -> None:
        """Touch nothing any more."""
        self._pointer.close()
        self._hover.close()
        self._desk.snapshot_shown.disconnect(self._on_snapshot)
        self._desk.slide_changed.disconnect(self._on_slide)

    def _on_key(self, viewer: Any) -> None:
        self.inspect_under_cursor()

    def _on_slide(self, layer: Any) -> None:
        self.clear()
        self._hover.follow()

    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        """New scores: the same tile has other probabilities."""
        self._hover.follow()
        if self._index is None:
            return
        known = snapshot is not None and snapshot.grid.key == self._grid_key
        if snapshot is None or not known or snapshot.shown.position(self._index) is None:
            self.clear()
            return
        self._show(snapshot)
        # more tiles change the reasons little: they follow an edit at once, and a run from time to time
        edited = snapshot.scoring.generation != self._generation
        if edited or time.monotonic() > self._asked + WHY_SECONDS:
            self._ask_why(snapshot, self._index)

    def _show(self, snapshot: Snapshot) -> None:
        assert self._index is not None
        title = title_of(snapshot, self._index)
        if self._hidden:
            self._view.show_tile(title, (), "Answers are hidden while you judge.")
            return
        position = snapshot.shown.position(self._index)
        assert position is not None
        interval = self._interval
        if interval is not None and len(interval.low) != len(snapshot.shown.tiles.class_names):
            interval = None  # of other classes; its successor is on the way
        rows = class_rows(snapshot.shown, position, interval)
        self._view.show_tile(title, rows, refined_note(snapshot, self._index))

    def _ask_picture(self, snapshot: Snapshot, index: int) -> None:
        slide = self._desk.slide()
        if slide is not None:
            side = min(snapshot.grid.tile_px, MOST_PX)
            work = partial(read_tile, slide, snapshot.grid, index, side)
            self._desk.errands.ask(PICTURE, work, self._on_picture)

    def _on_picture(self, picture: Picture | str) -> None:
        if isinstance(picture, str):
            self._desk.say(picture, error=True)
        else:
            self._view.show_picture(picture)

    def _ask_why(self, snapshot: Snapshot, index: int) -> None:
        self._generation, self._asked = snapshot.scoring.generation, time.monotonic()
        if not self._hidden:
            work = partial(why, snapshot, index)
            self._desk.errands.ask(WHY, work, partial(self._on_why, snapshot))

    def _on_why(self, snapshot: Snapshot, found: tuple[Explanation, Interval] | None) -> None:
        if found is not None and not self._hidden:
            self._why, self._interval = (snapshot, found[0]), found[1]
            self._show(snapshot)
            self._show_reasons()

    def _show_reasons(self) -> None:
        if self._why is None:
            return
        snapshot, explanation = self._why
        classes = snapshot.scored.prompts.class_names
        chosen = self._class
        if chosen is None or not 0 <= chosen < len(classes):
            chosen = int(explanation.logits.argmax())
        reasons = reasons_for(explanation, snapshot.scored.prompts, chosen, self._encoders(), self._views())
        self._view.show_reasons(reasons, chosen)

    def _ask_alike(self, snapshot: Snapshot, index: int) -> None:
        if self._hidden:
            self._pictures.show(())
            return
        work = partial(most_alike, snapshot.scored, index, ALIKE)
        self._desk.errands.ask(LIKE, work, partial(self._on_alike, snapshot))

    def _on_alike(self, snapshot: Snapshot, found: AlikeTiles | None) -> None:
        if found is None or self._hidden:
            return
        self._pictures.show(alike_thumbs(snapshot, found), snapshot.grid)


def go_to_tile(desk: Desk, snapshot: Snapshot, index: int) -> None:
    """Move the camera to a tile and what is around it."""
    grid = snapshot.grid
    x, y = grid.xy([index])[0].tolist()
    desk.go_to(x + grid.tile_px / 2, y + grid.tile_px / 2, AROUND * grid.tile_px)
