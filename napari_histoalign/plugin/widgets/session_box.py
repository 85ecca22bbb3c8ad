"""The session of the slide: where it is kept, whether it is saved, and the report."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QUrl, Signal
from qtpy.QtGui import QDesktopServices, QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_histoalign.plugin.markup import warning
from napari_histoalign.plugin.widgets.parts import SMALL_PRINT, group, note

if TYPE_CHECKING:
    from napari_histoalign.plugin.session_keeper_seams import SessionPage

NONE = "Open a slide: what you choose and mark for it is kept in its session."
PADDING_PX = 10
"""Of a label in napari's themes, on both sides."""
NEW = "Kept from the first run or mark on."


class PathLabel(QLabel):
    """A path which gives way in its middle: the beginning tells the drive, the end the slide."""

    def __init__(self) -> None:
        super().__init__()
        self._path = ""
        self.setStyleSheet(SMALL_PRINT)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Folder of the session")

    def show_path(self, path: str) -> None:
        """Show a path, as much of it as there is room for."""
        self._path = path
        self.setToolTip(f"The session is kept in {path}" if path else "")
        self.setAccessibleDescription(path)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as much as fits now."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - PADDING_PX
        self.setText(self.fontMetrics().elidedText(self._path, Qt.TextElideMode.ElideMiddle, room))


class SessionBox(QWidget):
    """Shows the session, and says what a person wants of it.

    Signals
    -------
    report_requested, export_requested, folder_requested
        The buttons.
    retry_requested
        The session shall be opened once more: nothing could be written to it.
    """

    report_requested = Signal()
    export_requested = Signal()
    folder_requested = Signal()
    retry_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.path = PathLabel()
        self.saved = QLabel()
        self.saved.setStyleSheet(SMALL_PRINT)
        self.saved.setTextFormat(Qt.TextFormat.PlainText)
        self.hint = note(NONE)
        self.notes = note()
        self.notes.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.report = _button("Report...", "Write the review as one printable page, and open it")
        self.export = _button("Export...", "Write tables, maps and QuPath regions to a folder")
        self.folder = _button("Open folder", "Show the session's folder: prompts, marks, report")
        self.retry = _button(
            "Try again", "Open the session once more, when the other window is closed or the disk is back"
        )

        box, layout = group("Session")
        place = QHBoxLayout()
        place.setSpacing(8)
        place.addWidget(self.path, 1)
        place.addWidget(self.saved)
        layout.addLayout(place)
        layout.addWidget(self.hint)
        layout.addWidget(self.notes)
        layout.addWidget(self.retry)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button in (self.report, self.export, self.folder):
            buttons.addWidget(button, 1)
        layout.addLayout(buttons)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)

        self.report.clicked.connect(self.report_requested)
        self.export.clicked.connect(self.export_requested)
        self.folder.clicked.connect(self.folder_requested)
        self.retry.clicked.connect(self.retry_requested)
        self._show(None)

    def show_page(self, page: SessionPage) -> None:
        """Show this."""
        self._show(page)

    def open_path(self, path: Path) -> None:
        """Open a file or a folder with what the system has for it."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _show(self, page: SessionPage | None) -> None:
        folder = None if page is None else page.folder
        self.path.show_path("" if folder is None else str(folder))
        self.path.setVisible(folder is not None)
        state = "" if page is None else _state(page)
        self.saved.setText(state)
        self.saved.setVisible(bool(state) and folder is not None)
        self.hint.setText(_hint(page))
        self.hint.setVisible(bool(self.hint.text()))
        notes = () if page is None else page.notes
        self.notes.setText("<br>".join(warning(text) for text in notes))
        self.notes.setVisible(bool(notes))
        self.retry.setVisible(page is not None and page.read_only)
        self.report.setEnabled(page is not None and page.can_report)
        self.export.setEnabled(page is not None and page.can_export)
        self.folder.setEnabled(page is not None and page.there)


def _state(page: SessionPage) -> str:
    """Whether it is saved, in a word or two."""
    if page.read_only:
        return "read-only"
    return f"saved {page.saved}" if page.saved else ""


def _hint(page: SessionPage | None) -> str:
    """What is going on, or why there is nothing to see."""
    if page is None or page == type(page)():
        return NONE
    if page.busy:
        return escape(page.busy)
    return NEW if page.folder is not None and not page.there and not page.read_only else ""


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
