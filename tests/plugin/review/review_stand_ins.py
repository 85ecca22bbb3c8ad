"""A desk, boxes and scores below marking and reviewing; the viewer model, the log and the keys are real."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from napari.components import ViewerModel
from napari.utils._proxies import ReadOnlyWrapper
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)
from napari.utils.key_bindings import KeymapHandler
from psygnal import Signal

from napari_histoalign.alignment.prompts import PromptClass, PromptSet
from napari_histoalign.engine import Scored
from napari_histoalign.plugin.marking import Marking
from napari_histoalign.plugin.marking_draw import DrawLayer
from napari_histoalign.plugin.marking_keys import CanvasKeys
from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.plugin.review_book import ReviewBook
from napari_histoalign.plugin.reviewing import Reviewing
from napari_histoalign.results import TileScores
from napari_histoalign.results.review import ReviewLog
from napari_histoalign.slides import TileGrid

PROMPTS = PromptSet(
    "test",
    (
        PromptClass("malignant", ("tumour",), "#d62728", "lesion"),
        PromptClass("benign", ("duct",), "#2ca02c", "tissue"),
        PromptClass("glass", ("empty",), "#999999", "background"),
    ),
)
GRID = TileGrid((0, 0), 100, 100, 6, 4, 224, 0.5)
MPP = 0.25
TUMOURS = np.array([[9, 9, 0, 0, 0, 0], [9, 9, 0, 0, 0, 0], [0, 0, 0, 0, 6, 6], [0, 0, 0, 0, 0, 0]])
"""Tenths of the probability of tumour; the rest is benign."""


def reordered(*order: int) -> PromptSet:
    return replace(PROMPTS, classes=tuple(PROMPTS.classes[i] for i in order))


def renamed(name: str) -> PromptSet:
    first = replace(PROMPTS.classes[0], name=name)
    return replace(PROMPTS, classes=(first, *PROMPTS.classes[1:]))


def snapshot(tumours=TUMOURS, *, prompts=PROMPTS, scored=None, grid=GRID):
    """Scores of a grid; `scored` leaves tiles out."""
    p = np.asarray(tumours, float).reshape(-1) / 10
    table = {"glass": 0.02 * np.ones_like(p)}
    benign = next(c.name for c in PROMPTS.classes if c.name == "benign")
    for c in prompts.classes:
        table.setdefault(c.name, 0.98 - p * 0.98 if c.name == benign else p * 0.98)
    indices = np.arange(grid.count) if scored is None else np.asarray(sorted(scored))
    tiles = TileScores(
        grid.xy(indices),
        grid.tile_px,
        grid.stride_px,
        tuple(prompts.class_names),
        tuple(c.color for c in prompts.classes),
        tuple(c.role for c in prompts.classes),
        np.stack([table[c.name] for c in prompts.classes], axis=1)[indices].astype(np.float32),
    )
    scores = Scored(indices, tiles, {}, (), prompts, None, None, None)
    return SimpleNamespace(scoring=SimpleNamespace(prompts=prompts), grid=grid, shown=scores)


class Now:
    """Errands done at once."""

    def ask(self, key, work, done):
        done(work())

    def forget(self, key):
        pass


class FakeDesk:
    snapshot_shown = Signal(object)
    slide_changed = Signal(object)

    def __init__(self, viewer=None) -> None:
        self.viewer = ViewerModel() if viewer is None else viewer
        self.layer = self.viewer.add_image(
            np.zeros((400, 600, 3), np.uint8),
            rgb=True,
            scale=(MPP, MPP),
            units=("um", "um"),
            metadata={METADATA_KEY: {"path": "a.svs"}},
        )
        self.errands = Now()
        self.said: list[str] = []
        self.errors: list[str] = []
        self.went: list[tuple] = []
        self.marked: list = []
        self._snapshot = None

    def slide_layer(self):
        return self.layer

    def snapshot(self):
        return self._snapshot

    def show(self, snapshot):
        self._snapshot = snapshot
        self.snapshot_shown.emit(snapshot)

    def say(self, text, *, error=False):
        (self.errors if error else self.said).append(text)

    def go_to(self, x, y, side_px):
        self.went.append((x, y, side_px))

    def set_marked(self, marked):
        self.marked.append(marked)

    def point_at(self, x, y):
        """Move the cursor to a level-0 point."""
        self.viewer.cursor.position = ((y - 0.5) * MPP, (x - 0.5) * MPP)

    def _handler(self):
        active = self.viewer.layers.selection.active
        handler = KeymapHandler()
        handler.keymap_providers = [self.viewer] if active is None else [active, self.viewer]
        return handler

    def press(self, *keys):
        """Press keys as napari's canvas hands them on, and let them go."""
        for key in keys:
            handler = self._handler()
            handler.press_key(key)
            handler.release_key(key)

    def hold(self, key):
        handler = self._handler()
        handler.press_key(key)
        return lambda: handler.release_key(key)


