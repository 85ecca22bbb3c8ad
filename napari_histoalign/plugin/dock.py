"""The dock: builds its parts and wires them to the presenter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFileDialog, QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_histoalign.alignment import DESCRIPTIONS, Alignment, PromptSet
from napari_histoalign.alignment.prompt_library import library
from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin import slide_layers
from napari_histoalign.plugin.encoder_choices import EMBEDDED
from napari_histoalign.plugin.encoder_desk import EncoderDesk
from napari_histoalign.plugin.jobs import Setup
from napari_histoalign.plugin.presenter import Presenter
from napari_histoalign.plugin.runner import ThreadRunner
from napari_histoalign.plugin.widgets.alignment_box import AlignmentBox
from napari_histoalign.plugin.widgets.encoder_box import EncoderBox
from napari_histoalign.plugin.widgets.prompt_box import PromptBox
from napari_histoalign.plugin.widgets.run_box import RunBox
from napari_histoalign.plugin.widgets.slide_box import SlideBox

if TYPE_CHECKING:
    import napari

    from napari_histoalign.engine import Progress
    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.plugin.result_layers import ResultLayers
    from napari_histoalign.plugin.seams import State

DEFAULT_PROMPTS = "breast"
DEFAULT_ALIGNMENT = "many-to-many"
RESCORE_MS = 200
"""Wait so long for the next key before scoring again."""


class HistoAlignDock(QWidget):
    """Zero-shot classification of the slide in the viewer.

    Parameters
    ----------
    napari_viewer
        The viewer, handed in by napari.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.slide_box = SlideBox()
        self.prompt_box = PromptBox(library())
        self.alignment_box = AlignmentBox(DESCRIPTIONS, DEFAULT_ALIGNMENT)
        self.encoder_box = EncoderBox(EMBEDDED, mpp=Setup.mpp, tile=Setup.tile)
        self.run_box = RunBox()
        self._lay_out()
        self.presenter = Presenter(
            napari_viewer, self, lambda: ThreadRunner(self), later=lambda call: QTimer.singleShot(0, call)
        )
        self._rescore_soon = QTimer(self, singleShot=True, interval=RESCORE_MS)
        self._rescore_soon.timeout.connect(self._rescore)
        self._connect()
        self.use_prompts(DEFAULT_PROMPTS)
        self._rescore()
        self._on_layers_changed()
        self.run_box.notice.setText(self.encoder_box.notice())
        self.encoder_desk = EncoderDesk(
            self, self.encoder_box, lambda text: self.show_status(text, error=True)
        )
        self.encoder_desk.offer()

    # what the presenter shows

    def show_status(self, text: str, *, error: bool = False) -> None:
        """Show one line of text."""
        self.run_box.show_status(text, error=error)

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far a run is; None: it is not known yet."""
        if progress is None:
            self.run_box.show_progress(0, 0, 0.0, 0.0)
        else:
            self.run_box.show_progress(
                progress.done, progress.total, progress.tiles_per_second, progress.seconds_left
            )

    def show_state(self, state: State) -> None:
        """Enable what can be done in this state."""
        self.run_box.set_state(
            state,
            has_slide=self.slide_box.current() is not None,
            has_results=self.presenter.results is not None and bool(self.presenter.results.names),
        )

    def show_results(self, results: ResultLayers) -> None:
        """Offer the result layers that can be looked at."""
        names = tuple(key.title for key in results.keys)
        chosen = results.chosen
        self.run_box.show_overlays(names, "" if chosen is None else chosen.title)
        self.show_state(self.presenter.state)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show what goes with scores: how encoders were compared, what is wrong with prompts."""
        self.alignment_box.show_pairs(snapshot.notes)
        self.prompt_box.show_warnings(snapshot.warnings)

    # what the person does

    def _on_layers_changed(self) -> None:
        slides = slide_layers.slide_layers(self._viewer)
        active = self._viewer.layers.selection.active
        current = self.slide_box.current()
        wanted = active if active in slides and current not in slides else current
        self.slide_box.set_slides([(layer.name, layer) for layer in slides], wanted)

    def _on_slide_chosen(self, layer: Any) -> None:
        self.presenter.set_slide(layer)
        self.show_state(self.presenter.state)
        if layer is None:
            text = "Open a slide: drop a file on the window, or File &gt; Open Sample &gt; HistoAlign."
            self.slide_box.show_info(text, ask_mpp=False)
            return
        known = slide_layers.slide_mpp(layer) is not None
        if known:
            slide_layers.show_scale_bar(self._viewer)
        self.slide_box.show_info(slide_layers.describe(layer, self._setup(layer)), ask_mpp=not known)

    def _on_mpp_given(self, mpp: float) -> None:
        layer = self.slide_box.current()
        slide_layers.give_mpp(layer, mpp)
        if self.presenter.results is not None and self.presenter.results.slide_layer is layer:
            self.presenter.results.reposition()
        self._viewer.reset_view()
        self._on_slide_chosen(layer)

    def _on_setup_changed(self) -> None:
        self.run_box.notice.setText(self.encoder_box.notice())
        if self.slide_box.current() is not None:
            self._on_slide_chosen(self.slide_box.current())

    def _on_run(self, where: str) -> None:
        layer = self.slide_box.current()
        if layer is not None:
            self._rescore_now()
            self.presenter.run(where, layer, self._setup(layer))  # type: ignore[arg-type]

    def _on_draw(self) -> None:
        slide_layers.draw_region(self._viewer, self.slide_box.current())
        self.show_status("Click the corners of the region, double-click to close it, then run on shapes.")

    def _on_overlay(self, name: str) -> None:
        results = self.presenter.results
        if results is not None:
            results.choose(next((key for key in results.keys if key.title == name), None))

    def _on_opacity(self, opacity: float) -> None:
        if self.presenter.results is not None:
            self.presenter.results.set_opacity(opacity)

    def _on_load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a prompt set", "", "Prompt sets (*.yaml *.yml)")
        if name:
            self.use_prompts(name)

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the prompt set", "prompts.yaml", "Prompt sets (*.yaml)"
        )
        if name:
            path = Path(name) if Path(name).suffix else Path(name).with_suffix(".yaml")
            self._try(lambda: self.prompt_box.prompts().save(path), f"Prompts saved to {path}")

    def _on_export(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if name:
            self.presenter.export(Path(name))

    def use_prompts(self, name: str) -> None:
        """Show a prompt set: a built-in name or a YAML file."""
        self._try(lambda: self.prompt_box.set_prompts(PromptSet.load(name)))

    def _rescore_now(self) -> None:
        """Do not wait for the timer: a run is about to start with what the dock shows."""
        self.prompt_box.settle()
        if self._rescore_soon.isActive():
            self._rescore_soon.stop()
            self._rescore()

    def _rescore(self) -> None:
        alignment = Alignment(self.alignment_box.strategy.currentData())
        self.show_status("")
        self._try(lambda: self.presenter.set_scoring(self.prompt_box.prompts(), alignment))

    def _try(self, action: Callable[[], object], done: str = "") -> None:
        """Do something a person asked for; say why if it cannot be done."""
        try:
            action()
        except (HistoalignError, OSError) as err:
            self.show_status(str(err), error=True)
        else:
            if done:
                self.show_status(done)

    def _setup(self, layer: Any) -> Setup:
        path = slide_layers.slide_path(layer)
        assert path is not None
        return Setup(
            path=path,
            slide_mpp=slide_layers.given_mpp(layer),
            encoders=self.encoder_box.encoders(),
            mpp=self.encoder_box.mpp.value(),
            tile=self.encoder_box.tile.value(),
            device=self.encoder_box.device.currentData(),
        )

    def _lay_out(self) -> None:
        content = QWidget()
        stack = QVBoxLayout(content)
        stack.setContentsMargins(8, 8, 8, 8)
        stack.setSpacing(8)
        for box in (self.slide_box, self.prompt_box, self.alignment_box, self.encoder_box):
            stack.addWidget(box)
        stack.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.run_box)
        self.setMinimumWidth(340)

    def _connect(self) -> None:
        self.slide_box.slide_chosen.connect(self._on_slide_chosen)
        self.slide_box.mpp_given.connect(self._on_mpp_given)
        self.prompt_box.edited.connect(lambda _: self._rescore_soon.start())
        self.prompt_box.refused.connect(lambda text: self.show_status(text, error=True))
        self.prompt_box.set_chosen.connect(self.use_prompts)
        self.prompt_box.load_requested.connect(self._on_load)
        self.prompt_box.save_requested.connect(self._on_save)
        self.alignment_box.alignment_chosen.connect(lambda _: self._rescore_soon.start())
        self.alignment_box.threshold_changed.connect(self.presenter.set_threshold)
        self.encoder_box.changed.connect(self._on_setup_changed)
        self.run_box.run_requested.connect(self._on_run)
        self.run_box.cancel_requested.connect(self.presenter.cancel)
        self.run_box.export_requested.connect(self._on_export)
        self.run_box.draw_requested.connect(self._on_draw)
        self.run_box.overlay_chosen.connect(self._on_overlay)
        self.run_box.opacity_changed.connect(self._on_opacity)
        layers = self._viewer.layers.events
        layers.inserted.connect(self._on_layers_changed)
        layers.removed.connect(self._on_layers_changed)
        presenter = self.presenter
        self.destroyed.connect(lambda: presenter.close())  # napari never calls closeEvent of a dock
