"""Stand-ins below the presenter: a runner that is stepped by hand, a bench without encoders."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from napari_histoalign.alignment.prompts import PromptClass, PromptSet
from napari_histoalign.engine import Scored
from napari_histoalign.errors import SlideError
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.jobs import Note, Scoring, Snapshot, Step
from napari_histoalign.results import ProbabilityMap, TileScores

PROMPTS = PromptSet(
    "test",
    (
        PromptClass("malignant", ("tumour",), "#d62728", "lesion"),
        PromptClass("benign", ("duct",), "#2ca02c", "tissue"),
        PromptClass("glass", ("empty",), "#999999", "background"),
    ),
)
OTHER = PROMPTS.with_prompts(0, ["carcinoma"])
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
        except SlideError as err:
            self._jobs.clear()
            on_error(err)
            on_end()
        else:
            return True
        return False

    def finish(self) -> None:
        while self.step():
            pass


def snapshot(scoring: Scoring, *, finished: bool, tiles: int = 12) -> Snapshot:
    """Probabilities that depend on the prompts, so that it shows which were used."""
    xy = np.stack([np.arange(tiles) % 4, np.arange(tiles) // 4], axis=1) * 100
    first = 0.9 if scoring.prompts == OTHER else 0.6
    probabilities = np.tile(np.float32([first, 0.95 - first, 0.05]), (tiles, 1))
    classes = scoring.prompts
    roles = tuple(c.role for c in classes.classes)
    scores = TileScores(xy, 100, 100, classes.class_names, classes.colors, roles, probabilities)
    progress = PROGRESS if not finished else SimpleNamespace(**{**vars(PROGRESS), "done": tiles})
    return Snapshot(
        scoring,
        ProbabilityMap.from_tiles(scores, (0, 0), 4, 3),
        Scored(np.arange(tiles), scores, {}, ("A images with B texts: direct.",)),
        progress,
        finished,
    )


class FakeBench(Bench):
    """Scores without encoders."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[tuple] = []
        self.rescored = 0
        self.fail_with: SlideError | None = None
        self._ran = False

    @property
    def has_scores(self) -> bool:
        return self._ran

    def run(self, setup, area, scoring, cancelled=lambda: False):
        self.runs.append((setup, area))
        yield Note("Loading the encoders")
        if self.fail_with:
            raise self.fail_with
        yield Step(PROGRESS)
        self._ran = True
        yield snapshot(scoring(), finished=False, tiles=3)
        yield snapshot(scoring(), finished=True, tiles=3 if cancelled() else 12)

    def rescore(self, scoring):
        self.rescored += 1
        yield snapshot(scoring(), finished=True)
