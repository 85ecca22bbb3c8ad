"""A button that shows or hides a class: an eye, drawn in the theme's own colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QSize, Qt
from qtpy.QtGui import QPainter, QPainterPath, QPalette, QPen
from qtpy.QtWidgets import QToolButton

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

EYE_PX, BUTTON_PX = 14, 22


class EyeButton(QToolButton):
    """Open while checked, crossed out otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setChecked(True)
        self.setAutoRaise(True)
        self.setStyleSheet("QToolButton, QToolButton:checked { background: transparent; border: 0; }")
        self.setToolTip("Show this class on the slide, or hide it; its scores stay the same")
        self.setAccessibleName("Visible")

    def sizeHint(self) -> QSize:
        """Room for the eye."""
        return QSize(BUTTON_PX, BUTTON_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the eye, and a ring around it where the keyboard is."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.palette().color(QPalette.ColorRole.Text)
        if not self.isChecked():
            color.setAlpha(120)
        painter.setPen(QPen(color, 1.4))
        middle, half = QPointF(self.rect().center()) + QPointF(0.5, 0.5), EYE_PX / 2
        left, right = middle - QPointF(half, 0), middle + QPointF(half, 0)
        lids = QPainterPath(left)
        lids.quadTo(middle - QPointF(0, half * 1.3), right)
        lids.quadTo(middle + QPointF(0, half * 1.3), left)
        painter.drawPath(lids)
        if self.isChecked():
            painter.setBrush(color)
            painter.drawEllipse(middle, 1.8, 1.8)
        else:
            across = QPointF(half * 0.75, -half * 0.75)
            painter.drawLine(middle - across, middle + across)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 1.5))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 3, 3)
