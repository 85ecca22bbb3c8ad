"""Answering tile after tile without the model's answer in sight, which is shown afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.marking_places import model_says, targets
from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.plugin.review_blind import answered, blind_order, seen
from napari_histoalign.plugin.review_page import ReviewPage
from napari_histoalign.plugin.review_region_walk import COLOR
from napari_histoalign.results.review import Label, TileTarget

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.review_book import ReviewBook
    from napari_histoalign.plugin.review_outline import OutlineLayer

CONTEXT = 3
"""Tiles that are in view beside the one asked about."""


class BlindWalk:
    """The tiles that are asked about, and which of them is looked at.

    Parameters
    ----------
    desk, book
        The dock and the review.
    outline
        Shows which tile is meant.
    changed
        Called when there is something else to show.
    """

    def __init__(
        self, desk: Desk, book: ReviewBook, outline: OutlineLayer, changed: Callable[[], None]
    ) -> None:
        self._desk, self._book, self._outline, self._changed = desk, book, outline, changed
        self._tiles: list[int] = []
        self._at = 0
        self._told: set[int] = set()
        self._hidden: list[Any] = []
        self.count = 30
        self.seed = 1

    def start(self) -> None:
        """Hide the results, choose tiles, and look at the first that was not answered."""
        snapshot = self._desk.snapshot()
        self._tiles = []
        if snapshot is not None:
            grid, own = snapshot.grid, self._book.own
            order = blind_order(grid, snapshot.shown.indices, self.seed).tolist()
            looked = seen(own, grid.key) - answered(own, grid.key)
            self._tiles = [tile for tile in order if tile not in looked][: self.count]
            # what was told once cannot be asked blinded again, also if the answer was taken back
            self._told = {
                act.target.index
                for act in self._book.acts
                if act.blinded
                and act.who == self._book.who
                and isinstance(act.target, TileTarget)
                and act.target.grid == grid.key
            }
        self._hide_results()
        self._desk.viewer.layers.events.inserted.connect(self._on_inserted)
        open_ones = [i for i, tile in enumerate(self._tiles) if tile not in self._told]
        self.go(open_ones[0] if open_ones else 0)

    def stop(self) -> None:
        """Show the results again."""
        self._desk.viewer.layers.events.inserted.disconnect(self._on_inserted)
        for layer in self._hidden:
            layer.visible = True
        self._hidden.clear()
        for layer in self._desk.viewer.layers:
            if _tells(layer):
                layer.refresh(extent=False, force=True)  # draws its thumbnail again
        self._outline.hide()
        self._tiles = []

    @property
    def current(self) -> int | None:
        """The tile that is looked at."""
        return self._tiles[self._at] if self._at < len(self._tiles) else None

    def page(self) -> ReviewPage:
        """What the box should show."""
        tile, total = self.current, len(self._tiles)
        done = sum(one in self._told for one in self._tiles)
        if tile is None:
            return ReviewPage("blinded", "There is no tile to ask about.", "Run on the slide first.")
        heading = f"Tile {self._at + 1} of {total}"
        return ReviewPage("blinded", heading, self._detail(tile), done, total, ready=True)

    def step(self, by: int) -> None:
        """Look at the next tile, or the one before; round and round."""
        if self._tiles:
            self.go((self._at + by) % len(self._tiles))

    def go(self, at: int) -> None:
        """Look at a tile."""
        self._at = at
        snapshot, slide, tile = self._desk.snapshot(), self._desk.slide_layer(), self.current
        if snapshot is not None and slide is not None and tile is not None:
            from shapely import box

            side = snapshot.grid.tile_px
            x, y = (int(n) for n in snapshot.grid.xy([tile])[0])
            self._outline.show(box(x, y, x + side, y + side), COLOR, slide)
            self._desk.go_to(x + side / 2, y + side / 2, side * CONTEXT)
        self._changed()

    def answer(self, label: Label) -> None:
        """Give an answer; the model's is shown then, and this tile is not blinded any more."""
        snapshot, tile = self._desk.snapshot(), self.current
        if snapshot is None or tile is None:
            return
        found = targets(snapshot.grid, [tile])
        said = model_says(snapshot.shown, tile)
        blinded = tile not in self._told
        written = self._book.do(
            lambda who, state: who.mark(state, found, label, model=lambda target: said), blinded=blinded
        )
        if written:
            self._told.add(tile)
        self._changed()

    def _detail(self, tile: int) -> str:
        snapshot = self._desk.snapshot()
        if tile not in self._told or snapshot is None:
            return "What is it? Press the number of a class, U if unsure, X for an artefact."
        later = self._book.own.tiles.get((snapshot.grid.key, tile))
        blind = self._book.own.blinded.get((snapshot.grid.key, tile))
        mark = blind or later
        if mark is None:
            return "Your answer was taken back. The model's answer was shown: it cannot be blinded again."
        said = mark.act.model
        you = f"You: {mark.label}"
        if later is not None and later.label != mark.label:
            you += f", and since the model's answer was shown {later.label}"
        if not said:
            return f"{you}. The model had no answer. N goes on."
        alike = "Alike" if said["class"] == mark.label.name else "Not alike"
        compared = f" {alike}." if mark.label.name else ""
        return f"{you}. The model: {said['class']} {said['probability']:.2f}.{compared} N goes on."

    def _hide_results(self) -> None:
        for layer in self._desk.viewer.layers:
            self._hide(layer)

    def _on_inserted(self, event: Any) -> None:
        self._hide(event.value)

    def _hide(self, layer: Any) -> None:
        """Hide a layer that shows what the model says, and its thumbnail in the list of layers."""
        if not _tells(layer):
            return
        if layer.visible:
            layer.visible = False
            self._hidden.append(layer)
        layer.thumbnail = np.zeros_like(layer.thumbnail)


def _tells(layer: Any) -> bool:
    """Whether a layer shows what the model says."""
    return "result" in layer.metadata.get(METADATA_KEY, {})