class FakeMarkView:
    def show_rows(self, rows, chosen):
        self.rows = {str(row.label): row for row in rows}
        self.chosen = chosen

    def show_modes(self, *, keys, drawing, examples):
        self.modes = (keys, drawing, examples)

    def show_notes(self, sentences):
        self.notes = tuple(sentences)


class FakeReviewView:
    def show_page(self, page):
        self.page = page

    def show_classes(self, classes):
        self.classes = tuple(classes)

    def show_agreement(self, lines):
        self.lines = tuple(lines)

    def show_reviewer(self, who):
        self.who = who


class Side:
    """Everything that works together, with a log in a file."""

    def __init__(self, folder, who="Ann") -> None:
        self.folder = folder
        self.desk = FakeDesk()
        self.marks, self.page_view = FakeMarkView(), FakeReviewView()
        self.book = ReviewBook(self.desk.say, who)
        self.keys = CanvasKeys(self.desk.viewer)
        self.draw = DrawLayer(self.desk.viewer)
        self.now = 0.0
        self.marking = Marking(self.desk, self.marks, self.book, self.keys, self.draw, clock=lambda: self.now)
        self.reviewing = Reviewing(self.desk, self.page_view, self.book, self.keys, self.draw)
        self.reviewing.blinded_changed.connect(self.marking.show_own_only)
        self.log = None
        self.open()

    def open(self):
        self.log = ReviewLog(self.folder / "review.jsonl", slide="abc", slide_file="a.svs")
        self.book.open(self.log)

    def close(self):
        self.reviewing.close()
        self.marking.close()
        self.draw.close()
        self.keys.close()
        if self.log is not None:
            self.log.close()

    @property
    def page(self):
        return self.page_view.page

    def tiles(self):
        """Marked tiles of all reviewers: index to label."""
        return {key[1]: str(mark.label) for key, mark in self.book.state.tiles.items()}

    def lasso(self, *corners):
        """Draw with the mouse: press, drag over level-0 corners, let go."""
        layer = self.draw.layer
        # napari leaves out the last vertex, which has followed the cursor: the hand trembles a little
        rest = [*corners[1:], (corners[-1][0] + 12, corners[-1][1] + 1)]
        steps = [("mouse_press", corners[0]), *(("mouse_move", c) for c in rest)]
        hands_on = {
            "mouse_press": mouse_press_callbacks,
            "mouse_move": mouse_move_callbacks,
            "mouse_release": mouse_release_callbacks,
        }
        for kind, (x, y) in [*steps, ("mouse_release", corners[-1])]:
            event = SimpleNamespace(
                type=kind,
                is_dragging=kind == "mouse_move",
                position=((y - 0.5) * MPP, (x - 0.5) * MPP),
                pos=np.array([x, y]),
                dims_displayed=[0, 1],
                view_direction=None,
                modifiers=[],
                handled=False,
            )
            hands_on[kind](layer, ReadOnlyWrapper(event, exceptions=("handled",)))
