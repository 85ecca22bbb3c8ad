"""Buttons for the labels that a region or a tile can be given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QGridLayout, QToolButton, QWidget

from napari_histoalign.plugin.marking_seams import OTHER_COLORS, labels_of
from napari_histoalign.plugin.widgets.parts import SWATCH_PX, swatch

if TYPE_CHECKING:
    from napari_histoalign.results.review import Label

NAME_PX = 92


class LabelGrid(QWidget):
    """One button a label, two in a row.

    Signals
    -------
    label_given
        A `Label`.
    """

    label_given = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.buttons: list[QToolButton] = []
        self._others: list[QToolButton] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)

    def show_classes(self, classes: Sequence[tuple[str, str]]) -> None:
        """Offer classes: name and ``#rrggbb``."""
        for button in self.buttons:
            self._grid.removeWidget(button)
            button.hide()
            button.deleteLater()
        colors = dict(classes)
        self.buttons, self._others = [], []
        for key, label in labels_of(list(colors)).items():
            button = self._button(key, label, colors.get(label.name) or OTHER_COLORS[label.kind])
            self._grid.addWidget(button, len(self.buttons) // 2, len(self.buttons) % 2)
            self.buttons.append(button)
            if not label.name:
                self._others.append(button)

    def show_other(self, shown: bool) -> None:
        """Whether unsure and artefact can be given: to tiles, not to regions."""
        for button in self._others:
            button.setVisible(shown)

    def _button(self, key: str, label: Label, color: str) -> QToolButton:
        button = QToolButton()
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIcon(swatch(color))
        button.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        fits = button.fontMetrics().elidedText(str(label), Qt.TextElideMode.ElideMiddle, NAME_PX)
        button.setText(f" [{key}] {fits}".replace("&", "&&"))
        button.setToolTip(f"It is {label} (key {key})")
        button.setAccessibleName(str(label))
        policy = button.sizePolicy()
        policy.setHorizontalPolicy(policy.Policy.Expanding)
        button.setSizePolicy(policy)
        button.setStyleSheet("QToolButton { text-align: left; padding: 2px 4px; }")
        button.clicked.connect(lambda _=False: self.label_given.emit(label))
        return button
