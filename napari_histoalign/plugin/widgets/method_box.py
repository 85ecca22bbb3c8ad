"""How embeddings become probabilities, what follows, and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_histoalign.alignment import DESCRIPTIONS, Alignment
from napari_histoalign.alignment.refining import FEW_SHOT, TRANSDUCTIVE, WIDEST, Refinement
from napari_histoalign.errors import AlignmentError
from napari_histoalign.plugin.markup import warning
from napari_histoalign.plugin.widgets.encoder_box import HEADER_STYLE, UNBOUNDED_PX
from napari_histoalign.plugin.widgets.method_compare import CompareFields
from napari_histoalign.plugin.widgets.method_fields import Choice, Field, Number, PairChoice, align, quietly
from napari_histoalign.plugin.widgets.method_more import MoreFields
from napari_histoalign.plugin.widgets.method_pairs import lacking, pairs_of
from napari_histoalign.plugin.widgets.method_slider import share_slider
from napari_histoalign.plugin.widgets.parts import group, note

TYPING_MS = 60
"""Wait so long for the next key or the next move of a slider."""


class MethodBox(QWidget):
    """Picks the alignment, what is done afterwards, and an alignment to compare with.

    Signals
    -------
    changed
        Scores have to be made anew. While a person types or slides, once in `TYPING_MS`.
    threshold_changed
        Probability between 0 and 1, at once.
    """

    changed = Signal()
    threshold_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        usual, after = Alignment(), Refinement()
        self._titles: tuple[str, ...] = ("first encoder", "second encoder")
        self._last = (usual, after)
        self._examples = 0
        self.strategy = Choice("&Alignment", DESCRIPTIONS, "How image and text embeddings are compared")
        self.pair = PairChoice("Which encoder's images are compared with which one's texts")
        self.temperature = Number(
            "Temperature",
            usual.temperature,
            0.01,
            100,
            tooltip="Above 1 probabilities are softer, below 1 sharper than the encoders' own",
        )
        self.smoothing = Number(
            "Smoothing",
            after.smoothing,
            0,
            WIDEST,
            step=0.25,
            suffix=" tiles",
            least_text="none",
            tooltip="Standard deviation of a mean over neighbouring tiles",
        )
        self.few_shot = Choice("Few-shot", FEW_SHOT, "What marked tiles are used for; without marks, nothing")
        self.transductive = Choice("Transductive", TRANSDUCTIVE, "Whether tiles are judged together")
        self.threshold = share_slider(0.5)
        self.cut = Field(
            "Threshold",
            self.threshold,
            "A tile belongs to its most probable class only from this probability on\n"
            "(layer 'classes', its areas, and exported regions)",
        )
        self.compare = CompareFields()
        self.more = MoreFields()
        self.fold = QCollapsible(expandedIcon=QIcon(), collapsedIcon=QIcon())
        self.notes, self.how = note(), note()
        self.steps = note()
        self._soon = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._soon.timeout.connect(self.changed)
        self._lay_out()
        self._connect()
        self.set_method(usual, after)

    # what is chosen

    def alignment(self) -> Alignment:
        """The strategy and its parameters; the last ones that made sense."""
        return self._read()[0]

    def refinement(self) -> Refinement:
        """What is done with scores afterwards; the last that made sense."""
        return self._read()[1]

    def other(self) -> Alignment | None:
        """What is compared with, or None."""
        return self.compare.other(self.alignment())

    def set_method(
        self, alignment: Alignment, refinement: Refinement | None = None, other: Alignment | None = None
    ) -> None:
        """Show a method; nothing is emitted.

        Parameters
        ----------
        alignment, refinement
            None for a refinement that does nothing.
        other
            What to compare with: its strategy and pair; its other parameters are those of `alignment`.
        """
        after = refinement or Refinement()
        self._soon.stop()
        self.strategy.set_value(alignment.name)
        self.temperature.set_value(alignment.temperature)
        self.smoothing.set_value(after.smoothing)
        self.few_shot.set_value(after.few_shot)
        self.transductive.set_value(after.transductive)
        self.more.set_values(alignment, after)
        self._show_fields()
        self.pair.set_value(alignment.pair)
        self.compare.set_other(other)

    def settle(self) -> None:
        """Do not wait for the next key: tell of changes now."""
        if self._soon.isActive():
            self._soon.stop()
            self.changed.emit()

    def set_threshold(self, threshold: float) -> None:
        """Show a threshold; nothing is emitted."""
        quietly(self.threshold, lambda: self.threshold.setValue(threshold))

    # what is known

    def set_encoders(self, titles: Sequence[str]) -> None:
        """Take the names of the one or two encoders in use; nothing is emitted."""
        self._titles = tuple(titles)
        self.compare.set_encoders(self._titles)
        self._show_fields()

    def set_classes(self, names: Sequence[str]) -> None:
        """Take the names of the classes; nothing is emitted."""
        self.more.set_classes(names)

    def show_examples(self, count: int) -> None:
        """Take the number of marked tiles that may serve as examples; nothing is emitted."""
        self._examples = count
        self._show_examples()

    def show_notes(self, problems: Sequence[str], how: Sequence[str] = ()) -> None:
        """Say what could not be done and why; and, folded away, how encoders were compared."""
        _show(self.notes, [warning(text) for text in problems])
        _show(self.how, [escape(text) for text in how])

    def show_steps(self, steps: Sequence[str]) -> None:
        """Say what was done with the scores afterwards, in order."""
        _show(self.steps, [escape(f"Done after scoring: {', '.join(steps)}.")] if steps else [])

    def _read(self) -> tuple[Alignment, Refinement]:
        try:
            found = (
                Alignment(
                    name=self.strategy.value(),
                    pair=self.pair.value(),
                    temperature=self.temperature.value(),
                    **self.more.scoring(),
                ),
                Refinement(
                    few_shot=self.few_shot.value(),
                    transductive=self.transductive.value(),
                    smoothing=self.smoothing.value(),
                    **self.more.refining(),
                ),
            )
        except AlignmentError as err:  # no control lets it come to this; a person must not pay if one does
            self.strategy.say(str(err), problem=True)
        else:
            self._last = found
        return self._last

    def _on_picked(self) -> None:
        self._soon.stop()
        self._show_fields()
        self.changed.emit()

    def _on_typed(self) -> None:
        self._show_title()
        self.more.show_for(self.strategy.value())
        self._soon.start()

    def _on_folded(self, expanded: bool) -> None:
        self._show_title()
        if expanded:  # it keeps the height of this moment, and sentences that grow would be cut off
            self.fold.content().setMaximumHeight(UNBOUNDED_PX)

    def _show_fields(self) -> None:
        name = self.strategy.value()
        problem = lacking(name, len(self._titles))
        self.strategy.explain()
        if problem:
            self.strategy.say(problem, problem=True)
        self.pair.offer(pairs_of(name, self._titles))
        self.pair.setVisible(self.pair.combo.count() > 1)
        self.more.show_for(name)
        self._show_title()
        self._show_examples()
        if self.compare.switch.isChecked():
            self.other()  # says so where both are the same

    def _show_examples(self) -> None:
        """Explain few-shot, and what it waits for."""
        self.few_shot.explain()
        if self.few_shot.value() != "none":
            marked = f"{self._examples} marked tiles" if self._examples else "No tile is marked yet"
            self.few_shot.say(f"{FEW_SHOT[self.few_shot.value()]} {marked}.")

    def _show_title(self) -> None:
        mark = "▾" if self.fold.isExpanded() else "▸"
        unusual = self.more.unusual()
        changed = f"  ({unusual} changed)" if unusual else ""
        self.fold.setText(f"{mark} More...{changed}")

    def _lay_out(self) -> None:
        box, layout = group("Method")
        self.fold.setDuration(0)
        folded = QWidget()
        inside = QVBoxLayout(folded)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.more)
        inside.addWidget(self.how)
        self.fold.setContent(folded)
        self.fold.layout().setContentsMargins(0, 0, 0, 0)
        self.fold.layout().setSpacing(0)
        self.fold.toggleButton().setStyleSheet(HEADER_STYLE)
        self.fold.toggleButton().setToolTip("Pooling, weights of prompts, centring, prior, calibration")
        self.fold.collapse(animate=False)
        fields = (self.strategy, self.pair, self.temperature, self.cut, self.smoothing)
        after = (self.few_shot, self.transductive, self.steps, self.notes)
        for widget in (*fields, *after, self.fold, self.compare):
            layout.addWidget(widget)
        for widget in (self.steps, self.notes, self.how):
            widget.hide()
        align((*fields, self.few_shot, self.transductive, *self.more.fields, *self.compare.fields))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)
        outer.addStretch(1)

    def _connect(self) -> None:
        for field in (self.strategy, self.pair, self.few_shot, self.transductive, self.more, self.compare):
            field.picked.connect(self._on_picked)
        for field in (self.temperature, self.smoothing, self.more):
            field.typed.connect(self._on_typed)
        self.fold.toggled.connect(self._on_folded)
        self.threshold.valueChanged.connect(self.threshold_changed)


def _show(label: QLabel, sentences: Sequence[str]) -> None:
    label.setText("<br>".join(sentences))
    label.setVisible(bool(sentences))
