"""The two lanes at work: what is wanted is embedded, what is embedded is scored, and not too often."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol

from napari_histoalign.plugin.jobs import Note, Report, Snapshot, Step, Written
from napari_histoalign.plugin.lane import Lane
from napari_histoalign.plugin.result_layers import warm_up

if TYPE_CHECKING:
    from pathlib import Path

    from napari_histoalign.engine import Progress
    from napari_histoalign.plugin.bench import Bench
    from napari_histoalign.plugin.jobs import Scoring, Setup
    from napari_histoalign.plugin.seams import Runners
    from napari_histoalign.workflow.summary import RunSummary

REDRAW_SECONDS = 0.1
"""Scores are made anew at most so often while tiles are embedded."""
LONGEST_PAUSE = 3.0
"""So long, at most, layers stand still while tiles are embedded."""
SCORING_SHARE = 0.2
"""Scoring everything again may take this share of a run's time."""


class Listener(Protocol):
    """Who is told, on the main thread."""

    def told(self, text: str, *, error: bool = False) -> None:
        """Something is going on, or went wrong."""

    def progressed(self, progress: Progress) -> None:
        """Tiles were embedded."""

    def scored(self, snapshot: Snapshot, *, last: bool) -> None:
        """Scores by what is scored with now; `last` if nothing more is on its way."""

    def written(self, summary: RunSummary) -> None:
        """Results were exported."""

    def embedded(self) -> None:
        """Nothing more is to be embedded for now."""

    def rested(self) -> None:
        """Nothing more is to be scored or written for now."""


class Work:
    """Runs jobs of a bench in two lanes.

    A change of prompts or method is scored at once, whatever is being embedded; scores of an older
    generation are dropped.

    Parameters
    ----------
    bench
        The workers' side.
    runners
        Makes the runners of the lanes.
    listener
        Who is told.
    """

    def __init__(self, bench: Bench, runners: Runners, listener: Listener) -> None:
        self._bench, self._listener = bench, listener
        self._embedding = Lane(runners(), self._on_report, self._on_error, self._on_embedding_end)
        self._scoring_lane = Lane(runners(), self._on_report, self._on_scoring_error, self._on_scoring_end)
        self._cancel = threading.Event()
        self._closed = False
        self._setup: Setup | None = None
        self._scored: Setup | None = None
        """What the scoring under way is of."""
        self._scoring: Scoring | None = None
        self._generation = -1
        """What was scored with last; -1 where nothing was for this setup."""
        self._failed_generation = -1
        self._failed = False
        self._fresh = False
        self._due = 0.0
        self.writing = False

    @property
    def embedding(self) -> bool:
        """Whether tiles are being embedded."""
        return self._embedding.busy

    @property
    def busy(self) -> bool:
        """Whether a lane is at work."""
        return self._embedding.busy or self._scoring_lane.busy

    @property
    def stopped(self) -> bool:
        """Whether embedding was stopped by the person."""
        return self._cancel.is_set()

    def embed(self, setup: Setup) -> None:
        """Embed what the bench is asked for, for this setup."""
        if setup != self._setup:
            self._setup, self._generation = setup, -1
        self._failed_generation, self._failed = -1, False
        self._cancel.clear()
        self._start_embedding()

    def score(self, scoring: Scoring, *, now: bool = True) -> None:
        """Score with this from now on; at once, unless `now` is not set."""
        self._scoring, self._failed = scoring, False
        if now:
            self.score_if_due()

    def score_if_due(self) -> None:
        """Score if the last scores are out of date, and not too often while tiles are embedded."""
        scoring = self._scoring
        if scoring is None or self._scoring_lane.busy or not self._bench.holds(self._setup):
            return
        stale = self._generation >= 0 and scoring.generation not in (
            self._generation,
            self._failed_generation,
        )
        waits = self._embedding.busy and time.monotonic() < self._due
        if stale or (self._fresh and not waits):
            self._fresh = False
            self._scored = self._setup
            self._scoring_lane.start(partial(self._bench.score, self._current, self._setup))

    def export(self, folder: Path, threshold: float) -> None:
        """Write results of what is scored with now."""
        assert self._scoring is not None
        self.writing = True
        self._scoring_lane.start(partial(self._bench.export, folder, self._scoring, threshold, self._setup))

    def stop(self) -> None:
        """Embed no more; what was done stays."""
        self._bench.stop()
        if self._embedding.busy:
            self._cancel.set()

    def close(self) -> None:
        """Stop, and tell nobody any more."""
        self._closed = True
        self._cancel.set()
        self._bench.close()

    def _current(self) -> Scoring:
        """Asked by the worker thread; assignment of one attribute is atomic."""
        assert self._scoring is not None
        return self._scoring

    def _start_embedding(self) -> None:
        if self._setup is not None and not self._embedding.busy:
            self._embedding.start(partial(self._embed_job, self._setup))

    def _embed_job(self, setup: Setup) -> Iterator[Report]:
        warm_up()
        yield from self._bench.embed(setup, self._cancel.is_set)

    def _on_report(self, report: Report) -> None:
        if self._closed:
            return
        if isinstance(report, Note):
            self._listener.told(report.text, error=report.problem)
        elif isinstance(report, Step):
            self._listener.progressed(report.progress)
            self._fresh = self._fresh or report.progress.done > 0
            self.score_if_due()
        elif isinstance(report, Written):
            self._listener.written(report.summary)
        else:
            self._on_snapshot(report)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        pause = min(max(REDRAW_SECONDS, snapshot.seconds / SCORING_SHARE), LONGEST_PAUSE)
        self._due = time.monotonic() + pause
        if self._scored != self._setup:  # another slide's turn came meanwhile
            return
        if snapshot.scoring.generation == self._current().generation:
            self._generation = snapshot.scoring.generation
            last = not (self._embedding.busy or self._failed or self._fresh)
            self._listener.scored(snapshot, last=last)

    def _on_error(self, error: Exception) -> None:
        self._bench.stop()
        self._failed = True  # and what is said of it is not to be talked over
        self._tell(error)

    def _on_scoring_error(self, error: Exception) -> None:
        self._failed_generation = self._scoring.generation if self._scoring else -1
        self._fresh = False
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._closed:
            self._listener.told(str(error) or type(error).__name__, error=True)

    def _on_embedding_end(self) -> None:
        if self._closed:
            return
        if self._bench.has_work and not self._cancel.is_set():
            self._start_embedding()
            return
        self._due = 0.0
        self._fresh = self._bench.holds(self._setup)  # once more, with everything there is
        self._listener.embedded()
        self.score_if_due()

    def _on_scoring_end(self) -> None:
        if self._closed:
            return
        self.writing = False
        self._listener.rested()
        self.score_if_due()
