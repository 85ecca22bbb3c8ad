"""What happens when: the dock's logic, without Qt, so that it can be tested without a window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.areas import Where, chosen_area
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.errands import Errands
from napari_histoalign.plugin.geometry import RegionError, look_at
from napari_histoalign.plugin.jobs import Area, Note, Report, Scoring, Snapshot, Step, Written
from napari_histoalign.plugin.lane import Lane
from napari_histoalign.plugin.result_layers import ResultLayers, warm_up
from napari_histoalign.plugin.telling import summary_of
from napari_histoalign.workflow.place import Place

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.alignment.refining import Refinement
    from napari_histoalign.engine import MarkedTiles
    from napari_histoalign.plugin.jobs import Setup
    from napari_histoalign.plugin.result_layers import Later
    from napari_histoalign.plugin.seams import Panel, Runners, State
    from napari_histoalign.slides import Slide

REDRAW_SECONDS = 0.1
"""Layers are redrawn at most so often while a run goes on."""
SCORING_SHARE = 0.2
"""Scoring everything again for a redraw may take this share of a run's time."""


class Presenter:
    """Starts jobs, shows what they report, and drops what is out of date. It is the dock's `Desk`.

    One lane embeds, another scores: a change of prompts or alignment is scored at once, whatever goes on
    beside it, and results of an older generation are not shown. Tiles in view go before all others while
    the view is followed.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    panel
        The dock, or a stand-in.
    runners
        Makes the runners of the lanes.
    bench
        The workers' side; a new one by default.
    later
        Calls what it is given when the window has caught up; see `ResultLayers`.
    """

    snapshot_shown = Signal(object)
    slide_changed = Signal(object)

    def __init__(
        self,
        viewer: Any,
        panel: Panel,
        runners: Runners,
        bench: Bench | None = None,
        later: Later | None = None,
    ) -> None:
        self.viewer = viewer
        self._panel = panel
        self._bench = bench or Bench()
        self._later = later
        self._embedding = Lane(runners(), self._on_report, self._on_error, self._on_embedding_end)
        self._scoring_lane = Lane(runners(), self._on_report, self._on_scoring_error, self._on_scoring_end)
        self.errands = Errands(runners(), lambda sentence: self.say(sentence, error=True))
        self._scoring: Scoring | None = None
        self._threshold = 0.5
        self._state: State = "ready"
        self._closed = False
        self._cancel = threading.Event()
        self._slide_layer: Any = None
        self._hidden: frozenset[str] = frozenset()
        self._setup: Setup | None = None
        self._follow: Setup | None = None
        self._results: ResultLayers | None = None
        self._all_results: dict[Any, ResultLayers] = {}
        self._snapshot: Snapshot | None = None
        self._fresh = False  # tiles were embedded that are not scored yet
        self._due = 0.0
        self._asked = False  # the person asked for what runs, and will be told how it ended
        self._exported: Callable[[bool], None] = lambda written: None
        self._written = False
        self._failed_generation = -1
        self._failed = False  # and what was said of it is not to be talked over
        viewer.layers.events.removed.connect(self._on_layer_removed)

    # the desk

    def slide_layer(self) -> Any | None:
        """Image layer of the slide that is looked at."""
        return self._slide_layer

    def snapshot(self) -> Snapshot | None:
        """Scores shown now."""
        return self._snapshot

    def slide(self) -> Slide | None:
        """The open slide; None before the first run on it."""
        return self._bench.slide

    def say(self, text: str, *, error: bool = False) -> None:
        """Show one line of text."""
        if not self._closed:
            self._panel.show_status(text, error=error)

    def go_to(self, x: float, y: float, side_px: float) -> None:
        """Move the camera so that a square fills about half of the view: middle and side in level-0 px."""
        if self._slide_layer is not None:
            look_at(self.viewer, self._slide_layer, x, y, side_px)

    def set_marked(self, marked: MarkedTiles | None) -> None:
        """Take tiles whose class was told as examples; scores again where they count."""
        if self._scoring is None or marked is self._scoring.marked:
            return
        counts = self._scoring.refinement.needs_examples
        self._change(replace(self._scoring, marked=marked), counts)

    # what the person does

    @property
    def state(self) -> State:
        """What is going on."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether any job is running, scoring counted in."""
        return self._embedding.busy or self._scoring_lane.busy

    @property
    def results(self) -> ResultLayers | None:
        """Layers of the slide that was run on last, or None."""
        return self._results

    @property
    def scoring(self) -> Scoring | None:
        """What is scored with."""
        return self._scoring

    @property
    def threshold(self) -> float:
        """Lowest probability that counts."""
        return self._threshold

    def set_slide(self, layer: Any | None) -> None:
        """Another slide is looked at, or none."""
        if layer is not self._slide_layer:
            self._slide_layer = layer
            self.slide_changed.emit(layer)

    def set_scoring(
        self,
        prompts: PromptSet,
        alignment: Alignment,
        refinement: Refinement | None = None,
        other: Alignment | None = None,
    ) -> None:
        """Take new prompts or another method, and score again if there is something to score."""
        marked = None if self._scoring is None else self._scoring.marked
        found = Scoring(prompts, alignment, marked=marked, other=other)
        self._change(found if refinement is None else replace(found, refinement=refinement), True)

    def set_threshold(self, threshold: float) -> None:
        """Take a new threshold; the class layer follows at once."""
        self._threshold = threshold
        if self._results is not None:
            self._results.apply_threshold(threshold)

    def set_hidden(self, names: frozenset[str]) -> None:
        """Draw these classes as little as background."""
        self._hidden = names
        if self._snapshot is not None:
            self._draw(self._snapshot)

    def run(self, where: Where, slide_layer: Any, setup: Setup) -> None:
        """Run on the view, the selected shapes or the whole slide.

        Parameters
        ----------
        where
            Which area.
        slide_layer
            Image layer of the slide.
        setup
            Slide, encoders and tiles.
        """
        if self._state != "ready" or self._scoring is None:
            return
        try:
            area = chosen_area(self.viewer, where, slide_layer)
        except HistoalignError as err:
            self.say(str(err), error=True)
            return
        self._prepare(slide_layer, setup)
        self._asked = True
        self._bench.want(area)
        self._cancel.clear()
        self._enter("running")
        self._panel.show_progress(None)
        self._embed()

    def follow(self, setup: Setup | None) -> None:
        """Embed what is in view, and what comes into view; None: no more.

        Parameters
        ----------
        setup
            Slide, encoders and tiles of the slide that is looked at.
        """
        self._follow = setup
        if setup is None:
            self._bench.look_at(None)
        else:
            self.view_changed()

    @property
    def following(self) -> bool:
        """Whether the view is followed."""
        return self._follow is not None

    def view_changed(self) -> None:
        """The camera moved: tiles in view come first from now on."""
        if self._follow is None or self._slide_layer is None or self._scoring is None:
            return
        if self._setup not in (None, self._follow) and self._embedding.busy:
            return  # another set of tiles is being run; this one has its turn afterwards
        try:
            area = chosen_area(self.viewer, "view", self._slide_layer)
        except RegionError:
            self._bench.look_at(None)
            return
        self._prepare(self._slide_layer, self._follow)
        self._bench.look_at(area)
        if self._state == "ready":
            self._cancel.clear()
            self._embed()

    def cancel(self) -> None:
        """Stop the run; what was embedded stays."""
        self._bench.stop()
        if self._embedding.busy:
            self._cancel.set()
        if self._state == "running":
            self._enter("cancelling")
            self.say("Stopping ...")

    def show_again(self, indices: NDArray[np.int64], slide_layer: Any, setup: Setup) -> None:
        """Score those of some tiles that are embedded already; reads no pixel.

        Parameters
        ----------
        indices
            Tiles of the grid that `setup` makes, shape (n,).
        slide_layer, setup
            As for `run`.
        """
        if self._state == "ready" and self._scoring is not None:
            self._prepare(slide_layer, setup)
            self._bench.want(Area(Place(), again=indices))
            self._cancel.clear()
            self._embed()

    def export(self, folder: Path, done: Callable[[bool], None] = lambda written: None) -> bool:
        """Write the results to a folder, made if absent.

        Parameters
        ----------
        folder
            Where to.
        done
            Told at the end whether they were written; why they were not was said by then.

        Returns
        -------
        bool
            False where something else is going on.
        """
        if self._state != "ready" or self._scoring is None:
            return False
        self._exported = done
        self._written = False
        self._enter("exporting")
        self._scoring_lane.start(partial(self._bench.export, folder, self._scoring, self._threshold))
        return True

    def close(self) -> None:
        """Stop what runs and touch nothing any more."""
        self._closed = True
        self._cancel.set()
        self.errands.close()
        self.viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._bench.close()

    # lanes

    def _prepare(self, slide_layer: Any, setup: Setup) -> None:
        """Have layers for a slide's results; forget the scores of other tiles."""
        if slide_layer not in self._all_results:
            self._all_results[slide_layer] = ResultLayers(self.viewer, slide_layer, self._later)
        self._results = self._all_results[slide_layer]
        if setup != self._setup:
            self._setup = setup
            self._forget_snapshot()
            self._results.forget_deleted()
        self.set_slide(slide_layer)
        self._failed_generation, self._failed = -1, False

    def _embed(self) -> None:
        if self._setup is not None and not self._embedding.busy:
            self._embedding.start(partial(self._embed_job, self._setup))

    def _embed_job(self, setup: Setup) -> Iterator[Report]:
        """Embedding as it goes on in the worker thread."""
        warm_up()
        yield from self._bench.embed(setup, self._cancel.is_set)

    def _change(self, scoring: Scoring, counts: bool) -> None:
        """Take another scoring; score again where it counts."""
        before = self._scoring
        number = 0 if before is None else before.generation + (1 if counts else 0)
        self._scoring = replace(scoring, generation=number)
        self._failed = False
        self._score_if_due()

    def _current_scoring(self) -> Scoring:
        """Asked by the worker thread; assignment of one attribute is atomic."""
        assert self._scoring is not None
        return self._scoring

    def _score_if_due(self) -> None:
        """Score if what is shown is out of date, and not too often while a run goes on."""
        scoring = self._scoring
        if scoring is None or self._results is None or not self._bench.has_scores or self._scoring_lane.busy:
            return
        shown = self._snapshot.scoring.generation if self._snapshot else -1
        stale = scoring.generation not in (shown, self._failed_generation)
        waits = self._embedding.busy and time.monotonic() < self._due
        if (stale and self._snapshot is not None) or (self._fresh and not waits):
            self._fresh = False
            self._scoring_lane.start(partial(self._bench.score, self._current_scoring))

    def _on_report(self, report: Report) -> None:
        if self._closed:
            return
        if isinstance(report, Note):
            self.say(report.text, error=report.problem)
        elif isinstance(report, Step):
            self._panel.show_progress(report.progress)
            self._fresh = self._fresh or report.progress.done > 0
            self._score_if_due()
        elif isinstance(report, Written):
            self._told_written(report)
        else:
            self._show(report)

    def _told_written(self, report: Written) -> None:
        self._written = True
        summary = report.summary
        files = len(summary.files) + (0 if summary.refined is None else len(summary.refined.files))
        self.say(" ".join([f"{files} files written to {summary.folder}.", *summary.notes]))

    def _show(self, snapshot: Snapshot) -> None:
        """Show scores unless they are out of date or their slide is gone."""
        self._due = time.monotonic() + max(REDRAW_SECONDS, snapshot.seconds / SCORING_SHARE)
        stale = snapshot.scoring.generation != self._current_scoring().generation
        if stale or self._results is None:
            return
        self._draw(snapshot)
        self._snapshot = snapshot
        self._panel.show_results(self._results)
        self._panel.show_snapshot(snapshot)
        self.snapshot_shown.emit(snapshot)
        if not (self._embedding.busy or self._failed or self._fresh):
            self._tell_end(snapshot)

    def _draw(self, snapshot: Snapshot) -> None:
        """Put what is shown into the layers."""
        prompts = snapshot.scoring.prompts
        if self._results is not None:
            self._results.show(
                snapshot.rasters,
                background=tuple(c.is_background or c.name in self._hidden for c in prompts.classes),
                overlay=prompts.class_names[prompts.overlay_class],
                threshold=self._threshold,
                finished=not self._embedding.busy,
            )

    def _tell_end(self, snapshot: Snapshot) -> None:
        """One line at the end of a run or a re-scoring."""
        stopped = self._asked and self._cancel.is_set()
        self.say(summary_of(snapshot, self._threshold, run=self._asked, stopped=stopped))
        self._asked = False

    def _on_error(self, error: Exception) -> None:
        self._bench.stop()
        self._asked, self._failed = False, True
        self.say(str(error) or type(error).__name__, error=True)

    def _on_scoring_error(self, error: Exception) -> None:
        self._failed_generation = self._scoring.generation if self._scoring else -1
        self._fresh = False
        self.say(str(error) or type(error).__name__, error=True)

    def _on_embedding_end(self) -> None:
        if self._closed:
            return
        if self._bench.has_work and not self._cancel.is_set():
            self._embed()
            return
        self._due = 0.0
        if self._state in ("running", "cancelling"):
            self._enter("ready")
        self._fresh = self._bench.has_scores  # once more, with everything there is
        self._score_if_due()

    def _on_scoring_end(self) -> None:
        if self._closed:
            return
        if self._state == "exporting":
            self._enter("ready")
            self._exported(self._written)
        self._score_if_due()

    def _on_layer_removed(self, event: Any) -> None:
        """The slide was removed from the viewer: stop running on it."""
        self._all_results.pop(event.value, None)
        if self._results is not None and event.value is self._results.slide_layer:
            self._results = None
            self._setup = self._follow = None
            self._bench.look_at(None)
            self._forget_snapshot()
            self.cancel()
        if event.value is self._slide_layer:
            self.set_slide(None)

    def _forget_snapshot(self) -> None:
        if self._snapshot is not None:
            self._snapshot = None
            self.snapshot_shown.emit(None)

    def _enter(self, state: State) -> None:
        self._state = state
        self._panel.show_state(state)
