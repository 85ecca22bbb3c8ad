"""How similarities become probabilities, and how probable is probable enough."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget
from superqt import QLabeledDoubleSlider

from napari_histoalign.plugin.widgets.parts import form, group, narrow_combo, note


class AlignmentBox(QWidget):
    """Picks the alignment and the threshold.

    Signals
    -------
    alignment_chosen
        Name of the strategy.
    threshold_changed
        Probability between 0 and 1.

    Parameters
    ----------
    strategies
        One-line explanations by name, in the order in which they are offered.
    current
        The one chosen at first.
    """

    alignment_chosen = Signal(str)
    threshold_changed = Signal(float)

    def __init__(self, strategies: Mapping[str, str], current: str) -> None:
        super().__init__()
        self._strategies = strategies
        box, layout = group("Scoring")
        self.strategy = narrow_combo(
            [(name, name) for name in strategies], "How image and text embeddings are compared"
        )
        self.strategy.setCurrentIndex(self.strategy.findData(current))
        self.explanation = note()
        self._explain()
        self.pairs = note()
        self.pairs.hide()
        self.strategy.currentIndexChanged.connect(self._on_strategy)
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0, 1)
        self.threshold.setSingleStep(0.01)
        self.threshold.setPageStep(0.1)
        self.threshold.setDecimals(2)
        self.threshold.setValue(0.5)
        self.threshold.setToolTip(
            "A tile belongs to its most probable class only from this probability on\n"
            "(layer 'classes' and exported regions)"
        )
        self.threshold.valueChanged.connect(self.threshold_changed)
        fields = form()
        fields.addRow("Alignment", self.strategy)
        layout.addLayout(fields)
        layout.addWidget(self.explanation)
        layout.addWidget(self.pairs)
        more = form()
        more.addRow(QLabel("Threshold"), self.threshold)
        layout.addLayout(more)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)

    def show_pairs(self, sentences: tuple[str, ...]) -> None:
        """Say how images of one encoder were compared with texts of another; nothing where they were not."""
        self.pairs.setText("<br>".join(escape(s) for s in sentences))
        self.pairs.setVisible(bool(sentences))

    def _on_strategy(self) -> None:
        self._explain()
        self.alignment_chosen.emit(self.strategy.currentData())

    def _explain(self) -> None:
        self.explanation.setText(self._strategies[self.strategy.currentData()])
