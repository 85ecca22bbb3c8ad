"""The worker threads' side: one embeds, one scores; knows neither Qt nor the viewer."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.encoder_cache import EncoderCache, insist
from napari_histoalign.plugin.jobs import JobError, Note, Report, Scoring, Setup, Snapshot, Step, Written
from napari_histoalign.plugin.opened import Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from napari_histoalign.engine import Scored, TileQueue
    from napari_histoalign.plugin.jobs import Area
    from napari_histoalign.slides import Slide

STEP_SECONDS = 0.15
"""How long a batch should take: so late, at most, it counts that the person looks elsewhere."""


class Bench:
    """Keeps the slide, the encoders and the embeddings between jobs.

    There are two lanes, each for one job at a time: embedding, and everything that starts from scores. Jobs
    are generators which yield reports and are run to their end, or closed, in a worker thread. What is to be
    embedded may be said at any time, from any thread.
    """

    def __init__(self) -> None:
        self._embedding, self._scoring = threading.Lock(), threading.Lock()
        self._swap = threading.Lock()
        self._encoders = EncoderCache()
        self._opened: Opened | None = None
        self._closed = False
        self._queue: TileQueue | None = None
        self._areas: deque[Area] = deque()
        self._view: Area | None = None
        self._looked_at: Area | None = None

    @property
    def slide(self) -> Slide | None:
        """The open slide."""
        opened = self._opened
        return None if opened is None else opened.slide

    @property
    def has_scores(self) -> bool:
        """Whether anything was embedded that can be scored."""
        opened = self._opened
        return opened is not None and bool(opened.wanted.any())

    def holds(self, setup: Setup | None) -> bool:
        """Whether that is what is open, with anything embedded that can be scored."""
        opened = self._opened
        return opened is not None and opened.setup == setup and bool(opened.wanted.any())

    @property
    def has_work(self) -> bool:
        """Whether tiles wait to be embedded, or to be looked for."""
        queue = self._queue
        waiting = queue is not None and queue.left > 0
        return waiting or bool(self._areas) or self._view is not self._looked_at

    def want(self, area: Area) -> None:
        """Have the tiles of an area embedded, after what waits already."""
        self._areas.append(area)

    def look_at(self, area: Area | None) -> None:
        """Have the tiles of the rectangle in view embedded first; None: nobody follows the view."""
        self._view = area

    def stop(self) -> None:
        """Forget all that waits to be embedded."""
        self._areas.clear()
        self._looked_at = self._view
        if self._queue is not None:
            self._queue.clear()

    def embed(self, setup: Setup, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Report]:
        """Embed what is wanted until nothing is.

        Parameters
        ----------
        setup
            Slide, encoders and tiles. What is open is kept if it is the same as before.
        cancelled
            Asked often; True ends the job with what was done.

        Yields
        ------
        Note, Step
            What is going on.
        """
        with self._job(self._embedding):
            yield from self._open(setup)
            opened = self._opened
            if cancelled() or opened is None:
                return
            with opened.used() as there:
                if there:
                    yield from self._work(opened, cancelled)

    def score(self, scoring: Callable[[], Scoring], setup: Setup | None = None) -> Iterator[Report]:
        """Score what is embedded; reads no pixel, and asks no encoder that was removed or replaced.

        Parameters
        ----------
        scoring
            Asked what to score with.
        setup
            Of which slide and tiles; nothing is scored where others are open by now. By default of those
            that are.
        """
        with self._job(self._scoring):
            opened = self._opened
            if opened is None or setup not in (None, opened.setup):
                return
            with opened.used() as there:
                wanted = scoring()
                if there and not _same_words(opened, wanted):
                    insist(opened.origins)
                if there and (snapshot := self._score(opened, wanted)) is not None:
                    yield snapshot

    def export(
        self, folder: Path, scoring: Scoring, threshold: float, setup: Setup | None = None
    ) -> Iterator[Report]:
        """Write the results of what is embedded to a folder.

        Parameters
        ----------
        folder
            Where to; made if absent.
        scoring
            What to score with.
        threshold
            Lowest probability of a tile that becomes part of a region.
        setup
            Of which slide and tiles; by default of those that are open.
        """
        from napari_histoalign.workflow.export import write_both

        with self._job(self._scoring):
            opened = self._opened
            if opened is None or not len(opened.embedded()):
                raise JobError(
                    "There is nothing to export yet: run on the view, a region or the slide first."
                )
            with opened.used() as there:
                if not there or setup not in (None, opened.setup):
                    raise JobError("Another slide was run since: run on this one again, then export it.")
                if not _same_words(opened, scoring):
                    insist(opened.origins)
                yield Note(f"Writing results to {folder}")
                snapshot = self._score(opened, scoring)
                assert snapshot is not None
                summary = write_both(
                    folder,
                    opened.analysis,
                    snapshot.scored,
                    snapshot.refined,
                    threshold=threshold,
                    tissue=opened.tissue,
                    wanted_mpp=opened.setup.mpp,
                    seconds={"embedding": opened.embedding_seconds, "scoring": snapshot.seconds},
                    reused=opened.reused,
                )
                yield Written(summary)

    def close(self) -> None:
        """Let go of slide and stores: now, or when the jobs that are running end."""
        self._closed = True
        self.stop()
        self._retire()

    @contextmanager
    def _job(self, lane: threading.Lock) -> Generator[None]:
        """Hold a lane for one job; turn what a worker thread would swallow into a `JobError`.

        superqt drops a RuntimeError raised in a generator worker without a word,
        and that is what torch raises when memory runs out.
        """
        if not lane.acquire(blocking=False):
            raise JobError("Another job is still running: wait for it to end.")
        try:
            yield
        except RuntimeError as err:
            raise JobError(f"The run stopped: {err}") from err
        finally:
            lane.release()
            if self._closed:
                self._retire()

    def _open(self, setup: Setup) -> Iterator[Report]:
        """Make slide, encoders and analysis ready for `setup`."""
        origins = self._encoders.origins(setup.encoders)
        opened = self._opened
        if opened is not None and (setup, origins) == (opened.setup, opened.origins):
            return
        from napari_histoalign.engine import Analysis
        from napari_histoalign.slides import TileGrid, open_slide

        yield Note("Loading the encoders")
        encoders = [self._encoders.load(name, setup.device, origins[name]) for name in setup.encoders]
        yield Note("Opening the slide")
        with ExitStack() as entered:  # what was open before stays usable until all of the new is
            slide = entered.enter_context(open_slide(setup.path, mpp=setup.slide_mpp))
            grid = TileGrid.over(slide, mpp=setup.mpp, tile=setup.tile)
            analysis = Analysis(slide, encoders, grid, cache=setup.cache, memory=setup.memory, edited=True)
            entered.pop_all()
        self._retire(Opened(setup, origins, slide, analysis))
        self._encoders.keep_only(setup.device, origins)
        if self._closed:
            self._retire()

    def _work(self, opened: Opened, cancelled: Callable[[], bool]) -> Iterator[Report]:
        """Embed until nothing is wanted any more."""
        from napari_histoalign.engine import TileQueue

        queue = self._queue = TileQueue()
        self._looked_at = None
        problems: list[str] = []
        yield Note("Looking for tissue" if any(area.again is None for area in self._areas) else "")
        self._fill(opened, queue)

        def refresh() -> None:
            try:
                self._fill(opened, queue)
            except HistoalignError as err:  # an area without tissue is no reason to stop the rest
                problems.append(str(err))

        started = time.monotonic()
        try:
            for progress in opened.analysis.work_off(
                queue, batch=opened.setup.batch, seconds=STEP_SECONDS, cancelled=cancelled, refresh=refresh
            ):
                yield Step(progress)
                while problems:
                    yield Note(problems.pop(0), problem=True)
        finally:
            opened.embedding_seconds += time.monotonic() - started
        yield from (Note(problem, problem=True) for problem in problems)

    def _fill(self, opened: Opened, queue: TileQueue) -> None:
        """Put into the queue what was asked for since."""
        view = self._view
        if view is not self._looked_at:
            self._looked_at = view
            queue.look_at(np.empty(0, np.int64) if view is None else opened.take(opened.in_view(view)))
        while self._areas:
            indices = opened.choose(self._areas.popleft())
            missing = opened.take(indices)
            queue.credit(len(indices) - len(missing))
            queue.add(missing)

    def _score(self, opened: Opened, scoring: Scoring) -> Snapshot | None:
        """Scores of what is embedded; None where nothing is."""
        from napari_histoalign.plugin.rasters import rasters

        indices, analysis = opened.embedded(), opened.analysis
        if not len(indices):
            return None
        for alignment in (scoring.alignment, scoring.other):
            if alignment is not None:
                analysis.compare(alignment)  # takes a while, once, and says nothing of the next time
        started = time.monotonic()
        scored = analysis.score(indices, scoring.prompts, scoring.alignment)
        marked, refinement = scoring.marked, scoring.refinement
        if marked is None or not len(marked.indices):  # nobody marked anything: nothing to speak of
            refinement = refinement.without_examples()
        tried = scored.refined(refinement, marked) if refinement.asked else None
        refined = tried if tried is not None and tried.steps else None
        other: Scored | None = None
        if scoring.other is not None:
            other = analysis.score(indices, scoring.prompts, scoring.other)
        shown = rasters(analysis.grid, refined or scored, scored, other)
        opened.scored_with = scoring
        notes = [*(tried or scored).notes, *([analysis.memory_note] if analysis.memory_note else [])]
        return Snapshot(
            scoring,
            analysis.grid,
            scored,
            refined,
            other,
            shown,
            time.monotonic() - started,
            opened.warnings.of(scoring.prompts),
            tuple(notes),
        )

    def _retire(self, following: Opened | None = None) -> None:
        """Put another in place of what is open, which is closed when nobody uses it; encoders stay loaded."""
        with self._swap:
            opened, self._opened = self._opened, following
        if opened is not None:
            opened.retire()


def _same_words(opened: Opened, scoring: Scoring) -> bool:
    """Whether everything it needs of the encoders is known already."""
    before = opened.scored_with
    return before is not None and (before.prompts, before.alignment, before.other) == (
        scoring.prompts,
        scoring.alignment,
        scoring.other,
    )
