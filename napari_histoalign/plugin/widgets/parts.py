"""Small pieces the boxes of the dock are made of."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QComboBox, QFormLayout, QGroupBox, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_histoalign.plugin.markup import LINK_COLOR

SWATCH_PX = 16
SMALL_PT, TEXT_PT = (11, 12) if sys.platform == "darwin" else (8.25, 9)
"""Points grow with the resolution that the desktop tells, pixels do not. On macOS a point is a pixel."""
SMALL_PRINT, TEXT_PRINT = f"font-size: {SMALL_PT}pt;", f"font-size: {TEXT_PT}pt;"

FOCUS_STYLE = (
    "QPushButton:focus, QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus, QToolButton:focus,"
    f" QCheckBox::indicator:focus {{ border: 1px solid {LINK_COLOR}; }}"
    f" QSlider::handle:horizontal:focus {{ background: {LINK_COLOR}; }}"
)
"""napari's themes do not show where the keyboard is."""


def note(text: str = "", *, parent: QWidget | None = None) -> QLabel:
    """A wrapped line of small print."""
    label = QLabel(text, parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setOpenExternalLinks(True)
    label.setStyleSheet(SMALL_PRINT)
    policy = label.sizePolicy()
    policy.setHeightForWidth(True)
    policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
    label.setSizePolicy(policy)
    return label


def narrow_combo(items: Iterable[tuple[str, Any]] = (), tooltip: str = "") -> QComboBox:
    """A combo box of (text, value) which does not widen the dock for a long item."""
    combo = QComboBox()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setToolTip(tooltip)
    for text, value in items:
        combo.addItem(text, value)
    return combo


def group(title: str) -> tuple[QGroupBox, QVBoxLayout]:
    """A titled box and its vertical layout."""
    box = QGroupBox(title)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(8, 8, 8, 8)
    layout.setSpacing(6)
    return box, layout


def form() -> QFormLayout:
    """A form whose fields take the width that is left."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    return layout


def swatch(color: str) -> QIcon:
    """A rounded square of one colour."""
    pixmap = QPixmap(SWATCH_PX * 2, SWATCH_PX * 2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(color))
    painter.setPen(QColor(0, 0, 0, 90))
    painter.drawRoundedRect(1, 1, SWATCH_PX * 2 - 2, SWATCH_PX * 2 - 2, 6, 6)
    painter.end()
    return QIcon(pixmap)
