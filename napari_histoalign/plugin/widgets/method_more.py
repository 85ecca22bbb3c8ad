"""The method's finer points, folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_histoalign.alignment import POOLINGS, PRIORS, SCREENINGS, Alignment
from napari_histoalign.alignment.refining import CALIBRATIONS, Refinement
from napari_histoalign.plugin.widgets.method_fields import Choice, Field, Number
from napari_histoalign.plugin.widgets.method_shares import Shares

WEIGHTINGS: Mapping[str, str] = {
    "reliability": "Pairs of encoders whose prompts agree about the tiles weigh more.",
    "equal": "All pairs of encoders weigh alike.",
}


class MoreFields(QWidget):
    """How bags are pooled, prompts weighed, images centred, and probabilities corrected.

    Signals
    -------
    picked, typed
        A value changed; of `typed` more may follow at once.
    """

    picked = Signal()
    typed = Signal()

    def __init__(self) -> None:
        super().__init__()
        usual, after = Alignment(), Refinement()
        self.pooling = Choice("Pooling", POOLINGS, "How views and prompts become one number")
        self.sharpness = Number(
            "Sharpness",
            usual.sharpness,
            0.01,
            100,
            tooltip="How soft the maximum is",
            explanation="Above 1 the best fit counts more, below 1 all count more alike.",
        )
        self.top_k = Number(
            "Best",
            usual.top_k,
            1,
            99,
            step=1,
            decimals=0,
            tooltip="Number of best fits",
            explanation="So many best fits are averaged.",
        )
        self.weighting = Choice("Weighting", WEIGHTINGS, "How much each pair of encoders counts")
        self.screening = Choice("Screening", SCREENINGS, "How much each prompt counts")
        self.centring = Number(
            "Centring",
            usual.centring,
            0,
            1,
            step=0.1,
            least_text="none",
            tooltip="Share of the mean image that is taken off",
            explanation="Takes off what all images have in common, so that no prompt gains by it.",
        )
        self.prior = Choice("Prior", PRIORS, "A correction of how frequent classes are")
        self.shares = Shares()
        self.calibration = Choice("Calibration", CALIBRATIONS, "How sure probabilities should be in the end")
        self.confidence = Number(
            "Confidence",
            after.confidence,
            0,
            1,
            step=0.05,
            tooltip="Aimed at by the calibration",
            explanation="Mean probability of the most probable class.",
        )
        self.reset = QPushButton("Back to the usual values")
        self.reset.setToolTip("Set everything under More to what it is at the start")
        self.reset.clicked.connect(self._on_reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        for field in self.fields:
            field.picked.connect(self._on_picked)
            field.typed.connect(self.typed)
            layout.addWidget(field)
        layout.addWidget(self.reset)
        self.strategy = usual.name
        self.set_values(usual, after)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Labelled fields, from the top down."""
        return (
            self.pooling,
            self.sharpness,
            self.top_k,
            self.weighting,
            self.screening,
            self.centring,
            self.prior,
            self.shares,
            self.calibration,
            self.confidence,
        )

    def scoring(self) -> dict[str, Any]:
        """Parameters of `Alignment`."""
        return {
            "pooling": self.pooling.value(),
            "sharpness": self.sharpness.value(),
            "top_k": int(self.top_k.value()),
            "weighting": self.weighting.value(),
            "screening": self.screening.value(),
            "centring": self.centring.value(),
            "prior": self.prior.value(),
            "shares": self.shares.value(),
        }

    def refining(self) -> dict[str, Any]:
        """Parameters of `Refinement`."""
        return {"calibration": self.calibration.value(), "confidence": self.confidence.value()}

    def set_values(self, alignment: Alignment, refinement: Refinement) -> None:
        """Show parameters; nothing is emitted."""
        self.pooling.set_value(alignment.pooling)
        self.sharpness.set_value(alignment.sharpness)
        self.top_k.set_value(alignment.top_k)
        self.weighting.set_value(alignment.weighting)
        self.screening.set_value(alignment.screening)
        self.centring.set_value(alignment.centring)
        self.prior.set_value(alignment.prior)
        self.shares.set_value(alignment.shares)
        self.calibration.set_value(refinement.calibration)
        self.confidence.set_value(refinement.confidence)
        self.show_for(alignment.name)

    def show_for(self, strategy: str) -> None:
        """Show what matters to a strategy with what is chosen."""
        self.strategy = strategy
        bags = strategy == "many-to-many"
        self.pooling.setVisible(bags)
        self.weighting.setVisible(bags)
        self.sharpness.setVisible(bags and self.pooling.value() == "log-mean-exp")
        self.top_k.setVisible(bags and self.pooling.value() == "top-k")
        self.shares.setVisible(self.prior.value() == "otter")
        self.confidence.setVisible(self.calibration.value() == "confidence")
        self.reset.setEnabled(self.unusual() > 0)

    def set_classes(self, names: Sequence[str]) -> None:
        """Take the classes that shares are of."""
        self.shares.set_classes(names)

    def unusual(self) -> int:
        """How many values that matter are not the usual ones."""
        usual, after = Alignment(), Refinement()
        shown = [name for name, value in self.scoring().items() if value != getattr(usual, name)]
        shown += [name for name, value in self.refining().items() if value != getattr(after, name)]
        return sum(not getattr(self, name).isHidden() for name in shown)

    def _on_picked(self) -> None:
        self.show_for(self.strategy)
        self.picked.emit()

    def _on_reset(self) -> None:
        strategy = self.strategy
        self.set_values(Alignment(), Refinement())
        self.show_for(strategy)
        self.picked.emit()
