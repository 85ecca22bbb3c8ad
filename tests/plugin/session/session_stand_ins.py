"""Stand-ins around the keeper of sessions: a desk on a viewer model, a window, a box, and a clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from PIL import Image as PILImage
from psygnal import Signal
from stand_ins import PROMPTS, StepRunner

from napari_histoalign.alignment import Alignment
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.plugin.errands import Errands
from napari_histoalign.plugin.reader import METADATA_KEY, slide_metadata
from napari_histoalign.plugin.session_keeper import SessionKeeper
from napari_histoalign.plugin.session_keeper_seams import Choices, SessionPage
from napari_histoalign.plugin.slide_layers import given_mpp, slide_path
from napari_histoalign.results.review import UNSURE, Act, TileTarget
from napari_histoalign.slides import TileGrid, open_slide

CHOICES = Choices(
    prompts=PROMPTS,
    alignment=Alignment("many-to-many"),
    refinement=Refinement(),
    other=None,
    encoders=("demo-path", "demo-general"),
    mpp=0.5,
    tile=100,
    threshold=0.5,
)
NOON = datetime(2026, 7, 28, 12, 3, tzinfo=UTC)


def mark(index: int, grid: str = "g") -> Act:
    """A mark of a tile."""
    return Act("Anna", "mark", TileTarget(grid, index, (0, 0), 8), after=UNSURE.to_plain())


def make_slide(path: Path, seed: int = 1, side: tuple[int, int] = (640, 420)) -> Path:
    """A small picture without a physical size; another seed, another slide."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (side[1], side[0], 3), np.uint8)
    PILImage.fromarray(pixels).save(path)
    return path


class FakeDesk:
    """A viewer model, with errands that are done when told to."""

    snapshot_shown = Signal(object)
    slide_changed = Signal(object)

    def __init__(self) -> None:
        self.viewer = ViewerModel()
        self.runner = StepRunner()
        self.said: list[tuple[str, bool]] = []
        self.errands = Errands(self.runner, lambda text: self.say(text, error=True))
        self._slide = self._snapshot = self._layer = None

    def slide_layer(self):
        return self._layer

    def snapshot(self):
        return self._snapshot

    def slide(self):
        return self._slide

    def say(self, text, *, error=False):
        self.said.append((text, error))

    def add(self, path: Path, *, mpp: tuple[float, float] | None = None):
        """Open a slide in the viewer, without looking at it."""
        data = np.zeros((42, 64, 3), np.uint8)
        meta = slide_metadata(path, mpp, "file" if mpp else None)
        layer = Image(data, rgb=True, name=path.stem, metadata={METADATA_KEY: meta})
        self.viewer.add_layer(layer)
        return layer

    def look(self, layer) -> None:
        self._layer = layer
        self.slide_changed.emit(layer)

    def run(self, indices, *, mpp: float = 0.5, tile: int = 100) -> None:
        """Show scores of tiles of the slide that is looked at."""
        path = slide_path(self._layer)
        with open_slide(path, mpp=given_mpp(self._layer)) as slide:
            grid = TileGrid.over(slide, mpp=mpp, tile=tile)
        self._slide = SimpleNamespace(path=path)
        self._snapshot = SimpleNamespace(grid=grid, scored=SimpleNamespace(indices=np.asarray(indices)))
        self.snapshot_shown.emit(self._snapshot)

    def result(self, title: str, layer, *, visible: bool = False):
        """Add a result layer, as `ResultLayers` does."""
        meta = {METADATA_KEY: {"result": title, "slide": layer.name}}
        made = Image(np.zeros((4, 4)), name=title, metadata=meta, visible=visible, opacity=0.6)
        self.viewer.add_layer(made)
        return made

    def finish(self) -> None:
        while self.runner.busy:
            self.runner.finish()


class FakeWindow:
    """Holds choices; encoders that are not on this computer are not taken."""

    chosen_changed = Signal(object)

    def __init__(self, desk: FakeDesk, here: tuple[str, ...] = ("demo-path", "demo-general", "plip")) -> None:
        self.desk, self.here = desk, here
        self.choices: Choices | None = CHOICES
        self.log = None
        self.calls: list[tuple[str, object]] = []
        self.can_write = True

    def chosen(self):
        return self.choices

    def change(self, **parts) -> None:
        """What a person does."""
        self.choices = replace(self.choices, **parts)
        self.chosen_changed.emit(self.choices)

    def choose(self, choices):
        self.calls.append(("choose", choices))
        gone = [name for name in choices.encoders if name not in self.here]
        taken = replace(choices, encoders=self.choices.encoders) if gone else choices
        self.choices = taken
        self.chosen_changed.emit(taken)
        return [f"{name} is not on this computer." for name in gone]

    def give_mpp(self, mpp):
        self.calls.append(("give_mpp", mpp))
        layer = self.desk.slide_layer()
        meta = slide_metadata(slide_path(layer), (mpp, mpp), "given")
        layer.metadata = {**layer.metadata, METADATA_KEY: meta}

    def show_again(self, indices):
        self.calls.append(("show_again", np.asarray(indices).tolist()))

    def show_layer(self, title):
        self.calls.append(("show_layer", title))
        for layer in self.desk.viewer.layers:
            about = layer.metadata.get(METADATA_KEY, {})
            if "result" in about:
                layer.visible = about["result"] == title

    def open_review(self, log):
        self.log = log

    def write_results(self, folder, done):
        self.calls.append(("write_results", folder))
        self.done = done
        return self.can_write

    def called(self, name: str) -> list:
        return [value for what, value in self.calls if what == name]


class FakeView:
    """Keeps what it was shown."""

    def __init__(self) -> None:
        self.pages: list[SessionPage] = []
        self.opened: list[Path] = []

    @property
    def page(self) -> SessionPage:
        return self.pages[-1]

    def show_page(self, page):
        self.pages.append(page)

    def open_path(self, path):
        self.opened.append(path)


class Bench:
    """A keeper with everything around it."""

    def __init__(self, *, root: Path | None = None, here=("demo-path", "demo-general", "plip")) -> None:
        self.desk = FakeDesk()
        self.window, self.view = FakeWindow(self.desk, here), FakeView()
        self.now, self.due = NOON, []
        self.root = root
        self.keeper = SessionKeeper(
            self.desk, self.window, self.view, self._later, lambda: self.root, lambda: self.now
        )

    def _later(self, seconds, call) -> None:
        self.due.append((self.now + timedelta(seconds=seconds), call))

    def open(self, path: Path, **more):
        """Open a slide, look at it, and wait for its session."""
        layer = self.desk.add(path, **more)
        self.desk.look(layer)
        self.desk.finish()
        return layer

    def wait(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        for when, call in sorted(self.due, key=lambda due: due[0]):
            if when <= self.now:
                self.due.remove((when, call))
                call()
        self.desk.finish()

    def close(self) -> None:
        self.keeper.close()
        self.desk.errands.close()
