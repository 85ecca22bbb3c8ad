"""Probabilities of classes as bars, with the line over which they would move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QLineF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_histoalign.plugin.widgets.inspector_paint import TROUGH, ink, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QHelpEvent, QPaintEvent

    from napari_histoalign.plugin.inspector_seams import ClassRow

BAR_HIGH_PX, GAP_PX = 8, 6


class ProbabilityBars(QWidget):
    """Two lines a class: its name and probability, and the bar.

    Its bounds, where they are known, are a thin line with two ends across the bar.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[ClassRow, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def rows(self) -> tuple[ClassRow, ...]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[ClassRow]) -> None:
        """Show classes."""
        changed = len(rows) != len(self._rows)
        self._rows = tuple(rows)
        self.setAccessibleDescription(", ".join(f"{r.name} {r.probability:.2f}" for r in rows))
        if changed:
            self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        """Room for every class."""
        return QSize(120, len(self._rows) * self._row_px())

    def event(self, event: QEvent) -> bool:
        """Say more of the class under the cursor."""
        if event.type() == QEvent.Type.ToolTip:
            self._tell(event)
            return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw names, numbers and bars; the most probable class stands out."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        best = max((row.probability for row in self._rows), default=0.0)
        for i, row in enumerate(self._rows):
            font = QFont(self.font())
            font.setBold(row.probability == best)
            painter.setFont(font)
            self._paint(painter, row, i * self._row_px())

    def _paint(self, painter: QPainter, row: ClassRow, top: int) -> None:
        line = painter.fontMetrics().height()
        number = f"{row.probability:.2f}"
        wide = painter.fontMetrics().horizontalAdvance(number) + 6
        name = painter.fontMetrics().elidedText(
            row.name, Qt.TextElideMode.ElideRight, max(self.width() - wide, 10)
        )
        painter.setPen(ink(self))
        place = QRectF(0, top, self.width(), line)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        bar = QRectF(0, top + line + 1, self.width(), BAR_HIGH_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink(self, TROUGH))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(QColor(row.color))
        painter.drawRoundedRect(
            QRectF(bar.left(), bar.top(), bar.width() * row.probability, bar.height()), 2, 2
        )
        if row.bounds is not None:
            self._whisker(painter, bar, row.bounds)

    def _whisker(self, painter: QPainter, bar: QRectF, bounds: tuple[float, float]) -> None:
        painter.setPen(QPen(ink(self), 1.5))
        left, right = (bar.left() + 1 + bound * (bar.width() - 2) for bound in bounds)
        middle = bar.center().y()
        painter.drawLine(QLineF(left, middle, right, middle))
        for x in (left, right):
            painter.drawLine(QLineF(x, bar.top() - 1, x, bar.bottom() + 1))

    def _row_px(self) -> int:
        return self.fontMetrics().height() + 1 + BAR_HIGH_PX + GAP_PX

    def _tell(self, event: QHelpEvent) -> None:
        at = int(event.pos().y() // self._row_px())
        row = self._rows[at] if 0 <= at < len(self._rows) else None
        text = "" if row is None else row.tooltip or f"{row.name}: {row.probability:.3f}"
        QToolTip.showText(event.globalPos(), wrapped(text), self)
