"""What happens when: the dock's logic, without Qt, so that it can be tested without a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.areas import Where, chosen_area
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.errands import Errands
from napari_histoalign.plugin.geometry import RegionError, look_at
from napari_histoalign.plugin.jobs import Area, Scoring
from napari_histoalign.plugin.on_slide import OnSlide
from napari_histoalign.plugin.result_layers import ResultLayers
from napari_histoalign.plugin.telling import summary_of, written_of
from napari_histoalign.plugin.work import Work
from napari_histoalign.workflow.place import Place

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.alignment.refining import Refinement
    from napari_histoalign.engine import MarkedTiles, Progress
    from napari_histoalign.plugin.jobs import Setup, Snapshot
    from napari_histoalign.plugin.result_layers import Later
    from napari_histoalign.plugin.seams import Panel, Runners, State
    from napari_histoalign.slides import Slide
    from napari_histoalign.workflow.summary import RunSummary


class Presenter:
    """Has tiles embedded and scored, and shows what comes of it. It is the dock's `Desk`.

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

    Attributes
    ----------
    snapshot_shown, slide_changed
        See `napari_histoalign.plugin.desk.Desk`.
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
        self._panel, self._later = panel, later
        self._bench = bench or Bench()
        self._work = Work(self._bench, runners, self)
        self.errands = Errands(runners(), lambda sentence: self.say(sentence, error=True))
        self._scoring: Scoring | None = None
        self._threshold = 0.5
        self._hidden: frozenset[str] = frozenset()
        self._state: State = "ready"
        self._closed = False
        self._slide_layer: Any = None
        self._slides: dict[Any, OnSlide] = {}
        self._at_work: OnSlide | None = None
        self._follow: Setup | None = None
        self._asked = False  # the person asked for what runs, and is told how it ended
        self._exported: Callable[[bool], None] | None = None
        self._was_written = False
        viewer.layers.events.removed.connect(self._on_layer_removed)

    # the desk

    def slide_layer(self) -> Any | None:
        """Image layer of the slide that is looked at."""
        return self._slide_layer

    def snapshot(self) -> Snapshot | None:
        """Scores of that slide that are shown now."""
        here = self._here
        return None if here is None else here.snapshot

    def slide(self) -> Slide | None:
        """That slide, open; None before the first run on it, and while another one is run on."""
        return self._bench.slide if self._here is self._at_work is not None else None

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
        if self._scoring is not None and marked is not self._scoring.marked:
            self._change(replace(self._scoring, marked=marked), self._scoring.refinement.needs_examples)

    # what is going on

    @property
    def state(self) -> State:
        """What the person asked for that goes on."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether any job is running, scoring counted in."""
        return self._work.busy

    @property
    def results(self) -> ResultLayers | None:
        """Layers of the slide that is looked at, or None."""
        here = self._here
        return None if here is None else here.results

    @property
    def scoring(self) -> Scoring | None:
        """What is scored with."""
        return self._scoring

    @property
    def threshold(self) -> float:
        """Lowest probability that counts."""
        return self._threshold

    @property
    def following(self) -> bool:
        """Whether the view is followed."""
        return self._follow is not None

    # what the person does

    def set_slide(self, layer: Any | None) -> None:
        """Another slide is looked at, or none; its results come with it."""
        if layer is self._slide_layer:
            return
        self._slide_layer = layer
        self.slide_changed.emit(layer)
        if (here := self._here) is not None:
            here.results.apply_threshold(self._threshold)
        self.snapshot_shown.emit(self.snapshot())
        self._score_here()

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
        if (here := self._here) is not None:
            here.results.apply_threshold(threshold)

    def set_hidden(self, names: frozenset[str]) -> None:
        """Draw these classes as little as background."""
        self._hidden = names
        if (here := self._here) is not None:
            self._draw(here)

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
        self._enter("running")
        self._panel.show_progress(None)
        self._work.embed(setup)

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

    def view_changed(self) -> None:
        """The camera moved: tiles in view come first from now on."""
        setup, layer = self._follow, self._slide_layer
        if setup is None or layer is None or self._scoring is None:
            return
        if self._work.embedding and self._at_work is not None and self._at_work.setup != setup:
            return  # other tiles are being run; these have their turn afterwards
        try:
            area = chosen_area(self.viewer, "view", layer)
        except RegionError:
            self._bench.look_at(None)
            return
        self._prepare(layer, setup)
        self._bench.look_at(area)
        if self._state == "ready":
            self._work.embed(setup)

    def show_again(self, indices: NDArray[np.int64], slide_layer: Any, setup: Setup) -> None:
        """Score those of some tiles that are embedded already; reads no pixel.

        Parameters
        ----------
        indices
            Tiles of the grid that `setup` makes, shape (n,).
        slide_layer, setup
            As for `run`.
        """
        if self._state == "ready" and self._scoring is not None and not self._work.embedding:
            self._prepare(slide_layer, setup)
            self._bench.want(Area(Place(), again=indices))
            self._work.embed(setup)

    def cancel(self) -> None:
        """Stop the run; what was embedded stays."""
        self._work.stop()
        if self._state == "running":
            self._enter("cancelling")
            self.say("Stopping ...")

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
        here = self._here
        if self._state != "ready" or self._scoring is None:
            return False
        if here is None or here is not self._at_work:
            self.say("Run on this slide first: another one was run since.", error=True)
            return False
        self._exported, self._was_written = done, False
        self._enter("exporting")
        self._work.export(folder, self._threshold)
        return True

    def close(self) -> None:
        """Stop what runs and touch nothing any more."""
        self._closed = True
        self.errands.close()
        self.viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._work.close()

    # what the lanes tell

    def told(self, text: str, *, error: bool = False) -> None:
        """Something is going on, or went wrong."""
        if error:
            self._asked = False
        self.say(text, error=error)

    def progressed(self, progress: Progress) -> None:
        """Tiles were embedded."""
        self._panel.show_progress(progress)

    def scored(self, snapshot: Snapshot, *, last: bool) -> None:
        """Show scores of the slide that is worked on."""
        there = self._at_work
        if there is None:
            return
        there.take(snapshot)
        self._draw(there)
        if there is self._here:
            self._panel.show_results(there.results)
            self._panel.show_snapshot(snapshot)
            self.snapshot_shown.emit(snapshot)
        if last:
            stopped = self._asked and self._work.stopped
            run = self._asked or there.grown  # following the view, nobody asked for a run
            self.say(summary_of(snapshot, self._threshold, run=run, stopped=stopped))
            self._asked = there.grown = False

    def written(self, summary: RunSummary) -> None:
        """Results were exported."""
        self._was_written = True
        self.say(written_of(summary))

    def embedded(self) -> None:
        """Nothing more is to be embedded for now."""
        going = self._state in ("running", "cancelling")
        self._enter("ready" if going else self._state)

    def rested(self) -> None:
        """Nothing more is to be scored or written for now."""
        if self._state == "exporting" and not self._work.writing:
            self._enter("ready")
            exported, self._exported = self._exported, None
            if exported is not None:
                exported(self._was_written)

    # within

    @property
    def _here(self) -> OnSlide | None:
        """The slide that is looked at, once something was run on it."""
        return self._slides.get(self._slide_layer)

    def _prepare(self, slide_layer: Any, setup: Setup) -> None:
        """Have layers for a slide's results; forget the scores of other tiles."""
        there = self._slides.get(slide_layer)
        if there is None:
            there = self._slides[slide_layer] = OnSlide(ResultLayers(self.viewer, slide_layer, self._later))
        self._at_work = there
        self.set_slide(slide_layer)
        if there.begin(setup):
            self.snapshot_shown.emit(None)

    def _change(self, scoring: Scoring, counts: bool) -> None:
        """Take another scoring; score again where it counts."""
        before = self._scoring
        number = 0 if before is None else before.generation + (1 if counts else 0)
        self._scoring = replace(scoring, generation=number)
        self._score_here()

    def _score_here(self) -> None:
        """Score the slide that is looked at anew, if its scores are out of date."""
        if self._scoring is None:
            return
        here = self._here
        self._work.score(self._scoring, now=here is self._at_work)
        if here is None or here is self._at_work or here.setup is None or here.snapshot is None:
            return
        if here.snapshot.scoring.generation != self._scoring.generation:
            self.show_again(here.snapshot.scored.indices, self._slide_layer, here.setup)

    def _draw(self, there: OnSlide) -> None:
        """Put what is shown into the layers."""
        there.draw(self._threshold, self._hidden, finished=not self._work.embedding)

    def _on_layer_removed(self, event: Any) -> None:
        """The slide was removed from the viewer: stop running on it."""
        gone = self._slides.pop(event.value, None)
        if gone is not None and gone is self._at_work:
            self._at_work = self._follow = None
            self._bench.look_at(None)
            self.cancel()
        if event.value is self._slide_layer:
            self.set_slide(None)

    def _enter(self, state: State) -> None:
        self._state = state
        self._panel.show_state(state)
