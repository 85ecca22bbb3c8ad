"""The margin of a prompt box: a stripe in the class's colour, and beside each prompt its bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPalette
from qtpy.QtWidgets import QWidget

from napari_histoalign.plugin.markup import WARNING_COLOR

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from napari_histoalign.plugin.widgets.prompt_text import PromptText

STRIPE_PX, BAR_PX, BAR_HIGH_PX, DOT_PX = 3, 24, 6, 4
GUTTER_PX = STRIPE_PX + BAR_PX + 8
TINT, TROUGH, DOT = 22, 60, 120
"""How much of the text's colour shows on the ground (of 255): of a text box, of an empty bar, of a dot."""


class PromptGutter(QWidget):
    """For each prompt a dot; a bar where its share is known; an exclamation mark where there is a warning.

    Parameters
    ----------
    text
        The box beside whose lines it stands.
    """

    def __init__(self, text: PromptText) -> None:
        super().__init__(text)
        self._text = text
        self._color = QColor()

    def set_color(self, color: str) -> None:
        """Colour of the class."""
        self._color = QColor(color)
        self.update()

    def fit(self) -> None:
        """Stand beside the lines."""
        area = self._text.contentsRect()
        self.setGeometry(area.left(), area.top(), GUTTER_PX, area.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the marks of the lines in view."""
        palette = self._text.palette()
        tint(self, palette)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._color.isValid():
            painter.fillRect(0, 0, STRIPE_PX, self.height(), self._color)
        line_px = self._text.fontMetrics().lineSpacing()
        block = self._text.firstVisibleBlock()
        while block.isValid():
            place = self._text.blockBoundingGeometry(block).translated(self._text.contentOffset())
            if place.top() > self.height():
                break
            if block.text().strip():
                self._mark(painter, palette, block.text(), place.top() + line_px / 2)
            block = block.next()

    def _mark(self, painter: QPainter, palette: QPalette, line: str, middle: float) -> None:
        marks = self._text.marks
        share = marks.share(line)
        warned = bool(marks.warning(line))
        right = self.width() - 2.0
        if share is not None:
            bar = QRectF(right - BAR_PX, middle - BAR_HIGH_PX / 2, BAR_PX, BAR_HIGH_PX)
            painter.setBrush(faint(palette, TROUGH))
            painter.drawRoundedRect(bar, 2, 2)
            bar.setWidth(BAR_PX * share)
            painter.setBrush(self._color if self._color.isValid() else palette.color(QPalette.ColorRole.Text))
            painter.drawRoundedRect(bar, 2, 2)
        elif not warned:
            painter.setBrush(faint(palette, DOT))
            painter.drawEllipse(QRectF(right - DOT_PX - 2, middle - DOT_PX / 2, DOT_PX, DOT_PX))
        if warned and share is None:
            painter.setPen(QColor(WARNING_COLOR))
            font = self._text.font()
            font.setBold(True)
            painter.setFont(font)
            box = QRectF(right - 12, middle - 8, 12, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "!")
            painter.setPen(Qt.PenStyle.NoPen)


def faint(palette: QPalette, alpha: int) -> QColor:
    """The text's colour, mostly see-through."""
    color = QColor(palette.color(QPalette.ColorRole.Text))
    color.setAlpha(alpha)
    return color


def tint(widget: QWidget, palette: QPalette) -> None:
    """Paint a widget's ground a little towards the text's colour."""
    painter = QPainter(widget)
    painter.fillRect(widget.rect(), faint(palette, TINT))
