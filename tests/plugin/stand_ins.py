"""Stand-ins below the presenter: a runner that is stepped by hand, a bench without encoders."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from napari_histoalign.alignment.prompts import PromptClass, PromptSet
from napari_histoalign.engine import Scored
from napari_histoalign.errors import HistoalignError, SlideError
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.jobs import Area, Note, Scoring, Setup, Snapshot, Step
from napari_histoalign.plugin.rasters import Rasters
from napari_histoalign.results import ProbabilityMap, TileScores
from napari_histoalign.slides import TileGrid

PROMPTS = PromptSet(
    "test",
    (
        PromptClass("malignant", ("tumour",), "#d62728", "lesion"),
        PromptClass("benign", ("duct",), "#2ca02c", "tissue"),
        PromptClass("glass", ("empty",), "#999999", "background"),
    ),
)
OTHER = PROMPTS.with_prompts(0, ["carcinoma"])
GRID = TileGrid((0, 0), 100, 100, 4, 3, 100, 0.5)
ALIGNMENT = SimpleNamespace(name="many-to-many")
PROGRESS = SimpleNamespace(done=3, total=12, tiles_per_second=5.0, seconds_left=2.0, unread=0)


class StepRunner:
    """Runs jobs when told to: `step` lets one report through, `finish` all that are left."""

    def __init__(self) -> None:
        self.started = 0
        self._jobs: list = []

    def start(self, job, on_report, on_error, on_end):
        assert not self._jobs, "one job at a time"
        self.started += 1
        self._jobs.append((job(), on_report, on_error, on_end))

    @property
    def busy(self) -> bool:
        return bool(self._jobs)

    def step(self) -> bool:
        reports, on_report, on_error, on_end = self._jobs[0]
        try:
            on_report(next(reports))
        except StopIteration:
            self._jobs.clear()
            on_end()
        except HistoalignError as err:
            self._jobs.clear()
            on_error(err)
            on_end()
        else:
            return True
        return False

    def finish(self) -> None:
        while self.step():
            pass


class Lanes:
    """Makes step runners and keeps them: for embedding, for scoring, for errands."""

    def __init__(self) -> None:
        self.made: list[StepRunner] = []

    def __call__(self) -> StepRunner:
        self.made.append(StepRunner())
        return self.made[-1]

    embedding = property(lambda self: self.made[0])
    scoring = property(lambda self: self.made[1])
    errands = property(lambda self: self.made[2])

    @property
    def busy(self) -> bool:
        return any(runner.busy for runner in self.made)

    def finish(self) -> None:
        """Let everything run until nothing does."""
        while self.busy:
            for runner in self.made:
                if runner.busy:
                    runner.finish()


def snapshot(scoring: Scoring, *, tiles: int = 12) -> Snapshot:
    """Probabilities that depend on the prompts, so that it shows which were used."""
    xy = np.stack([np.arange(tiles) % 4, np.arange(tiles) // 4], axis=1) * 100
    first = 0.9 if scoring.prompts == OTHER else 0.6
    probabilities = np.tile(np.float32([first, 0.95 - first, 0.05]), (tiles, 1))
    classes = scoring.prompts
    roles = tuple(c.role for c in classes.classes)
    scores = TileScores(xy, 100, 100, classes.class_names, classes.colors, roles, probabilities)
    notes = ("A images with B texts: direct.",)
    scored = Scored(np.arange(tiles), scores, {}, notes, classes, scoring.alignment, None, None)
    shown = Rasters.of_map(ProbabilityMap.from_tiles(scores, (0, 0), 4, 3))
    return Snapshot(scoring, GRID, scored, None, None, shown, 0.001, {}, notes)


class FakeBench(Bench):
    """Embeds and scores without encoders: twelve tiles, three at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.setups: list[Setup] = []
        self.areas: list[Area] = []
        self.views: list[Area | None] = []
        self.rescored = 0
        self.done = 0
        self.fail_with: SlideError | None = None
        self._work = False

    @property
    def has_scores(self) -> bool:
        return self.done > 0

    def holds(self, setup) -> bool:
        return self.done > 0 and self.setups[-1] == setup

    @property
    def has_work(self) -> bool:
        return self._work

    def want(self, area):
        self.areas.append(area)
        self._work = True

    def look_at(self, area):
        self.views.append(area)
        self._work = self._work or area is not None

    def stop(self):
        self._work = False

    def embed(self, setup, cancelled=lambda: False):
        self.setups.append(setup)
        self._work = False
        yield Note("Loading the encoders")
        if self.fail_with:
            raise self.fail_with
        for done in (0, 3, 6, 9, 12):
            if cancelled():
                return
            self.done = max(self.done, done)
            yield Step(SimpleNamespace(**{**vars(PROGRESS), "done": done}))

    def score(self, scoring, setup):
        self.rescored += 1
        yield snapshot(scoring(), tiles=self.done)
