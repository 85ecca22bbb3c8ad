"""Galleries: the most certain, uncertain and contested tiles of each class; without Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from napari_histoalign.plugin.gallery_picks import Wish, pick
from napari_histoalign.plugin.gallery_pictures import Pictures
from napari_histoalign.plugin.inspector_facts import class_rows, status_text
from napari_histoalign.plugin.inspector_seams import Thumb, ThumbView

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.gallery_picks import Picked
    from napari_histoalign.plugin.jobs import Snapshot

PICK = "gallery: pick"


class GalleryView(ThumbView, Protocol):
    """What the gallery needs of its box."""

    def show_classes(self, names: Sequence[str], colors: Sequence[str]) -> None:
        """Offer classes."""

    def show_state(self, sentence: str, *, stale: bool) -> None:
        """Say what is shown, and whether the scores have changed since."""

    def in_sight(self) -> bool:
        """Whether anybody can see it."""


class Gallery:
    """Finds tiles worth a look, when asked or after a run.

    Parameters
    ----------
    desk
        The whole.
    view
        The box.
    choose
        Called with a tile of the grid that was chosen: goes there.
    """

    def __init__(self, desk: Desk, view: GalleryView, choose: Callable[[int], None]) -> None:
        self._desk, self._view, self._choose = desk, view, choose
        self._pictures = Pictures(desk, "gallery: thumbnails", view)
        self._wish = Wish()
        self._shown: Snapshot | None = None
        self._classes: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._hidden = False
        self._due = False  # a run ended that nobody looked at
        desk.snapshot_shown.connect(self._on_snapshot)

    def wish(self, wish: Wish) -> None:
        """Show something else."""
        self._wish = wish
        self.refresh()

    def refresh(self) -> None:
        """Pick tiles by the scores there are now."""
        self._due = False
        snapshot = self._desk.snapshot()
        if self._hidden:
            self._empty("Answers are hidden while you judge.")
        elif snapshot is None or not len(snapshot.shown.indices):
            self._empty("Run first: there are no scores yet.")
        else:
            self._shown, wish = snapshot, self._wish
            if wish.chosen is not None and wish.chosen >= len(snapshot.scoring.prompts.classes):
                wish = Wish(wish.kind)  # the class is gone
            self._pictures.stop()
            self._view.show_state("Looking for tiles ...", stale=False)
            done = partial(self._on_picked, snapshot, wish)
            self._desk.errands.ask(PICK, partial(pick, snapshot, wish), done)

    def run_ended(self) -> None:
        """All tiles of a run are there."""
        self._due = True
        self.came_into_sight()

    def came_into_sight(self) -> None:
        """Somebody looks: show something if nothing is shown, or a run has ended since."""
        if self._view.in_sight() and (self._due or self._shown is None):
            self.refresh()

    def go_to(self, index: int) -> None:
        """Go to a tile that was chosen."""
        self._choose(index)

    def hide_answers(self, hidden: bool) -> None:
        """Show no tiles by what the model says of them, while a person judges blindly."""
        self._hidden = hidden
        self.refresh()

    def close(self) -> None:
        """Touch nothing any more."""
        self._desk.snapshot_shown.disconnect(self._on_snapshot)

    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            self._empty("Run first: there are no scores yet.")
            return
        prompts = snapshot.scoring.prompts
        classes = prompts.class_names, prompts.colors
        if classes != self._classes:
            self._classes = classes
            self._view.show_classes(*classes)
        if self._shown is None:
            return
        if snapshot.grid.key != self._shown.grid.key:
            self._empty("The tiles have changed: refresh.")
        elif snapshot is not self._shown:
            self._view.show_state("The scores have changed since: refresh.", stale=True)

    def _on_picked(self, snapshot: Snapshot, wish: Wish, picked: Picked) -> None:
        shown = snapshot.shown
        thumbs = []
        for index, value in zip(picked.indices.tolist(), picked.values.tolist(), strict=True):
            position = shown.position(index)
            says = "" if position is None else status_text(class_rows(shown, position))
            thumbs.append(Thumb(index, f"{value:.3f}", f"{says}\n{_MEASURES[wish.kind]} {value:.3f}"))
        self._pictures.show(thumbs, snapshot.grid)
        stale = self._desk.snapshot() is not snapshot
        self._view.show_state(_sentence(snapshot, wish, len(thumbs)), stale=stale)

    def _empty(self, sentence: str) -> None:
        self._shown = None
        self._desk.errands.forget(PICK)
        self._pictures.show(())
        self._view.show_state(sentence, stale=False)


_MEASURES = {"certain": "Probability", "uncertain": "Entropy", "contested": "Disagreement"}


def _sentence(snapshot: Snapshot, wish: Wish, found: int) -> str:
    """What is shown."""
    names = snapshot.scoring.prompts.class_names
    of = "" if wish.chosen is None else f" of {names[wish.chosen]}"
    if found:
        return f"{_MEASURES[wish.kind]} below each tile{of}."
    if wish.kind == "contested":
        return f"No tiles{of} in which pairs of encoders contradict each other: that takes two pairs."
    return f"No tiles{of}."
