"""A desk with scored tiles over a slide whose pixels tell their place; errands wait until they are done."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from gradient import GradientSlide
from napari.components import ViewerModel
from napari.layers import Image
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)
from psygnal import Signal
from stand_ins import StepRunner

from napari_histoalign.alignment import Alignment, similarity_tensor
from napari_histoalign.alignment.prompts import PromptClass, PromptSet
from napari_histoalign.engine import Scored
from napari_histoalign.plugin.errands import Errands
from napari_histoalign.plugin.jobs import Scoring, Snapshot
from napari_histoalign.plugin.levels import slide_levels
from napari_histoalign.plugin.rasters import Rasters
from napari_histoalign.results import ProbabilityMap, TileScores
from napari_histoalign.slides import TileGrid

PROMPTS = PromptSet(
    "test",
    (
        PromptClass("malignant", ("tumour", "carcinoma", "atypia"), "#d62728", "lesion"),
        PromptClass("benign", ("duct", "lobule"), "#2ca02c", "tissue"),
        PromptClass("glass", ("empty",), "#999999", "background"),
    ),
)
GRID = TileGrid((100, 50), 200, 200, 30, 20, 224, 0.5)
SCORED = np.arange(0, GRID.count, 2)
WIDTH = 12


def snapshot(prompts=PROMPTS, *, indices=SCORED, grid=GRID, seed=0, views=2, generation=0) -> Snapshot:
    """Random embeddings, scored for real."""
    rng = np.random.default_rng(seed)
    expanded = prompts.expand()
    images = [_unit(np.random.default_rng(50), grid.count, views, WIDTH)[indices] for _ in range(2)]
    texts = [_unit(rng, len(expanded.texts), WIDTH) for _ in range(2)]
    alignment = Alignment()
    tensor = similarity_tensor(images, texts, expanded.class_index, len(prompts.classes), [20.0, 15.0])
    scores = alignment.score_tensor(tensor)
    roles = tuple(c.role for c in prompts.classes)
    tiles = TileScores(
        grid.xy(indices),
        grid.tile_px,
        grid.stride_px,
        prompts.class_names,
        prompts.colors,
        roles,
        scores.probabilities,
    )
    scored = Scored(indices, tiles, scores.details, (), prompts, alignment, tensor, scores)
    rasters = Rasters.of_map(ProbabilityMap.from_tiles(tiles, grid.origin, grid.columns, grid.rows))
    return Snapshot(Scoring(prompts, alignment, generation=generation), grid, scored, None, None, rasters)


def refined(snap: Snapshot) -> Snapshot:
    """The same after a refinement that turns every tile to the second class."""
    tiles = snap.scored.tiles
    turned = np.tile(np.float32([0.2, 0.7, 0.1]), (len(tiles), 1))
    changed = replace(snap.scored, tiles=replace(tiles, probabilities=turned), steps=("smoothing",))
    return replace(snap, refined=changed)


class Desk:
    """What parts of the dock may ask, with a viewer model and errands that are stepped by hand."""

    snapshot_shown = Signal(object)
    slide_changed = Signal(object)

    def __init__(self) -> None:
        self.viewer = ViewerModel()
        self.viewer.canvas.size = (600, 800)
        self.opened = GradientSlide((7001, 5003), factors=(1, 3.7))
        options = {"rgb": True, "multiscale": True, "scale": (0.5, 0.5), "units": ("um", "um")}
        drawn = GradientSlide((7001, 5003), factors=(1, 3.7))  # whose reads are napari's
        self.viewer.add_layer(Image(slide_levels(drawn), name="slide", **options))
        self.viewer.reset_view()
        self.runner = StepRunner()
        self.said: list[str] = []
        self.errands = Errands(self.runner, self.said.append)
        self.gone_to: list[tuple[float, float, float]] = []
        self.shown: Snapshot | None = None

    def slide_layer(self):
        return next((layer for layer in self.viewer.layers if layer.name == "slide"), None)

    def snapshot(self):
        return self.shown

    def slide(self):
        return self.opened

    def say(self, text, *, error=False):
        self.said.append(text)

    def go_to(self, x, y, side_px):
        self.gone_to.append((x, y, side_px))

    def set_marked(self, marked):
        raise AssertionError("looking marks nothing")

    # what tests do

    def show(self, snap: Snapshot | None) -> None:
        self.shown = snap
        self.snapshot_shown.emit(snap)

    def point_at(self, x: float, y: float) -> None:
        """Put the cursor on a level-0 point."""
        self.viewer.cursor.position = ((y - 0.5) * 0.5, (x - 0.5) * 0.5)

    def do_errands(self) -> None:
        """Do all that waits, and what comes of it."""
        while self.runner.busy:
            self.runner.finish()

    def do_one(self) -> None:
        """Do what is next."""
        self.runner.finish()


def hovered(view):
    """What the box shows of the tile under the cursor."""
    return view.show_hover.call_args.args[0]


def move(desk: Desk, x: float, y: float) -> None:
    """Move the mouse to a level-0 point."""
    desk.point_at(x, y)
    mouse_move_callbacks(desk.viewer, SimpleNamespace(type="mouse_move", is_dragging=False))


def press(desk: Desk, *path, button=1, modifiers=()) -> None:
    """Press at the first of some canvas points, move over the others, and let go."""
    event = SimpleNamespace(type="mouse_press", button=button, modifiers=modifiers, pos=path[0])
    event.is_dragging = True
    mouse_press_callbacks(desk.viewer, event)
    for pos in path[1:]:
        event.type, event.pos = "mouse_move", pos
        mouse_move_callbacks(desk.viewer, event)
    event.type = "mouse_release"
    mouse_release_callbacks(desk.viewer, event)


def middle(index: int, grid: TileGrid = GRID) -> tuple[float, float]:
    """Level-0 point in the middle of a tile."""
    x, y = grid.xy([index])[0]
    return float(x + grid.tile_px / 2), float(y + grid.tile_px / 2)


def _unit(rng, *shape):
    rows = rng.normal(size=shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
