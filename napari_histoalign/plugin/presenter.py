"""What happens when: the dock's logic, without Qt, so that it can be tested without a window."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.areas import Where, chosen_area
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.jobs import Area, Note, Report, Scoring, Setup, Snapshot, Step, Written
from napari_histoalign.plugin.result_layers import ResultLayers, warm_up

if TYPE_CHECKING:
    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.plugin.seams import Job, Panel, Runner, State


class Presenter:
    """Starts jobs, shows what they report, and drops what is out of date.

    One job runs at a time. A change of prompts or alignment during a run is
    picked up by the run's next snapshot; at rest it starts a re-scoring, and
    results of an older generation are not shown.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    panel
        The dock, or a stand-in.
    runner
        Runs jobs in the background.
    bench
        The worker's side; a new one by default.
    """

    def __init__(self, viewer: Any, panel: Panel, runner: Runner, bench: Bench | None = None) -> None:
        self._viewer = viewer
        self._panel = panel
        self._runner = runner
        self._bench = bench or Bench()
        self._scoring: Scoring | None = None
        self._threshold = 0.5
        self._state: State = "ready"
        self._busy = False
        self._closed = False
        self._cancel = threading.Event()
        self._results: ResultLayers | None = None
        self._all_results: dict[Any, ResultLayers] = {}
        self._snapshot: Snapshot | None = None
        self._waiting: Job[Report] | None = None
        self._failed_generation = -1
        viewer.layers.events.removed.connect(self._on_layer_removed)

    @property
    def state(self) -> State:
        """What is going on."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether any job is running, a re-scoring counted in."""
        return self._busy

    @property
    def results(self) -> ResultLayers | None:
        """Layers of the last run, or None."""
        return self._results

    @property
    def snapshot(self) -> Snapshot | None:
        """The scores shown now, or None."""
        return self._snapshot

    def set_scoring(self, prompts: PromptSet, alignment: Alignment) -> None:
        """Take new prompts or another alignment, and score again if there is something to score."""
        generation = self._scoring.generation + 1 if self._scoring else 0
        self._scoring = Scoring(prompts, alignment, generation)
        if not self._busy:
            self._rescore_if_stale()

    def set_threshold(self, threshold: float) -> None:
        """Take a new threshold; the class layer follows at once."""
        self._threshold = threshold
        if self._results is not None:
            self._results.apply_threshold(threshold)

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
            area = chosen_area(self._viewer, where, slide_layer)
        except HistoalignError as err:
            self._panel.show_status(str(err), error=True)
            return
        self._results = self._all_results.setdefault(slide_layer, ResultLayers(self._viewer, slide_layer))
        self._results.forget_deleted()
        self._snapshot = None
        self._failed_generation = -1
        self._cancel.clear()
        self._enter("running")
        self._panel.show_progress(None)
        self._start(partial(self._run, setup, area))

    def cancel(self) -> None:
        """Stop the run; what was embedded stays."""
        if self._state == "running":
            self._cancel.set()
            self._enter("cancelling")
            self._panel.show_status("Stopping ...")

    def export(self, folder: Path) -> None:
        """Write the results to a folder, made if absent."""
        if self._state == "ready" and self._scoring is not None:
            self._enter("exporting")
            self._start(partial(self._bench.export, folder, self._scoring, self._threshold))

    def show_only(self, name: str | None) -> None:
        """Show one of the result layers; None shows none."""
        if self._results is not None:
            self._results.only_visible(name)

    def set_opacity(self, opacity: float) -> None:
        """Set the opacity of the result layers."""
        if self._results is not None:
            self._results.set_opacity(opacity)

    def close(self) -> None:
        """Stop what runs and touch nothing any more."""
        self._closed = True
        self._cancel.set()
        self._viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._bench.close()

    def _run(self, setup: Setup, area: Area) -> Iterator[Report]:
        """The run as it goes on in the worker thread."""
        warm_up()
        yield from self._bench.run(setup, area, self._current_scoring, self._cancel.is_set)

    def _current_scoring(self) -> Scoring:
        """Asked by the worker thread; assignment of one attribute is atomic."""
        assert self._scoring is not None
        return self._scoring

    def _start(self, job: Job[Report]) -> None:
        if self._busy:  # a re-scoring is going on: wait for it
            self._waiting = job
            return
        self._busy = True
        self._runner.start(job, self._on_report, self._on_error, self._on_end)

    def _rescore_if_stale(self) -> None:
        if self._scoring is None or self._results is None or not self._bench.has_scores:
            return
        shown = self._snapshot.scoring.generation if self._snapshot else -1
        if self._scoring.generation not in (shown, self._failed_generation):
            self._start(partial(self._bench.rescore, self._current_scoring))

    def _on_report(self, report: Report) -> None:
        if self._closed:
            return
        if isinstance(report, Note):
            self._panel.show_status(report.text)
        elif isinstance(report, Step):
            self._panel.show_progress(report.progress)
        elif isinstance(report, Written):
            files = len(report.summary.files)
            self._panel.show_status(
                " ".join([f"{files} files written to {report.summary.folder}.", *report.summary.notes])
            )
        else:
            self._show(report)

    def _show(self, snapshot: Snapshot) -> None:
        """Show scores unless they are out of date or their slide is gone."""
        if snapshot.progress is not None:
            self._panel.show_progress(snapshot.progress)
        stale = snapshot.scoring.generation != self._current_scoring().generation
        if stale or self._results is None:
            return
        prompts = snapshot.scoring.prompts
        offered = self._results.names
        self._results.show(
            snapshot.probability_map,
            background=tuple(c.is_background for c in prompts.classes),
            overlay=prompts.class_names[prompts.overlay_class],
            threshold=self._threshold,
            finished=snapshot.finished,
        )
        if self._results.names != offered:
            self._panel.show_overlays(self._results.names, prompts.class_names[prompts.overlay_class])
        self._snapshot = snapshot
        if snapshot.finished:
            self._panel.show_unknown_words(snapshot.unknown)
            self._panel.show_pairs(snapshot.scored.notes)
            self._panel.show_status(self._summary(snapshot))

    def _summary(self, snapshot: Snapshot) -> str:
        """One line for the end of a job."""
        scores, progress = snapshot.scored.tiles, snapshot.progress
        shown = snapshot.scoring.prompts.overlay_class
        hits = int(((scores.label == shown) & (scores.probabilities[:, shown] >= self._threshold)).sum())
        found = (
            f"{len(scores):,} tiles, {hits:,} of them {scores.class_names[shown]} ({hits / len(scores):.0%})"
        )
        if progress is None:
            return f"Scored again in {snapshot.seconds:.2f} s: {found}"
        if self._cancel.is_set():
            return f"Stopped after {found}. Run again to go on from here."
        unread = f"; {progress.unread} could not be read" if progress.unread else ""
        return f"Scored {found}{unread}"

    def _on_error(self, error: Exception) -> None:
        self._failed_generation = self._scoring.generation if self._scoring else -1
        if not self._closed:
            self._panel.show_status(str(error) or type(error).__name__, error=True)

    def _on_end(self) -> None:
        self._busy = False
        if self._closed:
            return
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._start(waiting)
            return
        self._enter("ready")
        self._rescore_if_stale()

    def _on_layer_removed(self, event: Any) -> None:
        """The slide was removed from the viewer: stop running on it."""
        self._all_results.pop(event.value, None)
        if self._results is not None and event.value is self._results.slide_layer:
            self._results = None
            self._snapshot = None
            self.cancel()

    def _enter(self, state: State) -> None:
        self._state = state
        self._panel.show_state(state)
