"""Contributions as bars to the right of a line, where they added, and to its left, where they took away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QLineF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_histoalign.plugin.widgets.inspector_paint import QUIET, TROUGH, ink, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QHelpEvent, QPaintEvent

    from napari_histoalign.plugin.inspector_seams import SignedBar

TEXT_SHARE, GAP_PX, NUMBER_PX, PAD_PX = 0.56, 6, 42, 3


class SignedBars(QWidget):
    """One line a bar: its text, the bar, and the number.

    Parameters
    ----------
    name
        What assistive technology calls it.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._bars: tuple[SignedBar, ...] = ()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def bars(self) -> tuple[SignedBar, ...]:
        """What is shown."""
        return self._bars

    def show_bars(self, bars: Sequence[SignedBar]) -> None:
        """Show bars; the longest fills its side."""
        changed = len(bars) != len(self._bars)
        self._bars = tuple(bars)
        self.setAccessibleDescription(", ".join(f"{bar.text} {_number(bar.value)}" for bar in bars))
        if changed:
            self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        """Room for every bar."""
        return QSize(200, len(self._bars) * self._row_px())

    def event(self, event: QEvent) -> bool:
        """Say all of the bar under the cursor."""
        if event.type() == QEvent.Type.ToolTip:
            self._tell(event)
            return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw texts, bars and numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        longest = max((abs(bar.value) for bar in self._bars), default=0.0) or 1.0
        left = self.width() * TEXT_SHARE + GAP_PX
        room = max(self.width() - left - NUMBER_PX - GAP_PX, 10.0)
        for i, bar in enumerate(self._bars):
            self._paint(painter, bar, i * self._row_px(), left, room / 2, bar.value / longest)
        zero = left + room / 2
        painter.setPen(QPen(ink(self, QUIET), 1))
        painter.drawLine(QLineF(zero, 0, zero, self.height()))

    def _paint(
        self, painter: QPainter, bar: SignedBar, top: int, left: float, half: float, share: float
    ) -> None:
        row = self._row_px()
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

    def _row_px(self) -> int:
        return int(self.fontMetrics().height()) + PAD_PX

    def _tell(self, event: QHelpEvent) -> None:
        at = int(event.pos().y() // self._row_px())
        bar = self._bars[at] if 0 <= at < len(self._bars) else None
        text = "" if bar is None else bar.tooltip or f"{bar.text}: {bar.value:+.3f}"
        QToolTip.showText(event.globalPos(), wrapped(text), self)


def _number(value: float) -> str:
    """With its sign, unless it rounds to nothing."""
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text
