"""Contributions as bars to the right of a line, where they added, and to its left, where they took away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QLineF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen

from napari_histoalign.plugin.widgets.inspector_paint import QUIET, TROUGH, ink
from napari_histoalign.plugin.widgets.inspector_rows import PaintedRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent

    from napari_histoalign.plugin.inspector_seams import SignedBar

TEXT_SHARE, GAP_PX, NUMBER_PX, PAD_PX = 0.56, 6, 42, 3


class SignedBars(PaintedRows):
    """One line a bar: its text, the bar, and the number.

    Parameters
    ----------
    name
        What assistive technology calls it.
    """

    def __init__(self, name: str) -> None:
        super().__init__(200)
        self._bars: tuple[SignedBar, ...] = ()
        self.setAccessibleName(name)

    @property
    def bars(self) -> tuple[SignedBar, ...]:
        """What is shown."""
        return self._bars

    def show_bars(self, bars: Sequence[SignedBar]) -> None:
        """Show bars; the longest fills its side."""
        self._bars = tuple(bars)
        self.rows_changed(len(bars), ", ".join(f"{bar.text} {_number(bar.value)}" for bar in bars))

    def row_px(self) -> int:
        """Height of a bar's line."""
        return int(self.fontMetrics().height()) + PAD_PX

    def row_tip(self, row: int) -> str:
        """All of a bar's text."""
        bar = self._bars[row]
        return bar.tooltip or f"{bar.text}: {bar.value:+.3f}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw texts, bars and numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        longest = max((abs(bar.value) for bar in self._bars), default=0.0) or 1.0
        left = self.width() * TEXT_SHARE + GAP_PX
        room = max(self.width() - left - NUMBER_PX - GAP_PX, 10.0)
        for i, bar in enumerate(self._bars):
            self._paint(painter, bar, i * self.row_px(), left, room / 2, bar.value / longest)
        zero = left + room / 2
        painter.setPen(QPen(ink(self, QUIET), 1))
        painter.drawLine(QLineF(zero, 0, zero, self.height()))

    def _paint(
        self, painter: QPainter, bar: SignedBar, top: int, left: float, half: float, share: float
    ) -> None:
        row = self.row_px()
        painter.setPen(ink(self))
        text = painter.fontMetrics().elidedText(bar.text, Qt.TextElideMode.ElideRight, int(left - GAP_PX))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, top, left - GAP_PX, row), Qt.AlignmentFlag.AlignLeft | middle, text)
        number = QRectF(self.width() - NUMBER_PX, top, NUMBER_PX, row)
        painter.setPen(ink(self, QUIET))
        painter.drawText(number, Qt.AlignmentFlag.AlignRight | middle, _number(bar.value))
        high = row - 2 * PAD_PX
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink(self, TROUGH))
        painter.drawRect(QRectF(left, top + PAD_PX, 2 * half, high))
        painter.setBrush(QColor(bar.color) if bar.color else ink(self, QUIET))
        start = left + half + min(share, 0) * half
        painter.drawRect(QRectF(start, top + PAD_PX, abs(share) * half, high))


def _number(value: float) -> str:
    """With its sign, unless it rounds to nothing."""
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text
