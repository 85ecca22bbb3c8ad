"""A slide with its encoders and embeddings, shared between threads and closed when the last one lets go."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine.wording import PromptWarnings
from napari_histoalign.plugin.jobs import outwards
from napari_histoalign.workflow.place import choose_tiles

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from numpy.typing import NDArray

    from napari_histoalign.engine import Analysis
    from napari_histoalign.plugin.encoder_cache import Origin
    from napari_histoalign.plugin.jobs import Area, Scoring, Setup
    from napari_histoalign.slides import Slide, TissueMask


class Opened:
    """What a setup needs, open.

    Parameters
    ----------
    setup, origins
        What was asked for, and where the encoders came from.
    slide, analysis
        Open; they are closed with this.

    Attributes
    ----------
    tissue
        Where tissue was found by the last run; None before.
    wanted
        Tiles that were asked for so far, one flag a tile of the grid.
    scored_with
        What its tiles were scored with last.
    reused
        How many of them had been embedded before.
    embedding_seconds
        Time spent on embedding.
    warnings
        Says what is wrong with prompts.
    """

    def __init__(self, setup: Setup, origins: Mapping[str, Origin], slide: Slide, analysis: Analysis) -> None:
        self.setup, self.origins = setup, origins
        self.slide, self.analysis = slide, analysis
        self.warnings = PromptWarnings(analysis.encoders)
        self.tissue: TissueMask | None = None
        self.wanted = np.zeros(analysis.grid.count, bool)
        self.scored_with: Scoring | None = None
        self.reused = 0
        self.embedding_seconds = 0.0
        self._on_tissue: NDArray[np.bool_] | None = None
        self._lock = threading.Lock()
        self._users = 0
        self._retired = False

    @contextmanager
    def used(self) -> Generator[bool]:
        """Keep everything open meanwhile; yields whether it is: another slide may have taken its place."""
        with self._lock:
            there = not self._retired
            self._users += there
        if not there:
            yield False
            return
        try:
            yield True
        finally:
            with self._lock:
                self._users -= 1
                last = self._retired and not self._users
            if last:
                self._close()

    def retire(self) -> None:
        """Close everything, now or when the last user lets go."""
        with self._lock:
            if self._retired:
                return
            self._retired = True
            free = not self._users
        if free:
            self._close()

    def embedded(self) -> NDArray[np.int64]:
        """Tiles that were asked for and are embedded, in order."""
        flags = np.zeros_like(self.wanted)
        flags[self.analysis.embedded()] = True
        return np.flatnonzero(flags & self.wanted)

    def choose(self, area: Area) -> NDArray[np.int64]:
        """Tiles of an area, those to do first in front.

        Raises
        ------
        SlideError
            There are none; the message says why.
        """
        if area.again is not None:
            return np.intersect1d(area.again, self.analysis.embedded())
        choice = choose_tiles(self.slide, self.analysis.grid, area.place)
        self.tissue = choice.tissue
        return self._ordered(choice.indices, area)

    def in_view(self, area: Area) -> NDArray[np.int64]:
        """Tiles on tissue within a rectangle, those to do first in front; there may be none."""
        if self._on_tissue is None:
            from napari_histoalign.slides import find_tissue

            self.tissue = find_tissue(self.slide)
            self._on_tissue = np.zeros(self.analysis.grid.count, bool)
            self._on_tissue[self.analysis.grid.on(self.tissue)] = True
        assert area.place.region is not None
        near = self.analysis.grid.within(*area.place.region)
        return self._ordered(near[self._on_tissue[near]], area)

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count tiles as wanted; returns those that have to be embedded."""
        missing = self.analysis.missing(indices)
        fresh = indices[~self.wanted[indices]]
        self.reused += len(fresh) - len(np.intersect1d(fresh, missing))
        self.wanted[indices] = True
        return missing

    def _ordered(self, indices: NDArray[np.int64], area: Area) -> NDArray[np.int64]:
        return indices if area.centre is None else outwards(self.analysis.grid, indices, area.centre)

    def _close(self) -> None:
        self.analysis.close()
        self.slide.close()
