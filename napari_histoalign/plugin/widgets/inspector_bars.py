"""Probabilities of classes as bars, with the line over which they would move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QLineF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPen

from napari_histoalign.plugin.widgets.inspector_paint import TROUGH, ink
from napari_histoalign.plugin.widgets.inspector_rows import PaintedRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent

    from napari_histoalign.plugin.inspector_seams import ClassRow

BAR_HIGH_PX, GAP_PX = 8, 6


class ProbabilityBars(PaintedRows):
    """Two lines a class: its name and probability, and the bar.

    Its bounds, where they are known, are a thin line with two ends across the bar.
    """

    def __init__(self) -> None:
        super().__init__(120)
        self._rows: tuple[ClassRow, ...] = ()

    @property
    def rows(self) -> tuple[ClassRow, ...]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[ClassRow]) -> None:
        """Show classes."""
        self._rows = tuple(rows)
        self.rows_changed(len(rows), ", ".join(f"{r.name} {r.probability:.2f}" for r in rows))

    def row_px(self) -> int:
        """Height of a row."""
        return self.fontMetrics().height() + 1 + BAR_HIGH_PX + GAP_PX

    def row_tip(self, row: int) -> str:
        """What to say of a class."""
        shown = self._rows[row]
        return shown.tooltip or f"{shown.name}: {shown.probability:.3f}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw names, numbers and bars; the most probable class stands out."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        best = max((row.probability for row in self._rows), default=0.0)
        for i, row in enumerate(self._rows):
            font = QFont(self.font())
            font.setBold(row.probability == best)
            painter.setFont(font)
            self._paint(painter, row, i * self.row_px())

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
