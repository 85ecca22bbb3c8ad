"""A text box that is as high as its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QPlainTextEdit

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent

MIN_LINES, MAX_LINES = 2, 14
STYLE = (
    "QPlainTextEdit { border: 1px solid rgba(128, 128, 128, 110); border-radius: 3px;"
    " background: rgba(128, 128, 128, 30); font-size: 12px; }"
)
BORDER_PX = 8


class PromptText(QPlainTextEdit):
    """One prompt a line; long ones wrap; it grows with its text up to `MAX_LINES`, then scrolls.

    Parameters
    ----------
    text
        What it holds at first.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setStyleSheet(STYLE)
        self.setTabChangesFocus(True)
        self.setPlaceholderText("one description a line")
        self.setToolTip("What this class looks like, in plain words: one prompt a line")
        self.textChanged.connect(self._fit_height)
        self._fit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines wrap elsewhere at another width."""
        super().resizeEvent(event)
        self._fit_height()

    def changeEvent(self, event: QEvent) -> None:
        """The theme may bring another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_height()

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
        self.setFixedHeight(round(shown * metrics.lineSpacing() + 2 * margin) + BORDER_PX)
