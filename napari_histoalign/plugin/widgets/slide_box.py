"""Which slide, and how large its pixels are."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_histoalign.plugin.widgets.parts import group, narrow_combo, note


class SlideBox(QWidget):
    """Picks one of the open slides and asks for the pixel size where a slide has none.

    Signals
    -------
    slide_chosen
        The value that came with the chosen slide, or None.
    mpp_given
        Micrometres per level-0 pixel, typed by the person.
    """

    slide_chosen = Signal(object)
    mpp_given = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        box, layout = group("Slide")
        self.slide = narrow_combo(tooltip="Slide to analyse: any slide opened as an image layer")
        self.slide.currentIndexChanged.connect(lambda: self.slide_chosen.emit(self.current()))
        self.info = note()
        self.mpp = QDoubleSpinBox()
        self.mpp.setRange(0.01, 20)
        self.mpp.setDecimals(4)
        self.mpp.setSingleStep(0.01)
        self.mpp.setValue(0.5)
        self.mpp.setSuffix(" µm/px")
        self.mpp.setToolTip("Micrometres per pixel of the slide at full resolution, if you know it")
        apply = QPushButton("Apply")
        apply.setToolTip("Use this pixel size for this slide")
        apply.clicked.connect(lambda: self.mpp_given.emit(self.mpp.value()))
        self._ask = QWidget()
        row = QHBoxLayout(self._ask)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Pixel size"))
        row.addWidget(self.mpp, 1)
        row.addWidget(apply)
        self._ask.hide()
        for widget in (self.slide, self.info, self._ask):
            layout.addWidget(widget)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)
        self.setFocusProxy(self.slide)

    def current(self) -> Any:
        """Value of the chosen slide, or None."""
        return self.slide.currentData(Qt.ItemDataRole.UserRole)

    def set_slides(self, slides: list[tuple[str, Any]], current: Any) -> None:
        """Offer slides as (name, value); choose `current` and say so once if that is a change."""
        before = self.current()
        self.slide.blockSignals(True)
        self.slide.clear()
        for name, value in slides:
            self.slide.addItem(name, value)
        chosen = next((i for i, (_, value) in enumerate(slides) if value == current), len(slides) - 1)
        self.slide.setCurrentIndex(chosen)
        self.slide.blockSignals(False)
        if self.current() != before or not slides:
            self.slide_chosen.emit(self.current())

    def show_info(self, text: str, *, ask_mpp: bool) -> None:
        """Show facts about the slide, and the field for its pixel size if that is missing."""
        self.info.setText(text)
        self._ask.setVisible(ask_mpp)
