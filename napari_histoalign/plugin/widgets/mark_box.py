"""Marks: labels with their keys and counts, and how marks are made and used."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_histoalign.plugin.markup import LINK_COLOR
from napari_histoalign.plugin.widgets.parts import SWATCH_PX, group, note, swatch
from napari_histoalign.plugin.widgets.prompt_keys import StepButton

if TYPE_CHECKING:
    from napari_histoalign.plugin.marking_seams import LabelRow
    from napari_histoalign.results.review import Label

STYLE = (
    "QToolButton { text-align: left; padding: 2px 4px; border: 1px solid transparent; }"
    f"QToolButton:checked {{ border: 1px solid {LINK_COLOR}; }}"
)
UNUSED = "Marks do not change the scores yet: choose a way under Ask, Method, <i>Few-shot</i>."
HELP = {
    "class": "Key {key}: the tile under the cursor, or those of a selected shape, is {name}",
    "unsure": "Key {key}: unsure. Kept in the review, never an example",
    "artefact": "Key {key}: an artefact (fold, ink, out of focus). Kept in the review, never an example",
}


class MarkBox(QWidget):
    """Shows what can be marked and how much of it was, and says what a person wants.

    Signals
    -------
    keys_toggled, draw_toggled, examples_toggled
        The switches.
    label_chosen
        A `Label` to draw with.
    undo_requested, redo_requested
        The buttons.
    """

    keys_toggled = Signal(bool)
    draw_toggled = Signal(bool)
    examples_toggled = Signal(bool)
    label_chosen = Signal(object)
    undo_requested = Signal()
    redo_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.keys = _switch(
            "Mark with keys",
            "1 to 9: a class; U: unsure; X: artefact; Backspace: no mark; "
            "Ctrl+Z: undo. Point at a tile, or select shapes; hold a key and move to mark a stroke.",
        )
        self.draw = _switch(
            "Draw areas",
            "Drag around tissue: all scored tiles whose middle lies inside are "
            "marked with the label that is chosen below.",
        )
        self.examples = QCheckBox("Use marks as examples")
        self.examples.setChecked(True)
        self.examples.setToolTip("Marked tiles are few-shot examples, if a few-shot method is chosen")
        self.undo = StepButton("\u21b6", "Undo")
        self.redo = StepButton("\u21b7", "Redo")
        self.undo.setEnabled(True)
        self.redo.setEnabled(True)
        self.undo.setToolTip("Undo the last act of the review (Ctrl+Z on the canvas)")
        self.redo.setToolTip("Redo what was undone (Ctrl+Shift+Z on the canvas)")
        self.rows: list[QToolButton] = []
        self._labels: list[Label] = []
        self._used, self._marked = True, False
        self.unused = note(UNUSED)
        self.unused.hide()
        self.notes = note()
        self.notes.hide()
        self.empty = note("Run on the view first: marks belong to the tiles of a run.")

        box, layout = group("Marks")
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.keys, 1)
        top.addWidget(self.draw, 1)
        top.addWidget(self.undo)
        top.addWidget(self.redo)
        layout.addLayout(top)
        self._column = QVBoxLayout()
        self._column.setSpacing(0)
        layout.addLayout(self._column)
        layout.addWidget(self.empty)
        layout.addWidget(self.examples)
        layout.addWidget(self.unused)
        layout.addWidget(self.notes)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)
        self.keys.toggled.connect(self.keys_toggled)
        self.draw.toggled.connect(self.draw_toggled)
        self.examples.toggled.connect(self.examples_toggled)
        self.examples.toggled.connect(self._show_unused)
        self.undo.clicked.connect(self.undo_requested)
        self.redo.clicked.connect(self.redo_requested)

    def show_rows(self, rows: Sequence[LabelRow], chosen: Label | None) -> None:
        """Show the labels, their counts, and the one that is drawn with."""
        labels = [row.label for row in rows]
        if labels != self._labels or len(self.rows) != len(rows):
            self._labels = labels
            self._make_rows(len(rows))
        for button, row in zip(self.rows, rows, strict=True):
            _show_row(button, row, row.label == chosen)
        self.empty.setVisible(not any(row.label.name for row in rows))
        self._marked = any(row.count for row in rows if row.label.name)
        self._show_unused()

    def show_modes(self, *, keys: bool, drawing: bool, examples: bool) -> None:
        """Show what is switched on."""
        for button, on in ((self.keys, keys), (self.draw, drawing), (self.examples, examples)):
            with QSignalBlocker(button):
                button.setChecked(on)
        self._show_unused()

    def show_use(self, used: bool) -> None:
        """Say whether the chosen method makes any use of examples."""
        self._used = used
        self._show_unused()

    def show_notes(self, sentences: Sequence[str]) -> None:
        """Say why marks are not used."""
        self.notes.setText("<br>".join(escape(sentence) for sentence in sentences))
        self.notes.setVisible(bool(sentences))

    def _show_unused(self) -> None:
        """Marks that change nothing are a riddle, unless that is what was wanted."""
        self.unused.setVisible(self._marked and not self._used and self.examples.isChecked())

    def _make_rows(self, number: int) -> None:
        while len(self.rows) > number:
            button = self.rows.pop()
            self._column.removeWidget(button)
            button.hide()
            button.deleteLater()
        while len(self.rows) < number:
            button = LabelButton()
            place = len(self.rows)
            button.clicked.connect(lambda _=False, at=place: self.label_chosen.emit(self._labels[at]))
            self.rows.append(button)
            self._column.addWidget(button)


class LabelButton(QToolButton):
    """A row of swatch, name, key and count."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        policy = self.sizePolicy()
        policy.setHorizontalPolicy(policy.Policy.Expanding)
        self.setSizePolicy(policy)
        self.setStyleSheet(STYLE)
        self.count = QLabel(self)
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.count.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inside = QHBoxLayout(self)
        inside.setContentsMargins(8, 0, 8, 0)
        inside.addStretch(1)
        inside.addWidget(self.count)


def _show_row(button: QToolButton, row: LabelRow, chosen: bool) -> None:
    assert isinstance(button, LabelButton)
    name = str(row.label)
    text = name if row.known else f"{name} (not in the prompts)"
    key = f"[{row.key}]  " if row.key else ""
    fits = button.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 190)
    button.setText(f" {key}{fits}".replace("&", "&&"))
    button.setIcon(swatch(row.color))
    button.setChecked(chosen)
    button.setEnabled(row.known)
    button.count.setText(f"{row.count:,}" if row.count else "")
    button.setAccessibleName(f"{text}, {row.count} marked")
    tip = HELP[row.label.kind].format(key=row.key or "none", name=name)
    gone = "The prompts have no such class any more. Its marks are kept in the review and are no examples."
    button.setToolTip(tip if row.known else gone)


def _switch(text: str, tip: str) -> QPushButton:
    """A button that stays down while something is on."""
    button = QPushButton(text)
    button.setCheckable(True)
    button.setToolTip(tip)
    return button
