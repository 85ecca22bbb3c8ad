"""Fields of the method: a label, a control, and a sentence below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_histoalign.plugin.markup import warning
from napari_histoalign.plugin.widgets.parts import narrow_combo, note


class CalmWheel(QObject):
    """Lets the wheel scroll the dock instead of changing a value that merely passes below the mouse."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pass the wheel on, unless the control was chosen before."""
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()
            return True
        return False


class Field(QWidget):
    """A labelled control with a sentence below it, which hides while it is empty.

    Signals
    -------
    picked
        Another value was chosen.
    typed
        The value is being changed: more may follow at once.

    Parameters
    ----------
    title
        The label; ``&`` before its access key.
    control
        What it is the label of.
    tooltip
        Of label and control.
    explanation
        The sentence below at the start.
    """

    picked = Signal()
    typed = Signal()

    def __init__(self, title: str, control: QWidget, tooltip: str = "", explanation: str = "") -> None:
        super().__init__()
        self.control = control
        self.label = QLabel(title)
        self.label.setBuddy(control)
        self.below = note()
        self.below.hide()
        for widget in (self.label, control):
            if tooltip:
                widget.setToolTip(tooltip)
        control.setAccessibleName(title.replace("&", ""))
        control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for part in (control, *control.findChildren(QAbstractSlider)):
            part.installEventFilter(CalmWheel(part))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.label)
        row.addWidget(control, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.below)
        self.say(explanation)

    def say(self, text: str, *, problem: bool = False) -> None:
        """Show a sentence below the control; an empty one takes it away."""
        self.below.setText(warning(text) if problem else escape(text))
        self.below.setVisible(bool(text))


class Choice(Field):
    """One of some named things, each explained in a sentence.

    Parameters
    ----------
    title, tooltip
        See `Field`.
    explanations
        A sentence for each name that can be chosen.
    titles
        What names are called, where that is something else.
    """

    def __init__(
        self,
        title: str,
        explanations: Mapping[str, str],
        tooltip: str = "",
        titles: Mapping[str, str] | None = None,
    ) -> None:
        self.combo = narrow_combo([((titles or {}).get(name, name), name) for name in explanations])
        super().__init__(title, self.combo, tooltip)
        self._explanations = explanations
        for i, sentence in enumerate(explanations.values()):
            self.combo.setItemData(i, sentence, Qt.ItemDataRole.ToolTipRole)
        self.combo.currentIndexChanged.connect(self._on_chosen)
        self.explain()

    def value(self) -> str:
        """Name of what is chosen."""
        return str(self.combo.currentData())

    def set_value(self, name: str) -> None:
        """Choose a name; nothing is emitted."""
        quietly(self.combo, lambda: self.combo.setCurrentIndex(max(0, self.combo.findData(name))))
        self.explain()

    def explain(self) -> None:
        """Say what the chosen thing is."""
        self.say(self._explanations[self.value()])

    def _on_chosen(self) -> None:
        self.explain()
        self.picked.emit()


class PairChoice(Field):
    """Which encoders a strategy pairs.

    Parameters
    ----------
    tooltip
        See `Field`.
    """

    def __init__(self, tooltip: str = "") -> None:
        self.combo = narrow_combo()
        super().__init__("Pair", self.combo, tooltip)
        self.combo.currentIndexChanged.connect(self.picked)

    def offer(self, pairs: Iterable[tuple[str, tuple[int, int]]]) -> None:
        """Offer pairs by name; the chosen one stays where it is still there. Nothing is emitted."""
        before = self.value()

        def fill() -> None:
            self.combo.clear()
            for i, (name, pair) in enumerate(pairs):
                self.combo.addItem(name, pair)
                self.combo.setItemData(i, name, Qt.ItemDataRole.ToolTipRole)

        quietly(self.combo, fill)
        self.set_value(before)

    def value(self) -> tuple[int, int] | None:
        """Image and text encoder, or None where there is nothing to choose."""
        pair: tuple[int, int] | None = self.combo.currentData()
        return None if pair is None else (pair[0], pair[1])

    def set_value(self, pair: tuple[int, int] | None) -> None:
        """Choose a pair, or the first; nothing is emitted."""
        at = next((i for i in range(self.combo.count()) if self.combo.itemData(i) == pair), 0)
        quietly(self.combo, lambda: self.combo.setCurrentIndex(at))


class Number(Field):
    """A number in a range.

    Parameters
    ----------
    title, tooltip, explanation
        See `Field`.
    value, least, most
        At the start, and the ends of the range.
    step
        What an arrow key adds, or None for a tenth of the number's own size.
    decimals
        0 for whole numbers.
    suffix
        A unit.
    least_text
        What to show instead of the least number.
    """

    def __init__(
        self,
        title: str,
        value: float,
        least: float,
        most: float,
        *,
        step: float | None = None,
        decimals: int = 2,
        suffix: str = "",
        least_text: str = "",
        tooltip: str = "",
        explanation: str = "",
    ) -> None:
        self.spin: Any = QDoubleSpinBox() if decimals else QSpinBox()
        if decimals:
            self.spin.setDecimals(decimals)
        self.spin.setRange(least, most)
        if step is None:
            self.spin.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        else:
            self.spin.setSingleStep(step)
        self.spin.setSuffix(suffix)
        self.spin.setSpecialValueText(least_text)
        self.spin.setValue(value)
        super().__init__(title, self.spin, tooltip, explanation)
        self.spin.valueChanged.connect(lambda _: self.typed.emit())

    def value(self) -> float:
        """The number."""
        number: float = self.spin.value()
        return number

    def set_value(self, value: float) -> None:
        """Show a number; nothing is emitted."""
        quietly(self.spin, lambda: self.spin.setValue(value))


def quietly(widget: QWidget, change: Any) -> None:
    """Change a widget without its telling anybody."""
    before = widget.blockSignals(True)
    try:
        change()
    finally:
        widget.blockSignals(before)


def align(fields: Iterable[Field]) -> None:
    """Give the labels of fields one width, also in another font, so that their controls stand in line."""
    every = list(fields)
    aligner = _Aligner(every)
    for field in every:
        field.label.installEventFilter(aligner)
    aligner.align()


class _Aligner(QObject):
    """Lives as long as the first of its fields."""

    def __init__(self, fields: list[Field]) -> None:
        super().__init__(fields[0])
        self._fields = fields

    def align(self) -> None:
        """Measure all labels, and give them the width of the widest."""
        width = max(field.label.sizeHint().width() for field in self._fields)
        for field in self._fields:
            field.label.setFixedWidth(width)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A theme's font comes when a label is put into a window, or with another theme."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.align()
        return False
