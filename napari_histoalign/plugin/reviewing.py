"""Reviewing what the model says, region by region or blinded tile by tile; without Qt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_histoalign.plugin.marking_places import targets
from napari_histoalign.plugin.marking_seams import labels_of
from napari_histoalign.plugin.review_agreement import agreement_lines
from napari_histoalign.plugin.review_blind_walk import BlindWalk
from napari_histoalign.plugin.review_outline import OutlineLayer
from napari_histoalign.plugin.review_page import Mode, ReviewPage, ReviewView
from napari_histoalign.plugin.review_region_walk import RegionWalk
from napari_histoalign.results.review import AreaTarget, Label, TileTarget

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.plugin.marking_draw import DrawLayer
    from napari_histoalign.plugin.marking_keys import CanvasKeys
    from napari_histoalign.plugin.review_book import ReviewBook

KEYS, RANK = "reviewing", 1
AGREEMENT = "agreement"


class Reviewing:
    """Which kind of review is on, and what its buttons and keys do.

    Parameters
    ----------
    desk, view, book
        The dock, the box of reviewing, and the review.
    keys, draw
        Shared with marking.

    Attributes
    ----------
    blinded_changed
        Emits whether the model's answers have to be hidden from now on.
    """

    blinded_changed = Signal(bool)

    def __init__(
        self, desk: Desk, view: ReviewView, book: ReviewBook, keys: CanvasKeys, draw: DrawLayer
    ) -> None:
        self._desk, self._view, self._book, self._keys = desk, view, book, keys
        self._outline = OutlineLayer(desk.viewer)
        self.regions = RegionWalk(desk, book, self._outline, draw, self._show)
        self.tiles = BlindWalk(desk, book, self._outline, self._show)
        self._mode: Mode = "off"
        self._classes: tuple[tuple[str, str], ...] = ()
        desk.snapshot_shown.connect(self._on_snapshot)
        desk.slide_changed.connect(self._on_slide)
        desk.viewer.scene.camera.events.zoom.connect(self._on_zoom)
        book.changed.connect(self._on_book)
        self._on_snapshot(desk.snapshot())
        self._on_book()
        self._show()

    def close(self) -> None:
        """Let go of the viewer."""
        self.stop()
        self._desk.snapshot_shown.disconnect(self._on_snapshot)
        self._desk.slide_changed.disconnect(self._on_slide)
        self._desk.viewer.scene.camera.events.zoom.disconnect(self._on_zoom)
        self._book.changed.disconnect(self._on_book)
        self._desk.errands.forget(AGREEMENT)

    @property
    def mode(self) -> Mode:
        """What is reviewed."""
        return self._mode

    @property
    def blinded(self) -> bool:
        """Whether the model's answers have to be hidden."""
        return self._mode == "blinded"

    def start(self, mode: Mode) -> None:
        """Review regions, or tiles blinded."""
        if mode == self._mode:
            return
        self.stop()
        if mode == "off":
            return
        if self._desk.snapshot() is None:
            self._desk.say("Run on the slide first: there is nothing to review.", error=True)
            self._show()
            return
        self._mode = mode
        self._bind()
        if mode == "blinded":
            self.blinded_changed.emit(True)
            self.tiles.start()
        else:
            self.regions.start()

    def stop(self) -> None:
        """Review nothing."""
        was, self._mode = self._mode, "off"
        if was == "regions":
            self.regions.stop()
        elif was == "blinded":
            self.tiles.stop()
            self.blinded_changed.emit(False)
        self._keys.drop(KEYS)
        self._show()

    def set_threshold(self, threshold: float) -> None:
        """Least probability of a tile that belongs to a region."""
        self.regions.threshold = threshold
        if self._mode == "regions":
            self.regions.refresh()

    def set_filter(self, class_name: str, least_tiles: int) -> None:
        """Review regions of one class ("" for all), and of some size."""
        self.regions.class_name, self.regions.least_tiles = class_name, least_tiles
        if self._mode == "regions":
            self.regions.start()

    def set_blind(self, count: int, seed: int) -> None:
        """How many tiles are asked about, and in which order."""
        self.tiles.count, self.tiles.seed = count, seed
        if self._mode == "blinded":
            self.tiles.stop()
            self.tiles.start()

    def accept(self) -> None:
        """The region is right."""
        if self._mode == "regions":
            self.regions.accept()

    def reject(self) -> None:
        """The region is wrong."""
        if self._mode == "regions":
            self.regions.reject()

    def reopen(self) -> None:
        """The region is left open again."""
        if self._mode == "regions":
            self.regions.reopen()

    def redraw(self) -> None:
        """The region gets another outline."""
        if self._mode == "regions":
            self.regions.redraw()

    def label(self, label: Label) -> None:
        """Give the region another class, or answer what the tile is."""
        if self._mode == "blinded":
            self.tiles.answer(label)
        elif self._mode == "regions" and label.name:
            self.regions.relabel(label.name)

    def next(self) -> None:
        """Look at the next."""
        self.step(1)

    def previous(self) -> None:
        """Look at the one before."""
        self.step(-1)

    def comment(self, text: str) -> bool:
        """Write a comment on what is looked at, or on the slide. Returns whether it was written."""
        item = self.regions.current if self._mode == "regions" else None
        target: AreaTarget | TileTarget | None = None if item is None else item.target
        snapshot, tile = self._desk.snapshot(), self.tiles.current if self.blinded else None
        if snapshot is not None and tile is not None:
            target = targets(snapshot.grid, [tile])[0]
        hidden = self.blinded
        done = self._book.do(lambda who, state: [who.comment(target, text)], blinded=hidden)
        if done:
            what = {"regions": "region", "blinded": "tile"}.get(self._mode if target else "off", "slide")
            self._desk.say(f"Comment on the {what} kept.")
        return done

    def undo(self) -> None:
        """Take the last gesture back, and look at what it was about."""
        if self._book.undo() and self._mode == "regions":
            acts = {act.id: act for act in self._book.acts}
            undone = acts[self._book.acts[-1].refers]
            if isinstance(undone.target, AreaTarget):
                self.regions.go(undone.target.uuid)

    def redo(self) -> None:
        """Take the last undo back."""
        self._book.redo()

    def step(self, by: int) -> None:
        """Look at the next, or the one before."""
        if self._mode == "regions":
            self.regions.step(by)
        elif self._mode == "blinded":
            self.tiles.step(by)

    def _show(self) -> None:
        if self._mode == "off":
            self._view.show_page(ReviewPage())
        else:
            self._view.show_page((self.regions if self._mode == "regions" else self.tiles).page())

    def _bind(self) -> None:
        if self._mode == "off":
            return
        names = [name for name, _ in self._classes]
        actions: dict[str, Callable[[], Any]] = {
            key: partial(self.label, label)
            for key, label in labels_of(names).items()
            if label.name or self._mode == "blinded"
        }
        actions |= {
            "N": self.next,
            "Right": self.next,
            "P": self.previous,
            "Left": self.previous,
            "Ctrl+Z": self.undo,
            "Ctrl+Shift+Z": self.redo,
        }
        if self._mode == "regions":
            actions |= {"A": self.accept, "R": self.reject, "D": self.redraw}
        self._keys.use(KEYS, actions, rank=RANK)

    def _on_book(self) -> None:
        self._view.show_reviewer(self._book.who)
        state, names = self._book.state, [name for name, _ in self._classes]
        self._desk.errands.ask(AGREEMENT, lambda: agreement_lines(state, names), self._view.show_agreement)
        if self._mode == "regions":
            self.regions.show()
        else:
            self._show()

    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        classes = () if snapshot is None else snapshot.scoring.prompts.classes
        found = tuple((c.name, c.color) for c in classes)
        if found != self._classes:
            self._classes = found
            self._view.show_classes(found)
            self._bind()
        if snapshot is None:
            self.stop()
        elif self._mode == "regions":
            self.regions.refresh()

    def _on_slide(self, layer: Any) -> None:
        self.stop()
        self.regions.forget()

    def _on_zoom(self, event: Any = None) -> None:
        self._outline.thicken()
