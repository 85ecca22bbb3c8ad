"""The dialog of encoders: a table, what is known of the selected one, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QProgressBar,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_histoalign.plugin.markup import WARNING_COLOR, WARNING_SIGN
from napari_histoalign.plugin.widgets.encoder_list import EncoderList
from napari_histoalign.plugin.widgets.encoder_panels import (
    FolderRow,
    OwnPanel,
    QuestionPanel,
    TextPanel,
    button,
)
from napari_histoalign.plugin.widgets.parts import FOCUS_STYLE, TEXT_PRINT, note

if TYPE_CHECKING:
    from qtpy.QtGui import QKeyEvent

    from napari_histoalign.plugin.encoder_seams import Actions, Question
    from napari_histoalign.plugin.encoder_texts import Row

TICK_MS = 150
STEPS = 1000
"""Of the progress bar: bytes would not fit its whole numbers."""
SIZE_PX, LEAST_PX = (860, 680), (720, 520)


class EncoderDialog(QDialog):
    """Shows encoders and emits what a person wants done with them.

    Signals
    -------
    selected
        Name of an encoder, or "".
    add_requested
        A folder or file (Path) for the selected entry, and whether to link to it.
    own_requested
        Name, folder (Path), role, resolution or None, and whether to link.
    download_requested, remove_requested, cancel_requested
        The buttons.
    agreed, declined
        The answer to a question; the token given along, or "".
    folder_requested
        Another folder (Path) to keep encoders in, or None for the default.
    tick
        A few times a second while something is going on.
    """

    selected = Signal(str)
    add_requested = Signal(object, bool)
    own_requested = Signal(str, object, str, object, bool)
    download_requested = Signal()
    remove_requested = Signal()
    cancel_requested = Signal()
    agreed = Signal(str)
    declined = Signal()
    folder_requested = Signal(object)
    tick = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("HistoAlign encoders")
        self.setMinimumSize(*LEAST_PX)
        self.resize(*SIZE_PX)
        self.setStyleSheet(FOCUS_STYLE)
        self.list = EncoderList()
        self.details, self.question, self.own = TextPanel(), QuestionPanel(), OwnPanel()
        self.panels = QStackedWidget()
        for panel in (self.details, self.question, self.own):
            self.panels.addWidget(panel)
        self.message = note()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message.hide()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.doing = note()
        self.doing.setTextFormat(Qt.TextFormat.PlainText)
        self.cancel = button("Cancel", "Stop; what was downloaded by then is kept for the next try")
        self.add_folder = button("Add folder...", "Add the selected encoder from a folder with its files")
        self.add_file = button("Add file...", "Add it from the file of its weights; others lie beside it")
        self.link = QCheckBox("link, do not copy")
        self.link.setToolTip("Leave added files where they are and link to them")
        self.download = button("Download...", "Show what a download would be, and ask")
        self.remove = button("Remove...", "Delete the files of the selected encoder from this computer")
        self.add_own = button("Add your own...", "Add an encoder that is not in this list")
        self.place = FolderRow()
        self.close_button = button("Close")
        self._timer = QTimer(self, interval=TICK_MS)
        self._lay_out()
        self._connect()
        self.show_busy(False)

    # what the manager shows

    def show_rows(self, rows: Sequence[Row], selected: str | None) -> None:
        """Fill the table."""
        self.list.set_rows(rows, selected)
        if self.own.name.text().strip() in {row.name for row in rows}:
            self.own.clear()  # it was added; after a failure what was typed stays

    def show_details(self, text: str) -> None:
        """Show what is known of the selected encoder, as rich text."""
        self.details.set_text(text)

    def show_actions(self, can: Actions) -> None:
        """Enable what can be done."""
        for widget in (self.add_folder, self.add_file):
            widget.setEnabled(can.add)
        self.link.setEnabled(can.add or can.own)
        self.download.setEnabled(can.download)
        self.remove.setEnabled(can.remove)
        self.add_own.setEnabled(can.own)
        self.place.set_changeable(can.folder)

    def show_folder(self, folder: str, reason: str, *, default: bool) -> None:
        """Show where encoders are kept, why that cannot be changed here, and whether it is the default."""
        self.place.show_folder(folder, reason, default=default)

    def show_message(self, text: str, *, error: bool = False) -> None:
        """Show a sentence; an empty one goes away."""
        self.message.setText(f"{WARNING_SIGN} {text}" if error and text else text)
        self.message.setStyleSheet(TEXT_PRINT + (f" color: {WARNING_COLOR};" if error else ""))
        self.message.setVisible(bool(text))

    def show_busy(self, busy: bool) -> None:
        """Show or hide progress and cancel; emits `tick` meanwhile."""
        self._running.setVisible(busy)
        self.cancel.setEnabled(busy)
        if busy:
            self._timer.start()
            self._show_panel(self.details)
        else:
            self._timer.stop()

    def show_progress(self, share: float | None, text: str) -> None:
        """Show how far the work is; None: it is not known."""
        self.progress.setRange(0, 0 if share is None else STEPS)
        if share is not None:
            self.progress.setValue(round(share * STEPS))
        self.doing.setText(text)

    def show_question(self, question: Question | None) -> None:
        """Ask in place of the details; None: show these again."""
        if question is None:
            self._show_panel(self.details)
        else:
            self._show_panel(self.question)
            self.question.ask(question)

    # what the person does

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back from a question first, and closes the dialog then."""
        if event.key() == Qt.Key.Key_Escape and self.panels.currentWidget() is not self.details:
            self._on_declined()
        else:
            super().keyPressEvent(event)

    def _on_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder with the encoder's files")
        if name:
            self.add_requested.emit(Path(name), self.link.isChecked())

    def _on_file(self) -> None:
        kinds = "Weights (*.safetensors *.bin *.pt *.pth *.ckpt);;All files (*)"
        name, _ = QFileDialog.getOpenFileName(self, "File of the encoder's weights", "", kinds)
        if name:
            self.add_requested.emit(Path(name), self.link.isChecked())

    def _on_own(self) -> None:
        self.declined.emit()
        self._show_panel(self.own)
        self.own.folder.setFocus()

    def _on_declined(self) -> None:
        self._show_panel(self.details)
        self.declined.emit()

    def _show_panel(self, panel: QWidget) -> None:
        if panel is not self.question:
            self.question.forget()
        if panel is self.details and self.panels.currentWidget() is not panel:
            self.list.tree.setFocus()
        self.panels.setCurrentWidget(panel)

    def _lay_out(self) -> None:
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self.list)
        split.addWidget(self.panels)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        self._running = QWidget()
        running = QHBoxLayout(self._running)
        running.setContentsMargins(0, 0, 0, 0)
        running.addWidget(self.doing, 3)
        running.addWidget(self.progress, 2)
        running.addWidget(self.cancel)
        actions = QHBoxLayout()
        for widget in (self.add_folder, self.add_file, self.download, self.remove):
            actions.addWidget(widget)
        actions.addStretch(1)
        actions.addWidget(self.link)
        actions.addWidget(self.add_own)
        foot = QHBoxLayout()
        foot.addWidget(self.place, 1)
        foot.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addWidget(split, 1)
        layout.addLayout(actions)
        layout.addWidget(self._running)
        layout.addWidget(self.message)
        layout.addLayout(foot)

    def _connect(self) -> None:
        self.list.chosen.connect(self.selected)
        self.add_folder.clicked.connect(self._on_folder)
        self.add_file.clicked.connect(self._on_file)
        self.add_own.clicked.connect(self._on_own)
        self.download.clicked.connect(self.download_requested)
        self.remove.clicked.connect(self.remove_requested)
        self.cancel.clicked.connect(self.cancel_requested)
        self.question.agreed.connect(self.agreed)
        self.question.declined.connect(self._on_declined)
        self.own.declined.connect(self._on_declined)
        self.own.filled_in.connect(lambda *own: self.own_requested.emit(*own, self.link.isChecked()))
        self.place.chosen.connect(self.folder_requested)
        self.close_button.clicked.connect(self.close)
        self._timer.timeout.connect(self.tick)
