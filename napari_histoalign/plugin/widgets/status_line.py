"""What the dock says last, or what to do first."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_histoalign.plugin.markup import sign
from napari_histoalign.plugin.widgets.parts import note

LINES = 2
"""Room that is kept: most sentences fit, so that what is above moves seldom."""


class StatusLine(QWidget):
    """A sentence, after a sign where something is wrong. While nothing was said, a hint.

    Attributes
    ----------
    text
        The label: plain text, or rich text after the sign.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = self._hint = ""
        self._error = False
        self.text: QLabel = note()
        self.text.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setAccessibleName("Status")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)

    def show_text(self, text: str, *, error: bool) -> None:
        """Say something; an empty text leaves room for the hint."""
        self._said, self._error = text, error
        self._show()

    def set_hint(self, text: str) -> None:
        """What to say while there is nothing else."""
        self._hint = text
        self._show()

    def changeEvent(self, event: QEvent) -> None:
        """The theme may bring another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.text.setMinimumHeight(LINES * self.text.fontMetrics().lineSpacing() + 2)

    def _show(self) -> None:
        if self._error and self._said:
            self.text.setTextFormat(Qt.TextFormat.RichText)
            self.text.setText(f"{sign()} {escape(self._said, quote=False)}")
        else:
            self.text.setTextFormat(Qt.TextFormat.PlainText)
            self.text.setText(self._said or self._hint)
