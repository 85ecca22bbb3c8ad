"""Marking tiles by keys, strokes and drawn areas; without Qt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_histoalign.plugin.geometry import RegionError, shapes_geometry
from napari_histoalign.plugin.marking_places import (
    cursor_xy,
    model_says,
    scored_only,
    targets,
    tile_at,
    tiles_along,
)
from napari_histoalign.plugin.marking_seams import CLEAR_KEY, MarkView
from napari_histoalign.plugin.marking_shown import ShownMarks
from napari_histoalign.plugin.marking_stroke import Stroke
from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.results.review import Act, Label, Reviewer, ReviewState, TileTarget

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.plugin.marking_draw import DrawLayer
    from napari_histoalign.plugin.marking_keys import CanvasKeys
    from napari_histoalign.plugin.review_book import ReviewBook

KEYS = "marking"
NO_RUN = "Run on the view first: marks belong to the tiles of a run."


class Marking:
    """Marks tiles of the slide that is shown.

    Parameters
    ----------
    desk, view, book
        The dock, the box of marks, and the review that marks are written to.
    keys, draw
        Shared with reviewing.
    clock
        Seconds that only go forward.
    """

    def __init__(
        self,
        desk: Desk,
        view: MarkView,
        book: ReviewBook,
        keys: CanvasKeys,
        draw: DrawLayer,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk, self._view, self._book = desk, view, book
        self._keys, self._draw = keys, draw
        self._stroke = Stroke(desk.viewer, clock)
        self._marks = ShownMarks(desk, view, book)
        self._with_keys = self._drawing = False
        self._about: object = None
        desk.snapshot_shown.connect(self._on_snapshot)
        desk.slide_changed.connect(self._on_slide)
        book.changed.connect(self._marks.refresh)
        self._on_slide(desk.slide_layer())

    def close(self) -> None:
        """Let go of the viewer."""
        self._stroke.end()
        self._draw.stop()
        self._desk.snapshot_shown.disconnect(self._on_snapshot)
        self._desk.slide_changed.disconnect(self._on_slide)
        self._book.changed.disconnect(self._marks.refresh)
        self._keys.drop(KEYS)
        self._marks.close()

    # switches

    def use_keys(self, on: bool) -> None:
        """Mark with keys: ``1`` to ``9``, ``U``, ``X``, Backspace, and undo."""
        self._with_keys = on
        self._bind()
        if on:
            self._desk.say("Point at a tile and press the number of its class; hold it to mark a stroke.")

    def use_examples(self, on: bool) -> None:
        """Whether marks are examples for few-shot."""
        self._marks.examples = on
        self._marks.send()
        self._show_modes()

    def draw(self, on: bool) -> None:
        """Draw areas with a lasso: tiles whose middle lies in one are marked with the chosen label."""
        slide = self._desk.slide_layer()
        if on and (slide is None or self._desk.snapshot() is None):
            self._desk.say(NO_RUN, error=True)
            on = False
        if on:
            chosen = self._marks.chosen or next(iter(self._marks.labels().values()))
            self._draw.start(slide, self._marks.color(chosen), self._on_drawn, self._on_drawing_ended)
            self._drawing = True
            self.choose(chosen)
        elif self._drawing:
            self._draw.stop()
        self._bind()

    def choose(self, label: Label) -> None:
        """Choose the label to draw with."""
        self._marks.chosen = label
        if self._drawing:
            self._draw.set_color(self._marks.color(label))
            self._desk.say(f"Drag around an area to mark its tiles as {label}.")
        self._marks.show_rows()

    def show_own_only(self, on: bool) -> None:
        """Hide what others marked, as long as a person answers blinded."""
        self._marks.own_only = on
        self._marks.refresh()

    # acts

    def mark_cursor(self, label: Label | None) -> None:
        """Mark the tile under the cursor, or those in the shapes that are selected; None: take marks off."""
        shown, slide = self._desk.snapshot(), self._desk.slide_layer()
        if shown is None or slide is None:
            self._desk.say(NO_RUN, error=True)
            return
        selected = self._selected_shapes()
        if selected is not None:
            try:
                self._mark_area(shapes_geometry(selected, slide), label)
            except RegionError as err:
                self._desk.say(str(err), error=True)
            return
        tile = tile_at(shown.grid, cursor_xy(self._desk.viewer, slide))
        if tile is None:
            self._desk.say("There is no tile under the cursor.")
            return
        self._mark(shown, [tile], label)

    def held(self, label: Label | None) -> Iterator[None]:
        """What a key does while it is held: mark the tile under the cursor, and those it is moved over."""
        slide = self._desk.slide_layer()
        self._stroke.end()
        if slide is not None and self._desk.snapshot() is not None and self._selected_shapes() is None:
            viewer = self._desk.viewer
            self._stroke.start(lambda: cursor_xy(viewer, slide), partial(self._on_stroke, label))
        self.mark_cursor(label)
        yield
        self._stroke.end()

    def undo(self) -> None:
        """Take the last gesture back."""
        self._stroke.end()
        self._book.undo()

    def redo(self) -> None:
        """Take the last undo back."""
        self._stroke.end()
        self._book.redo()

    def _on_stroke(self, label: Label | None, start: tuple[float, float], end: tuple[float, float]) -> None:
        shown = self._desk.snapshot()
        if shown is None:
            self._stroke.end()
            return
        self._mark(shown, tiles_along(shown.grid, start, end), label)

    def _on_drawn(self, area: Any) -> None:
        self._mark_area(area, self._marks.chosen)

    def _on_drawing_ended(self) -> None:
        self._drawing = False
        self._bind()

    def _mark_area(self, area: Any, label: Label | None) -> None:
        """Mark the scored tiles in an area; tiles of bare glass in it are nobody's example."""
        shown = self._desk.snapshot()
        if shown is None:
            self._desk.say(NO_RUN, error=True)
            return
        tiles = scored_only(shown.shown, shown.grid.inside(area))
        if not len(tiles):
            self._desk.say("There is no scored tile in that area: run on it first.", error=True)
        elif self._mark(shown, tiles.tolist(), label) and label is not None:
            self._desk.say(f"{len(tiles):,} tiles marked as {label}.")

    def _mark(self, shown: Snapshot, tiles: Iterable[int], label: Label | None) -> bool:
        found, gesture = targets(shown.grid, tiles), self._stroke.gesture

        def said(target: object) -> dict[str, Any] | None:
            assert isinstance(target, TileTarget)
            return model_says(shown.shown, target.index)

        def acts(who: Reviewer, state: ReviewState) -> tuple[Act, ...]:
            made = who.unmark(state, found) if label is None else who.mark(state, found, label, model=said)
            return tuple(replace(a, gesture=gesture) for a in made) if gesture else made

        return self._book.do(acts)

    def _selected_shapes(self) -> Any:
        """The person's own shapes layer, if it is active and shapes of it are selected."""
        from napari.layers import Shapes

        active = self._desk.viewer.layers.selection.active
        own = isinstance(active, Shapes) and METADATA_KEY not in active.metadata
        return active if own and active.selected_data else None

    def _bind(self) -> None:
        """Keys of what is switched on."""
        self._stroke.end()
        labels = self._marks.labels()
        actions: dict[str, Callable[[], Any]] = {}
        if self._drawing:
            actions = {key: partial(self.choose, label) for key, label in labels.items()}
        elif self._with_keys:
            for key, label in (*labels.items(), (CLEAR_KEY, None)):
                actions[key] = _held(self, label)
        if actions:
            actions |= {"Ctrl+Z": self.undo, "Ctrl+Shift+Z": self.redo}
            self._keys.use(KEYS, actions, drawing=frozenset(labels))
        else:
            self._keys.drop(KEYS)
        self._show_modes()

    def _show_modes(self) -> None:
        self._view.show_modes(keys=self._with_keys, drawing=self._drawing, examples=self._marks.examples)

    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        """Classes may have been renamed, moved or taken out; scores alone change nothing here."""
        about = None if snapshot is None else (snapshot.grid.key, tuple(self._marks.colors().items()))
        if about != self._about:
            self._about = about
            if self._marks.chosen not in self._marks.labels().values():
                self._marks.chosen = None
            self._bind()
            self._marks.refresh()

    def _on_slide(self, layer: Any) -> None:
        if self._drawing:
            self.draw(False)
        self._marks.move_to(layer)
        self._bind()
        self._marks.refresh()


def _held(marking: Marking, label: Label | None) -> Callable[[], Iterator[None]]:
    """A generator function, which napari goes on with when the key is let go."""

    def key() -> Iterator[None]:
        yield from marking.held(label)

    return key
