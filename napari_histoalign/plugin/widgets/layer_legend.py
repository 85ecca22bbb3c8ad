"""The legend of the result layers: a colour bar, and a line for each class."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPalette
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_histoalign.plugin.legend import area_text
from napari_histoalign.plugin.widgets.parts import SMALL_PRINT, swatch

if TYPE_CHECKING:
    from napari_histoalign.plugin.coloring import Ramp
    from napari_histoalign.plugin.legend import ColorBar, LegendRow

BAR_PX = 12
SWATCH = 12


class RampBar(QWidget):
    """A strip of colours as they look on glass, at the layers' opacity."""

    def __init__(self) -> None:
        super().__init__()
        self._ramp: Ramp | None = None
        self._opacity = 1.0
        self.setFixedHeight(BAR_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_ramp(self, ramp: Ramp, opacity: float) -> None:
        """Show these colours."""
        if (ramp, opacity) != (self._ramp, self._opacity):
            self._ramp, self._opacity = ramp, opacity
            self.update()

    def sizeHint(self) -> QSize:
        """Small: it takes what width there is."""
        return QSize(80, BAR_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        if self._ramp is None:
            return
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        colors = QLinearGradient(frame.topLeft(), frame.topRight())
        for at, (red, green, blue, alpha) in self._ramp.stops:
            colors.setColorAt(at, QColor.fromRgbF(red, green, blue, alpha * self._opacity))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.setBrush(QColor("white"))  # the glass between the tissue
        painter.drawRect(frame)
        painter.setBrush(colors)
        painter.drawRect(frame)
        painter.end()


class LegendView(QWidget):
    """A colour bar, and name, tiles and area of each class."""

    def __init__(self) -> None:
        super().__init__()
        self.title = _label()
        self.bar = RampBar()
        self.low, self.high = _label(), _label(right=True)
        ends = QGridLayout()
        ends.addWidget(self.low, 0, 0)
        ends.addWidget(self.high, 0, 1)
        self._rows: list[tuple[QLabel, QLabel, QLabel, QLabel]] = []
        self._colors: list[str] = []
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.title)
        layout.addWidget(self.bar)
        layout.addLayout(ends)
        layout.addLayout(self._grid)
        self.show_bar(None, 1.0)

    def show_bar(self, bar: ColorBar | None, opacity: float) -> None:
        """Show what the colours of the chosen layer mean; None where there is nothing to say."""
        for widget in (self.title, self.bar, self.low, self.high):
            widget.setVisible(bar is not None)
        if bar is not None:
            self.title.setText(bar.title)
            self.low.setText(bar.low)
            self.high.setText(bar.high)
            self.bar.show_ramp(bar.ramp, opacity)
            self.bar.setAccessibleName(f"{bar.title}, from {bar.low} to {bar.high}")

    def show_rows(self, rows: Sequence[LegendRow]) -> None:
        """Show classes; labels are kept, so that ten updates a second cost little."""
        while len(self._rows) < len(rows):
            self._add_row()
        for i, labels in enumerate(self._rows):
            for label in labels:
                label.setVisible(i < len(rows))
        for i, row in enumerate(rows):
            mark, name, tiles, area = self._rows[i]
            if self._colors[i] != row.color:
                self._colors[i] = row.color
                if row.color:
                    mark.setPixmap(swatch(row.color).pixmap(SWATCH, SWATCH))
                else:
                    mark.clear()
            name.setText(row.name)
            name.setToolTip(f"{escape(row.name)}: {row.share:.1%} of the scored area")
            tiles.setText(f"{row.tiles:,} tiles")
            area.setText(area_text(row.area_mm2) or f"{row.share:.1%}")

    def texts(self) -> list[tuple[str, str, str]]:
        """Name, tiles and area of the rows in sight."""
        return [
            (name.text(), tiles.text(), area.text())
            for mark, name, tiles, area in self._rows
            if not mark.isHidden()
        ]

    def _add_row(self) -> None:
        labels = (_label(), _label(), _label(right=True), _label(right=True))
        labels[0].setFixedWidth(SWATCH + 2)
        labels[1].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for column, label in enumerate(labels):
            self._grid.addWidget(label, len(self._rows), column)
        self._rows.append(labels)
        self._colors.append("")


def _label(*, right: bool = False) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setStyleSheet(SMALL_PRINT)
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    label.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return label
