"""The foot of the dock: run, watch, look, export."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_histoalign.engine import duration
from napari_histoalign.plugin.markup import WARNING_COLOR
from napari_histoalign.plugin.widgets.parts import SMALL_PRINT, note

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


class RunBox(QWidget):
    """Buttons and displays that stay in sight while the rest of the dock scrolls.

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
        self.follow = QPushButton("Follow the view")
        self.follow.setCheckable(True)
        self.follow.setShortcut("Ctrl+Shift+F")
        self.follow.setToolTip(
            "Score what is in view, and what comes into view, while you pan and zoom (Ctrl+Shift+F)"
        )
        self.follow.toggled.connect(self.follow_toggled)
        self.areas: dict[str, QPushButton] = {}
        run = QHBoxLayout()
        run.setSpacing(4)
        run.addWidget(QLabel("Run on"))
        for text, where, tip, keys in AREAS:
            button = QPushButton(text)
            button.setToolTip(tip)
            if keys:
                button.setShortcut(keys)
            button.clicked.connect(lambda _=False, area=where: self.run_requested.emit(area))
            self.areas[where] = button
            run.addWidget(button, 1)
        self.progress = QProgressBar()
        self.progress.setTextVisible(True)
        self.progress.setRange(0, 1)
        self.progress.setFormat("")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop the run; what was done stays and is not done again")
        self.cancel.clicked.connect(self.cancel_requested)
        watch = QHBoxLayout()
        watch.addWidget(self.progress, 1)
        watch.addWidget(self.cancel)
        self.status = note()
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.draw = QPushButton("Draw a region")
        self.draw.setToolTip("Add a shapes layer and draw a polygon on the slide")
        self.draw.clicked.connect(self.draw_requested)
        self.export = QPushButton("Export...")
        self.export.setToolTip("Write tables, maps and QuPath regions to a folder")
        self.export.clicked.connect(self.export_requested)
        last = QHBoxLayout()
        last.addWidget(self.draw, 1)
        last.addWidget(self.export, 1)
        self.notice = note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.follow)
        for row in (run, watch):
            layout.addLayout(row)
        layout.addWidget(self.status)
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
        if ready:
            self.progress.setRange(0, 1)
            self.progress.setValue(0)
            self.progress.setFormat("")

    def show_progress(self, done: int, total: int, rate: float, seconds_left: float) -> None:
        """Show tiles done; a total of 0 means that it is not known yet."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        speed = f"   {rate:.0f} tiles/s   {duration(seconds_left)} left" if rate > 0 and done < total else ""
        self.progress.setFormat(f"{done:,} / {total:,}{speed}" if total else "")

    def show_status(self, text: str, *, error: bool) -> None:
        """Show one line of text."""
        self.status.setText(text)
        self.status.setStyleSheet(f"{SMALL_PRINT} color: {WARNING_COLOR};" if error else SMALL_PRINT)
