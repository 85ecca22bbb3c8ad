"""Which result lies over the slide, how strongly, and what its colours mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_histoalign.plugin.result_plan import LayerKey
from napari_histoalign.plugin.widgets.layer_legend import LegendView
from napari_histoalign.plugin.widgets.method_fields import Field, align, quietly
from napari_histoalign.plugin.widgets.method_slider import share_slider
from napari_histoalign.plugin.widgets.parts import group, narrow_combo, swatch

if TYPE_CHECKING:
    from napari_histoalign.plugin.legend import ColorBar, LegendRow
    from napari_histoalign.plugin.result_plan import Kind

SIDES: tuple[tuple[Kind, str, str], ...] = (
    ("probability", "Shown", "The alignment that is shown"),
    ("other", "Other", "The alignment that it is compared with"),
    ("difference", "Difference", "Shown minus other: blue is less, orange more"),
)
FIRST_OPACITY, FIRST_THRESHOLD = 0.6, 0.5


class LayerBox(QWidget):
    """Shows what there is to look at, and says what a person wants to see.

    Signals
    -------
    layer_chosen
        A `LayerKey`, or None for nothing.
    opacity_changed, threshold_changed
        Between 0 and 1, at once.
    beside_toggled
        Whether both alignments should be seen side by side.
    """

    layer_chosen = Signal(object)
    opacity_changed = Signal(float)
    threshold_changed = Signal(float)
    beside_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[LayerKey, ...] = ()
        self._colors: dict[str, str] = {}
        self.what = narrow_combo()
        self.opacity = share_slider(FIRST_OPACITY)
        self.threshold = share_slider(FIRST_THRESHOLD)
        self.show_field = Field("S&how", self.what, "Which result lies over the slide")
        self.opacity_field = Field("Opacity", self.opacity, "How strongly the results cover the tissue")
        self.threshold_field = Field(
            "Threshold",
            self.threshold,
            "A tile belongs to its most probable class only from this probability on",
        )
        self.sides: dict[Kind, QPushButton] = {}
        self.side_row = self._side_row()
        self.beside = QCheckBox("Side &by side")
        self.beside.setToolTip("Shown alignment on the left, the other on the right; both move together")
        self.legend = LegendView()
        box, layout = group("Layers")
        for widget in (self.show_field, self.side_row, self.beside, self.opacity_field, self.threshold_field):
            layout.addWidget(widget)
        layout.addWidget(self.legend)
        align((self.show_field, self.opacity_field, self.threshold_field))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)
        outer.addStretch(1)
        self.what.currentIndexChanged.connect(self._on_chosen)
        self.opacity.valueChanged.connect(self.opacity_changed)
        self.threshold.valueChanged.connect(self.threshold_changed)
        self.beside.toggled.connect(self._on_beside)
        self.show_layers((), {})

    def chosen(self) -> LayerKey | None:
        """What is to be seen."""
        base: LayerKey | None = self.what.currentData()
        if base is None or base.kind != "probability":
            return base
        key = LayerKey(self._side(), base.class_name)
        return key if key in self._keys else base

    def show_layers(self, keys: Sequence[LayerKey], colors: Mapping[str, str]) -> None:
        """Offer layers; what was chosen stays where it is still there. Nothing is emitted.

        Parameters
        ----------
        keys
            All that can be shown, the most wanted first.
        colors
            ``#rrggbb`` of each class.
        """
        if (tuple(keys), dict(colors)) != (self._keys, self._colors) or not self.what.count():
            before = self.what.currentData() if self.what.count() else (keys[0] if keys else None)
            if not self._keys and keys:
                before = keys[0]
            self._keys, self._colors = tuple(keys), dict(colors)
            quietly(self.what, lambda: self._fill(before))
        self._show_state()

    def set_chosen(self, key: LayerKey | None) -> None:
        """Show what is to be seen; nothing is emitted."""
        base = key
        if key is not None and key.kind in self.sides:
            base = LayerKey("probability", key.class_name)
            self.sides[key.kind].setChecked(True)
        at = next((i for i in range(self.what.count()) if self.what.itemData(i) == base), -1)
        if at >= 0:
            quietly(self.what, lambda: self.what.setCurrentIndex(at))
        self._show_state()

    def set_opacity(self, opacity: float) -> None:
        """Show an opacity; nothing is emitted."""
        quietly(self.opacity, lambda: self.opacity.setValue(opacity))

    def set_threshold(self, threshold: float) -> None:
        """Show a threshold; nothing is emitted."""
        quietly(self.threshold, lambda: self.threshold.setValue(threshold))

    def set_beside(self, beside: bool) -> None:
        """Show whether both alignments are side by side; nothing is emitted."""
        quietly(self.beside, lambda: self.beside.setChecked(beside))
        self._show_state()

    def show_bar(self, bar: ColorBar | None) -> None:
        """Say what the colours of the chosen layer mean."""
        self.legend.show_bar(bar, self.opacity.value())

    def show_rows(self, rows: Sequence[LegendRow]) -> None:
        """Say what each class covers."""
        self.legend.show_rows(rows)

    def _side(self) -> Kind:
        return next(kind for kind, button in self.sides.items() if button.isChecked())

    def _side_row(self) -> QWidget:
        """Buttons of which one is pressed."""
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        every = QButtonGroup(row)
        for kind, text, tip in SIDES:
            button = QPushButton(text)
            button.setCheckable(True)
            button.setToolTip(tip)
            every.addButton(button)
            self.sides[kind] = button
            layout.addWidget(button, 1)
            button.clicked.connect(self._on_chosen)
        self.sides["probability"].setChecked(True)
        return row

    def _fill(self, before: LayerKey | None) -> None:
        self.what.clear()
        for key in self._keys:
            if key.kind not in ("other", "difference"):
                color = self._colors.get(key.class_name) if key.kind == "probability" else None
                self.what.addItem(swatch(color) if color else QIcon(), key.title, key)
        self.what.addItem("nothing", None)
        at = [i for i in range(self.what.count()) if self.what.itemData(i) == before]
        self.what.setCurrentIndex(at[0] if at else 0)

    def _show_state(self) -> None:
        """Enable what can be done with what is there."""
        compared = any(key.kind == "other" for key in self._keys)
        base: LayerKey | None = self.what.currentData()
        self.side_row.setVisible(compared)
        self.beside.setVisible(compared)
        if not compared:
            self.sides["probability"].setChecked(True)
        for kind, button in self.sides.items():
            there = base is not None and LayerKey(kind, base.class_name) in self._keys
            beside = kind == "other" and self.beside.isChecked()
            button.setEnabled(there and base is not None and base.kind == "probability" and not beside)
        for control in (self.what, self.opacity, self.threshold):
            control.setEnabled(bool(self._keys))

    def _on_chosen(self) -> None:
        self._show_state()
        self.layer_chosen.emit(self.chosen())

    def _on_beside(self, beside: bool) -> None:
        if beside and self.sides["other"].isChecked():
            self.sides["probability"].setChecked(True)
        self._show_state()
        self.beside_toggled.emit(beside)
