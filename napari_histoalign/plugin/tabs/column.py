"""A tab is a column of boxes that scrolls."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_histoalign.plugin.widgets.parts import FOCUS_STYLE


class Column(QScrollArea):
    """Boxes below each other; it scrolls up and down, never sideways."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def fill(self, boxes: Iterable[QWidget]) -> None:
        """Show these boxes."""
        content = QWidget()
        content.setStyleSheet(FOCUS_STYLE)
        stack = QVBoxLayout(content)
        stack.setContentsMargins(8, 8, 8, 8)
        stack.setSpacing(8)
        for box in boxes:
            stack.addWidget(box)
        stack.addStretch(1)
        self.setWidget(content)
