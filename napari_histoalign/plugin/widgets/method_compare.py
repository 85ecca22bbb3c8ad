"""Which alignment another one is compared with."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_histoalign.alignment import DESCRIPTIONS, Alignment
from napari_histoalign.plugin.widgets.method_fields import Choice, Field, PairChoice, quietly
from napari_histoalign.plugin.widgets.method_pairs import lacking, pairs_of
from napari_histoalign.plugin.widgets.parts import note


class CompareFields(QWidget):
    """A switch, and the strategy and pair to compare with; everything else is the shown alignment's.

    Signals
    -------
    picked
        Anything changed.
    """

    picked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.switch = QCheckBox("&Compare with another alignment")
        self.switch.setToolTip(
            "Score by a second alignment as well: adds its layers and the difference between both"
        )
        self.strategy = Choice("With", DESCRIPTIONS, "The alignment to compare with")
        self.strategy.set_value("mean-fusion")
        self.pair = PairChoice("Which encoder's images are compared with which one's texts")
        self._titles: tuple[str, ...] = ("first encoder", "second encoder")
        self.where = note("Under Look: the other alignment, the difference, or both side by side.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self.switch, self.strategy, self.pair, self.where):
            layout.addWidget(widget)
        self.switch.toggled.connect(self._on_changed)
        self.strategy.picked.connect(self._on_changed)
        self.pair.picked.connect(self._on_changed)
        self._show_fields()

    @property
    def fields(self) -> tuple[Field, ...]:
        """Labelled fields."""
        return self.strategy, self.pair

    def other(self, shown: Alignment) -> Alignment | None:
        """The alignment to compare with; None where there is none that can be had and differs.

        Parameters
        ----------
        shown
            The alignment that is shown: all parameters but strategy and pair are taken from it.
        """
        if not self.switch.isChecked():
            return None
        other = replace(shown, name=self.strategy.value(), pair=self.pair.value())
        problem = lacking(other.name, len(self._titles))
        if other == shown:
            problem = "This is the alignment that is shown: choose another one."
        if problem:
            self.strategy.say(problem, problem=True)
            return None
        self.strategy.explain()
        return other

    def set_other(self, other: Alignment | None) -> None:
        """Show what is compared with; nothing is emitted."""
        quietly(self.switch, lambda: self.switch.setChecked(other is not None))
        if other is not None:
            self.strategy.set_value(other.name)
        self._show_fields()
        if other is not None:
            self.pair.set_value(other.pair)

    def set_encoders(self, titles: tuple[str, ...]) -> None:
        """Take the encoders' names; nothing is emitted."""
        self._titles = titles
        self._show_fields()

    def _on_changed(self) -> None:
        self._show_fields()
        self.picked.emit()

    def _show_fields(self) -> None:
        self.pair.offer(pairs_of(self.strategy.value(), self._titles))
        on = self.switch.isChecked()
        self.strategy.setVisible(on)
        self.where.setVisible(on)
        self.pair.setVisible(on and self.pair.combo.count() > 1)
