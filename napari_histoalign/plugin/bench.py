"""The worker thread's side: loads encoders, embeds, scores; knows neither Qt nor the viewer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.plugin.encoder_cache import EncoderCache, Origin, insist
from napari_histoalign.plugin.jobs import (
    Area,
    JobError,
    Note,
    Report,
    Scoring,
    Setup,
    Snapshot,
    Step,
    Written,
    outwards,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.engine import Analysis, Progress
    from napari_histoalign.slides import Slide, TissueMask

SNAPSHOT_SECONDS = 0.2
SCORING_SHARE = 0.2
"""Scoring everything again for a snapshot may take this share of a run's time."""


class Bench:
    """Keeps the slide, the encoders and the embeddings between jobs. One job at a time.

    Every job is a generator which yields reports and is run to its end, or closed,
    in a worker thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._encoders = EncoderCache()
        self._origins: dict[str, Origin] = {}
        self._scored_with: tuple[PromptSet, Alignment] | None = None
        self._setup: Setup | None = None
        self._slide: Slide | None = None
        self._analysis: Analysis | None = None
        self._tissue: TissueMask | None = None
        self._wanted: NDArray[np.bool_] = np.zeros(0, bool)
        self._embedding_seconds = 0.0
        self._reused = 0

    @property
    def has_scores(self) -> bool:
        """Whether a run has embedded anything that can be scored again."""
        return self._analysis is not None and bool(self._wanted.any())

    def run(
        self,
        setup: Setup,
        area: Area,
        scoring: Callable[[], Scoring],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Report]:
        """Embed the tiles of an area and score them while they come.

        Parameters
        ----------
        setup
            Slide, encoders and tiles. What is open is kept if it is the same as before.
        area
            Which tiles.
        scoring
            Asked before each snapshot, so that prompts edited meanwhile count at once.
        cancelled
            Asked often; True ends the run with what was done.

        Yields
        ------
        Note, Snapshot
            What is going on, and scores about five times a second; the last
            snapshot is marked as finished.
        """
        with self._job():
            yield from self._open(setup)
            if cancelled():
                return
            assert self._analysis is not None
            yield Note("Finding out how the encoders compare (takes a while once for each)")
            self._analysis.compare(scoring().alignment)
            yield Note("Looking for tissue")
            indices = self._choose(area)
            self._reused += len(indices) - len(self._analysis.missing(indices))
            yield Note(f"Reading and embedding {len(indices):,} tiles")
            started = time.monotonic()
            told = due = 0.0
            progress = None
            for progress in self._analysis.embed(indices, cancelled=cancelled):
                now = time.monotonic()
                if now < told + SNAPSHOT_SECONDS or progress.done == progress.total:
                    continue
                if now >= due and progress.done:
                    snapshot = self._score(scoring(), progress)
                    due = time.monotonic() + snapshot.seconds / SCORING_SHARE
                    yield snapshot
                else:
                    yield Step(progress)
                told = time.monotonic()
            self._embedding_seconds += time.monotonic() - started
            if self._embedded().any():
                yield self._score(scoring(), progress, finished=True)

    def rescore(self, scoring: Callable[[], Scoring]) -> Iterator[Report]:
        """Score again what is embedded; reads no pixel, and asks no encoder that was removed or replaced."""
        with self._job():
            insist(self._origins)
            if self._analysis is not None and self._embedded().any():
                yield self._score(scoring(), None, finished=True)

    def export(self, folder: Path, scoring: Scoring, threshold: float) -> Iterator[Report]:
        """Write the results of what is embedded to a folder.

        Parameters
        ----------
        folder
            Where to; made if absent.
        scoring
            Prompts and alignment to score with.
        threshold
            Lowest probability of a tile that becomes part of a region.
        """
        from napari_histoalign.workflow.export import write_results

        with self._job():
            if self._analysis is None or self._setup is None or not self._embedded().any():
                raise JobError(
                    "There is nothing to export yet: run on the view, a region or the slide first."
                )
            if (scoring.prompts, scoring.alignment) != self._scored_with:
                insist(self._origins)
            yield Note(f"Writing results to {folder}")
            snapshot = self._score(scoring, None, finished=True)
            summary = write_results(
                folder,
                self._analysis,
                snapshot.scored,
                threshold=threshold,
                tissue=self._tissue,
                wanted_mpp=self._setup.mpp,
                seconds={"embedding": self._embedding_seconds, "scoring": snapshot.seconds},
                reused=self._reused,
            )
            yield Written(summary)

    def close(self) -> None:
        """Let go of slide and stores: now, or when the job that is running ends."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._lock.release()

    @contextmanager
    def _job(self) -> Iterator[None]:
        """Hold the bench for one job; turn what a worker thread would swallow into a `JobError`.

        superqt drops a RuntimeError raised in a generator worker without a word,
        and that is what torch raises when memory runs out.
        """
        if not self._lock.acquire(blocking=False):
            raise JobError("Another job is still running: wait for it to end.")
        try:
            yield
        except RuntimeError as err:
            raise JobError(f"The run stopped: {err}") from err
        finally:
            self._lock.release()
            if self._closed:
                self.close()

    def _open(self, setup: Setup) -> Iterator[Report]:
        """Make slide, encoders, tissue and analysis ready for `setup`."""
        origins = self._encoders.origins(setup.encoders)
        if setup == self._setup and origins == self._origins:
            return
        from napari_histoalign.engine import Analysis
        from napari_histoalign.slides import TileGrid, open_slide

        yield Note("Loading the encoders")
        encoders = [self._encoders.load(name, setup.device, origins[name]) for name in setup.encoders]
        yield Note("Opening the slide")
        with ExitStack() as opened:  # what was open before stays usable until all of the new is
            slide = opened.enter_context(open_slide(setup.path, mpp=setup.slide_mpp))
            grid = TileGrid.over(slide, mpp=setup.mpp, tile=setup.tile)
            analysis = Analysis(slide, encoders, grid)
            opened.pop_all()
        self._release()
        self._slide, self._analysis = slide, analysis
        self._wanted = np.zeros(grid.count, bool)
        self._setup, self._origins = setup, origins
        self._encoders.keep_only(setup.device, origins)

    def _choose(self, area: Area) -> NDArray[np.int64]:
        """Tiles of an area, those to do first in front; they count as wanted from now on."""
        from napari_histoalign.workflow.place import choose_tiles

        assert self._analysis is not None and self._slide is not None
        grid = self._analysis.grid
        choice = choose_tiles(self._slide, grid, area.place)
        self._tissue = choice.tissue
        self._wanted[choice.indices] = True
        return choice.indices if area.centre is None else outwards(grid, choice.indices, area.centre)

    def _embedded(self) -> NDArray[np.bool_]:
        """Which tiles were asked for in this session and are embedded, one flag a tile of the grid."""
        assert self._analysis is not None
        flags = np.zeros_like(self._wanted)
        flags[self._analysis.embedded()] = True
        return flags & self._wanted

    def _score(self, scoring: Scoring, progress: Progress | None, *, finished: bool = False) -> Snapshot:
        from napari_histoalign.results import ProbabilityMap

        assert self._analysis is not None
        started = time.monotonic()
        grid = self._analysis.grid
        scored = self._analysis.score(np.flatnonzero(self._embedded()), scoring.prompts, scoring.alignment)
        probability_map = ProbabilityMap.from_tiles(scored.tiles, grid.origin, grid.columns, grid.rows)
        seconds = time.monotonic() - started
        self._scored_with = scoring.prompts, scoring.alignment
        unknown = self._analysis.unknown_words(scoring.prompts) if finished else ()
        return Snapshot(scoring, probability_map, scored, progress, finished, seconds, unknown)

    def _release(self) -> None:
        """Close the analysis and its slide; encoders stay loaded."""
        analysis, slide = self._analysis, self._slide
        self._setup = self._analysis = self._slide = self._tissue = self._scored_with = None
        self._wanted = np.zeros(0, bool)
        self._embedding_seconds, self._reused = 0.0, 0
        if analysis is not None:
            analysis.close()
        if slide is not None:
            slide.close()
