"""A text box that is as high as its lines, one prompt a line, with marks beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QMimeData, QPoint, Qt, Signal
from qtpy.QtGui import QColor, QFontMetricsF, QTextCharFormat, QTextCursor
from qtpy.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip

from napari_histoalign.plugin.markup import WARNING_COLOR
from napari_histoalign.plugin.widgets.parts import TEXT_PRINT
from napari_histoalign.plugin.widgets.prompt_gutter import GUTTER_PX, PromptGutter, tint
from napari_histoalign.plugin.widgets.prompt_marks import PromptMarks

if TYPE_CHECKING:
    from qtpy.QtGui import QKeyEvent, QPaintEvent, QResizeEvent

MIN_LINES, MAX_LINES = 2, 14
STYLE = f"QPlainTextEdit {{ border: 0; padding: 0; background: transparent; {TEXT_PRINT} }}"
SPARE_PX = 2
HELP = "What this class looks like, in plain words: one prompt a line"
KEYS = "Alt+Up and Alt+Down move a line, Ctrl+D doubles it"


class PromptText(QPlainTextEdit):
    """One prompt a line; long ones wrap; it grows with its text up to `MAX_LINES`, then scrolls.

    Undo is the editor's, not the box's own: it would know nothing of the other fields.

    Signals
    -------
    move_requested
        A line, and by how many lines: the keys.
    double_requested
        A line: the keys.
    left
        The focus went elsewhere.

    Parameters
    ----------
    text
        What it holds at first.
    placeholder, tooltip
        What they say.
    """

    move_requested = Signal(int, int)
    double_requested = Signal(int)
    left = Signal()

    def __init__(
        self, text: str, placeholder: str = "one description a line", tooltip: str = f"{HELP}\n{KEYS}"
    ) -> None:
        super().__init__(text)
        self._marks = PromptMarks()
        self.setUndoRedoEnabled(False)
        self.setStyleSheet(STYLE)
        self.setTabChangesFocus(True)
        self.setPlaceholderText(placeholder)
        self._help = tooltip
        self.setToolTip(tooltip)
        self.setViewportMargins(GUTTER_PX, 0, 0, 0)
        self.gutter = PromptGutter(self)
        self.updateRequest.connect(lambda *_: self.gutter.update())
        self.textChanged.connect(self._on_text)
        self._on_text()

    def lines(self) -> tuple[str, ...]:
        """The lines as typed; none where there is no text."""
        text = self.toPlainText()
        return tuple(text.split("\n")) if text else ()

    def set_lines(self, lines: Sequence[str], cursor_line: int | None = None) -> None:
        """Show other lines without a signal; the cursor stays, or goes to the end of a line."""
        cursor = self.textCursor()
        line, column = cursor.blockNumber(), cursor.positionInBlock()
        if tuple(lines) != self.lines():
            blocked = self.blockSignals(True)
            self.setPlainText("\n".join(lines))
            self.blockSignals(blocked)
            self._on_text()
        elif cursor_line is None:
            return
        if cursor_line is not None:
            line, column = cursor_line, 1 << 20
        block = self.document().findBlockByNumber(max(0, min(line, self.blockCount() - 1)))
        cursor = self.textCursor()
        cursor.setPosition(block.position() + min(column, block.length() - 1))
        self.setTextCursor(cursor)

    def set_marks(self, marks: PromptMarks) -> None:
        """Other shares and warnings."""
        self._marks = marks
        self._mark()

    @property
    def marks(self) -> PromptMarks:
        """What is known of the lines."""
        return self._marks

    def tip(self, position: QPoint) -> str:
        """What to say of the line at a place in the viewport."""
        line = self.cursorForPosition(position).block().text()
        share, warning = self._marks.share(line), self._marks.warning(line)
        said = [] if share is None else [f"Contributes {share:.0%}."]
        return "\n".join([*said, *([warning] if warning else [])]) or self._help

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move and double lines; a line break is a new prompt, whatever key makes it."""
        line = self.textCursor().blockNumber()
        modifier, key = Qt.KeyboardModifier, Qt.Key
        held = event.modifiers() & ~modifier.KeypadModifier  # which macOS gives to arrows
        if held == modifier.AltModifier and event.key() in (key.Key_Up, key.Key_Down):
            self.move_requested.emit(line, -1 if event.key() == key.Key_Up else 1)
        elif held == modifier.ControlModifier and event.key() == key.Key_D:
            self.double_requested.emit(line)
        elif event.key() in (key.Key_Return, key.Key_Enter):
            self.textCursor().insertBlock()
            self.ensureCursorVisible()
        else:
            super().keyPressEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste: every kind of line break makes a line."""
        if source.hasText():
            self.textCursor().insertText("\n".join(source.text().splitlines()))

    def event(self, event: QEvent) -> bool:
        """Keep the margin as high as the box; say of a line what is known of it."""
        if event.type() == QEvent.Type.Resize:
            done = bool(super().event(event))
            self.gutter.fit()
            return done
        if event.type() == QEvent.Type.ToolTip:
            place = event.pos() - self.viewport().pos()
            QToolTip.showText(event.globalPos(), self.tip(place), self)
            return True
        return bool(super().event(event))

    def viewportEvent(self, event: QEvent) -> bool:
        """The same where the mouse is over the text."""
        if event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip(event.pos()), self)
            return True
        return bool(super().viewportEvent(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ground that stands out a little on any theme."""
        tint(self.viewport(), self.palette())
        super().paintEvent(event)

    def focusOutEvent(self, event: QEvent) -> None:
        """Tell that typing is over for now."""
        super().focusOutEvent(event)
        self.left.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines wrap elsewhere at another width."""
        super().resizeEvent(event)
        self._fit_height()

    def changeEvent(self, event: QEvent) -> None:
        """The theme may bring another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_height()

    def _on_text(self) -> None:
        self._fit_height()
        self._mark()

    def _mark(self) -> None:
        """Underline what is warned of."""
        style = QTextCharFormat()
        style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        style.setUnderlineColor(QColor(WARNING_COLOR))
        selections = []
        block = self.document().firstBlock()
        while block.isValid():
            if self._marks.warning(block.text()):
                selection = QTextEdit.ExtraSelection()
                selection.format = style
                selection.cursor = QTextCursor(block)
                selection.cursor.movePosition(
                    QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor
                )
                selections.append(selection)
            block = block.next()
        self.setExtraSelections(selections)
        self.gutter.update()

    def _fit_height(self) -> None:
        """As high as the wrapped lines, measured here: the document lays out only what is in view."""
        metrics, margin = self.fontMetrics(), self.document().documentMargin()
        width = int(self.viewport().width() - 2 * margin)
        wrap = Qt.TextFlag.TextWordWrap
        lines = sum(
            max(1, round(metrics.boundingRect(0, 0, width, 1, wrap, line).height() / metrics.lineSpacing()))
            for line in self.toPlainText().split("\n")
        )
        policies = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            policies.ScrollBarAsNeeded if lines > MAX_LINES else policies.ScrollBarAlwaysOff
        )
        shown = min(max(lines, MIN_LINES), MAX_LINES)
        line_px = QFontMetricsF(self.font()).lineSpacing()  # of a fine screen, no whole number
        self.setFixedHeight(math.ceil(shown * line_px + 2 * margin) + SPARE_PX)
