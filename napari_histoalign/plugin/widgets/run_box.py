"""The foot of the dock: run, watch, look, export."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_histoalign.engine import duration
from napari_histoalign.plugin.markup import LINK_COLOR
from napari_histoalign.plugin.widgets.parts import FOCUS_STYLE, note
from napari_histoalign.plugin.widgets.status_line import StatusLine

AREAS = (
    ("View", "view", "Run on the tissue in view (Ctrl+Return)", "Ctrl+Return"),
    (
        "Shapes",
        "shapes",
        "Run on the selected shapes, or on all shapes of the layer (Ctrl+Shift+R)",
        "Ctrl+Shift+R",
    ),
    ("Whole slide", "slide", "Run on all tissue, from the middle of the view outwards", ""),
)
NO_SLIDE = "Open a slide first: drop a file on the window."
START = "Start here: follow the view to score what you look at, or run on a part of the slide."
FIRST_STYLE = f"QPushButton {{ border: 2px solid {LINK_COLOR}; font-weight: bold; }}"
"""Of the button to press first."""


class RunBox(QWidget):
    """Buttons and displays that stay in sight while the rest of the dock scrolls.

    What is said stands on top, so that a long sentence moves no button.

    Signals
    -------
    run_requested
        "view", "shapes" or "slide".
    cancel_requested, export_requested, draw_requested
        The buttons.
    follow_toggled
        Whether the view is to be followed.
    """

    run_requested = Signal(str)
    cancel_requested = Signal()
    export_requested = Signal()
    draw_requested = Signal()
    follow_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._first = False
        self.setStyleSheet(FOCUS_STYLE)
        self.line = StatusLine()
        self.status = self.line.text
        self.follow = QPushButton("Follow the view")
        self.follow.setCheckable(True)
        self.follow.setShortcut("Ctrl+Shift+F")
        self.follow.setToolTip(
            "Score what is in view, and what comes into view, while you pan and zoom (Ctrl+Shift+F)"
        )
        self.follow.toggled.connect(self._on_follow)
        self.areas: dict[str, QPushButton] = {}
        run = QHBoxLayout()
        run.setSpacing(4)
        run.addWidget(QLabel("Run on"))
        for text, where, tip, keys in AREAS:
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setAccessibleName(f"Run on {text.lower()}")
            if keys:
                button.setShortcut(keys)
            button.clicked.connect(lambda _=False, area=where: self.run_requested.emit(area))
            self.areas[where] = button
            run.addWidget(button, 1)
        self.progress = QProgressBar()
        self.progress.setTextVisible(True)
        self.progress.setRange(0, 1)
        self.progress.setFormat("")
        self.progress.setAccessibleName("Progress of the run")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop the run; what was done stays and is not done again")
        self.cancel.clicked.connect(self.cancel_requested)
        watch = QHBoxLayout()
        watch.setSpacing(4)
        watch.addWidget(self.progress, 1)
        watch.addWidget(self.cancel)
        self.draw = QPushButton("Draw a region")
        self.draw.setToolTip("Add a shapes layer and draw a polygon on the slide")
        self.draw.clicked.connect(self.draw_requested)
        self.export = QPushButton("Export...")
        self.export.setToolTip("Write tables, maps and QuPath regions to a folder")
        self.export.clicked.connect(self.export_requested)
        last = QHBoxLayout()
        last.setSpacing(4)
        last.addWidget(self.draw, 1)
        last.addWidget(self.export, 1)
        self.notice = note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(5)
        layout.addWidget(self.line)
        layout.addLayout(watch)
        layout.addWidget(self.follow)
        layout.addLayout(run)
        layout.addLayout(last)
        layout.addWidget(self.notice)
        self.set_state("ready", has_slide=False, has_results=False)

    def set_state(self, state: str, *, has_slide: bool, has_results: bool) -> None:
        """Enable what can be done: state is "ready", "running", "cancelling" or "exporting"."""
        ready = state == "ready"
        for button in (*self.areas.values(), self.draw):
            button.setEnabled(ready and has_slide)
        self.cancel.setEnabled(state == "running")
        self.export.setEnabled(ready and has_results)
        self.follow.setEnabled(has_slide)
        self._first = ready and has_slide and not has_results
        self._show_first()
        self.line.set_hint(NO_SLIDE if not has_slide else "" if has_results else START)

    def clear_progress(self) -> None:
        """Nothing runs any more."""
        self._set_progress(0, 1, "")

    def show_progress(self, done: int, total: int, rate: float, seconds_left: float) -> None:
        """Show tiles done; a total of 0 means that it is not known yet."""
        speed = f"   {rate:.0f} tiles/s   {duration(seconds_left)} left" if rate > 0 and done < total else ""
        self._set_progress(done, total, f"{done:,} / {total:,}{speed}" if total else "")

    def _set_progress(self, done: int, total: int, text: str) -> None:
        """Show it later: each setter draws the bar at once, and with it all that waits in the window."""
        self.progress.setUpdatesEnabled(False)
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setFormat(text)
        self.progress.setUpdatesEnabled(True)

    def show_status(self, text: str, *, error: bool) -> None:
        """Show one line of text."""
        self.line.show_text(text, error=error)

    def _on_follow(self, on: bool) -> None:
        self._show_first()
        self.follow_toggled.emit(on)

    def _show_first(self) -> None:
        """Let the button stand out that a person should press first."""
        style = FIRST_STYLE if self._first and not self.follow.isChecked() else ""
        if style != self.follow.styleSheet():
            self.follow.setStyleSheet(style)
