"""The dock: tabs above, what runs below, and between them the presenter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog, QTabWidget, QVBoxLayout, QWidget

from napari_histoalign.plugin import slide_layers
from napari_histoalign.plugin.encoder_desk import EncoderDesk
from napari_histoalign.plugin.encoder_seams import Steps
from napari_histoalign.plugin.later import Later
from napari_histoalign.plugin.preferences import PreferenceWatch, guarded
from napari_histoalign.plugin.presenter import Presenter
from napari_histoalign.plugin.runner import ThreadRunner
from napari_histoalign.plugin.session_keeper import SessionKeeper
from napari_histoalign.plugin.tabs.ask import AskTab
from napari_histoalign.plugin.tabs.look import LookTab
from napari_histoalign.plugin.tabs.review import ReviewTab
from napari_histoalign.plugin.tabs.window import SessionSide
from napari_histoalign.plugin.widgets.keys_dialog import KeysHelp
from napari_histoalign.plugin.widgets.run_box import RunBox

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari

    from napari_histoalign.engine import Progress
    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.plugin.preferences import Preferences
    from napari_histoalign.plugin.result_layers import ResultLayers
    from napari_histoalign.plugin.seams import State

VIEW_MS = 60
"""The camera has come to rest when it has not moved for so long."""
LAYER_SECONDS = 0.04
"""Between two new layers, so that the window catches up."""
LEAST_WIDTH = 340


class HistoAlignDock(QWidget):
    """Zero-shot and few-shot classification of the slide in the viewer.

    Parameters
    ----------
    napari_viewer
        The viewer, handed in by napari.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._closing: list[Callable[[], None]] = []
        self.destroyed.connect(_all_of(self._closing))  # napari never calls closeEvent of a dock
        self.preferences = PreferenceWatch()
        self.run_box = RunBox()
        self.tabs = QTabWidget()
        later = Later(self)
        self.presenter = Presenter(
            napari_viewer,
            self,
            lambda: ThreadRunner(self),
            later=lambda call: later(LAYER_SECONDS, call),
        )
        self.ask = AskTab(self.presenter, self.preferences.now)
        self.look = LookTab(self.presenter, self.ask.encoder_box.titles, self.ask.set_threshold)
        self.review = ReviewTab(self.presenter, self.preferences.now.reviewer)
        self.keys_help = KeysHelp(self)
        self._lay_out()
        self._view_soon = QTimer(self, singleShot=True, interval=VIEW_MS)
        self._view_soon.timeout.connect(self.presenter.view_changed)
        self._connect()
        self.ask.use_prompts(self.preferences.now.prompts)
        self.ask.rescore()
        self.encoder_desk = EncoderDesk(
            self,
            self.ask.encoder_box,
            lambda text: self.show_status(text, error=True),
            guarded(Steps(), lambda: self.preferences.now.offline),
        )
        self.encoder_desk.offer()
        self.sessions = SessionKeeper(
            self.presenter,
            SessionSide(self.presenter, self.ask, self.review),
            self.review.session_box,
            later,
            root=lambda: self.preferences.now.sessions,
        )
        self._connect_session()
        self._closing += [self.sessions.close, self.presenter.close, self.preferences.close]
        self.ask.show_slides()
        self._on_setup_changed()
        self._on_preferences(self.preferences.now)

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
        self._show_buttons(state)
        if state == "ready":
            self.run_box.clear_progress()
            self.look.run_ended()

    def _show_buttons(self, state: State) -> None:
        results = self.presenter.results
        self.run_box.set_state(
            state,
            has_slide=self.ask.slide_box.current() is not None,
            has_results=results is not None and bool(results.names),
        )

    def show_results(self, results: ResultLayers) -> None:
        """Offer the result layers that can be looked at."""
        self.look.layers.refresh()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show what goes with scores."""
        self.ask.show_snapshot(snapshot)
        self._show_buttons(self.presenter.state)

    # what the person does

    def _on_run(self, where: str) -> None:
        layer = self.ask.slide_box.current()
        if layer is not None:
            self.ask.settle()
            self.presenter.run(where, layer, self.ask.setup(layer))  # type: ignore[arg-type]

    def _on_follow(self, on: bool) -> None:
        layer = self.ask.slide_box.current()
        self.ask.settle()
        self.presenter.follow(self.ask.setup(layer) if on and layer is not None else None)

    def _on_draw(self) -> None:
        slide_layers.draw_region(self._viewer, self.ask.slide_box.current())
        self.show_status("Click the corners of the region, double-click to close it, then run on shapes.")

    def _on_export(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if name:
            self.presenter.export(Path(name))

    def _on_slide(self, layer: Any) -> None:
        self.show_state(self.presenter.state)
        self.look.layers.refresh()
        if self.run_box.follow.isChecked():
            self._on_follow(True)

    def _on_setup_changed(self) -> None:
        self.run_box.notice.setText(self.ask.encoder_box.notice())
        if self.run_box.follow.isChecked():
            self._on_follow(True)

    def _on_threshold(self, threshold: float) -> None:
        self.presenter.set_threshold(threshold)
        self.look.layers.set_threshold(threshold)
        self.review.side.reviewing.set_threshold(threshold)

    def _on_blinded(self, hidden: bool) -> None:
        self.ask.hide_answers(hidden)
        self.look.hide_answers(hidden)
        self.review.session_box.setDisabled(hidden)  # its report would tell them

    def _on_preferences(self, preferences: Preferences) -> None:
        self.ask.set_preferences(preferences)
        if preferences.reviewer:
            self.review.side.book.set_reviewer(preferences.reviewer)
        for sentence in preferences.notes:
            self.show_status(sentence, error=True)

    def _on_layers_changed(self) -> None:
        self.ask.show_slides()

    def _lay_out(self) -> None:
        for tab, title, tip in (
            (self.ask, "Ask", "The slide, the prompts, the method, the encoders"),
            (self.look, "Look", "Layers, the tile under the cursor, galleries"),
            (self.review, "Review", "Marks, review, the session and its report"),
        ):
            self.tabs.setTabToolTip(self.tabs.addTab(tab, title), tip)
        self.tabs.setDocumentMode(True)
        self.tabs.setStyleSheet("QTabBar::tab { padding: 5px 14px; }")
        self.tabs.setCornerWidget(self.keys_help.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.run_box)
        self.setMinimumWidth(LEAST_WIDTH)

    def _connect(self) -> None:
        self.run_box.run_requested.connect(self._on_run)
        self.run_box.follow_toggled.connect(self._on_follow)
        self.run_box.cancel_requested.connect(self.presenter.cancel)
        self.run_box.export_requested.connect(self._on_export)
        self.run_box.draw_requested.connect(self._on_draw)
        self.ask.method_box.threshold_changed.connect(self._on_threshold)
        self.ask.setup_changed.connect(self._on_setup_changed)
        self.review.side.reviewing.blinded_changed.connect(self._on_blinded)
        self.presenter.slide_changed.connect(self._on_slide)
        self.preferences.changed.connect(self._on_preferences)
        layers = self._viewer.layers.events
        layers.inserted.connect(self._on_layers_changed)
        layers.removed.connect(self._on_layers_changed)
        camera = self._viewer.scene.camera.events
        camera.center.connect(self._on_camera)
        camera.zoom.connect(self._on_camera)

    def _connect_session(self) -> None:
        box = self.review.session_box
        box.report_requested.connect(self.sessions.report)
        box.folder_requested.connect(self.sessions.open_folder)
        box.retry_requested.connect(self.sessions.retry)
        box.export_requested.connect(self._on_export)
        self.review.review_box.reviewer_named.connect(self.preferences.set_reviewer)

    def _on_camera(self) -> None:
        if self.presenter.following:
            self._view_soon.start()


def _all_of(calls: list[Callable[[], None]]) -> Callable[[], None]:
    """Calls them all; it holds the parts of a dock and not the dock, which is gone by then."""

    def close() -> None:
        for call in calls:
            call()

    return close
