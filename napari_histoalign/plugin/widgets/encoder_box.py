"""Encoders and tiles: what the embeddings depend on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_histoalign.plugin.encoder_texts import sentence, tiles_text
from napari_histoalign.plugin.markup import LINK_COLOR, link, warning
from napari_histoalign.plugin.widgets.parts import SMALL_PRINT, form, narrow_combo, note

if TYPE_CHECKING:
    from napari_histoalign.plugin.encoder_choices import EncoderChoice

DEVICES = (
    ("automatic", "auto"),
    ("processor (CPU)", "cpu"),
    ("NVIDIA GPU (CUDA)", "cuda"),
    ("Apple GPU (MPS)", "mps"),
)

MPP_STEP = 0.001
"""Resolutions that differ by less are the same here: the box shows three digits."""
UNBOUNDED_PX = 16_777_215
"""Qt's own word for no limit."""
HEADER_STYLE = (
    "QPushButton, QPushButton:checked { text-align: left; border: none; outline: none; padding: 5px;"
    " background: rgba(128, 128, 128, 50); }"
    f" QPushButton:focus {{ border: 1px solid {LINK_COLOR}; }}"
)


class EncoderBox(QWidget):
    """Picks one or two encoders, the device, and the size of tiles.

    Signals
    -------
    changed
        Anything changed.
    manage_requested
        The button.

    Parameters
    ----------
    choices
        What can be picked; not empty.
    mpp, tile
        Wanted micrometres per pixel of a tile and its side in pixels at the start.
    """

    changed = Signal()
    manage_requested = Signal()

    def __init__(self, choices: Sequence[EncoderChoice], *, mpp: float, tile: int) -> None:
        super().__init__()
        self.pathology = narrow_combo(tooltip="Encoder that was trained on pathology images")
        self.general = narrow_combo(
            tooltip="Encoder that was trained on images of any kind; 'none' uses one encoder",
        )
        self._fill(choices)
        self.manage = QPushButton("Manage...")
        self.manage.setToolTip("List, add, download and remove encoders")
        self.manage.clicked.connect(self.manage_requested)
        self.problem = note()
        self.problem.hide()
        self.device = narrow_combo(DEVICES, "Where the encoders run")
        self.mpp = QDoubleSpinBox()
        self.mpp.setRange(0.1, 10)
        self.mpp.setDecimals(3)
        self.mpp.setSingleStep(0.05)
        self.mpp.setValue(mpp)
        self.mpp.setSuffix(" µm/px")
        self.mpp.setToolTip("Resolution at which the encoders see the tissue (0.5 is about 20x)")
        self.tile = QSpinBox()
        self.tile.setRange(32, 2048)
        self.tile.setSingleStep(32)
        self.tile.setValue(tile)
        self.tile.setSuffix(" px")
        self.tile.setToolTip("Side of a tile at that resolution; each tile gets one probability a class")
        self.licences = note()
        self.advice = note()
        self.use = QPushButton("use")
        self.use.setToolTip("Set resolution and tile side to what the encoder was made for")
        self.use.setStyleSheet(f"{SMALL_PRINT} padding: 1px 8px;")
        self.use.clicked.connect(self._on_use)
        self._advised = QWidget()
        row = QHBoxLayout(self._advised)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.advice, 1)
        row.addWidget(self.use)
        fields = form()
        fields.addRow("Pathology", self.pathology)
        fields.addRow("General", self.general)
        fields.addRow("", self.manage)
        fields.addRow(self.problem)
        fields.addRow(self.licences)
        fields.addRow("Resolution", self.mpp)
        fields.addRow("Tile side", self.tile)
        fields.addRow(self._advised)
        fields.addRow("Device", self.device)
        content = QWidget()
        content.setLayout(fields)
        self.collapsible = QCollapsible(expandedIcon=QIcon(), collapsedIcon=QIcon())
        self.collapsible.setDuration(0)
        self.collapsible.setContent(content)
        self.collapsible.layout().setContentsMargins(0, 0, 0, 0)
        self.collapsible.layout().setSpacing(0)
        self.collapsible.toggleButton().setStyleSheet(HEADER_STYLE)
        self.collapsible.toggled.connect(self._show_title)
        self.collapsible.collapse(animate=False)
        self._show_title(False)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.collapsible)
        for combo in (self.pathology, self.general, self.device):
            combo.currentIndexChanged.connect(self._on_changed)
        for spin in (self.mpp, self.tile):
            spin.valueChanged.connect(self._on_changed)
        self._show_licences()
        self._show_advice()

    def set_choices(self, choices: Sequence[EncoderChoice]) -> tuple[str, ...]:
        """Offer other encoders; what was chosen stays if it is still there.

        Returns
        -------
        tuple of str
            Titles of chosen ones that are not there any more; the first of their list stand in for them.
        """
        before = [self._choices[name] for name in self.encoders()]
        combos = (self.pathology, self.general)
        kept = [combo.currentData() for combo in combos]
        blocked = [combo.blockSignals(True) for combo in combos]
        self._fill(choices)
        for combo, name, was in zip(combos, kept, blocked, strict=True):
            combo.setCurrentIndex(max(0, combo.findData(name)))
            combo.blockSignals(was)
        if [self._choices[name] for name in self.encoders()] != before:
            self._on_changed()
        return tuple(choice.title for choice in before if choice.name not in self._choices)

    def show_problem(self, text: str) -> None:
        """Say why encoders are missing from the lists; an empty text goes away."""
        self.problem.setText(warning(text))
        self.problem.setVisible(bool(text))

    def encoders(self) -> tuple[str, ...]:
        """Names of the chosen encoders, the pathology one first."""
        names = (self.pathology.currentData(), self.general.currentData())
        return tuple(dict.fromkeys(name for name in names if name))

    def titles(self) -> tuple[str, ...]:
        """Titles of the chosen encoders, the pathology one first."""
        return tuple(self._choices[name].title for name in self.encoders())

    def choose(self, names: Sequence[str]) -> tuple[str, ...]:
        """Choose encoders, the pathology one first; returns those that are not offered."""
        missing = tuple(name for name in names if name not in self._choices)
        combos = (self.pathology, self.general)
        for combo, name in zip(combos, (*names[:2], None, None), strict=False):
            at = combo.findData(name)
            if at >= 0:
                combo.setCurrentIndex(at)
        return missing

    def notice(self) -> str:
        """What must be said about the chosen encoders; empty if nothing."""
        chosen = [self._choices[name] for name in self.encoders()]
        lines = ["Demonstration encoders: not for diagnosis."] if any(c.demo for c in chosen) else []
        lines += [sentence(c.notice) for c in chosen if c.notice and not c.demo]
        return " ".join(dict.fromkeys(lines))

    def _show_title(self, expanded: bool) -> None:
        """The arrow is part of the text, so that it has the theme's colour."""
        self.collapsible.setText(f"{'▾' if expanded else '▸'}  Encoders and tiles")
        if expanded:  # it keeps the height of this moment, and small print that grows would be cut off
            self.collapsible.content().setMaximumHeight(UNBOUNDED_PX)

    def _fill(self, choices: Sequence[EncoderChoice]) -> None:
        """Pathology encoders in one list, all others in the other, controls last."""
        self._choices = {choice.name: choice for choice in choices}
        by_role: dict[str, list[tuple[str, str]]] = {"pathology": [], "general": [], "control": []}
        for c in choices:
            by_role[c.role].append((f"{c.title} (control)" if c.role == "control" else c.title, c.name))
        others = by_role["general"] + by_role["control"]
        _refill(self.pathology, by_role["pathology"] or others)
        _refill(self.general, [*others, ("none", None)])

    def _on_changed(self) -> None:
        self._show_licences()
        self._show_advice()
        self.changed.emit()

    def _advice(self) -> tuple[EncoderChoice, float, int]:
        """The encoder that is listened to, and what it asks for within what the boxes allow.

        One only, or two that differ would send the person back and forth: the first that was made for a
        certain resolution, else the first.
        """
        chosen = [self._choices[name] for name in self.encoders()]
        said = next((c for c in chosen if c.mpp is not None), chosen[0])
        mpp = self.mpp.value() if said.mpp is None else said.mpp
        return (
            said,
            min(max(mpp, self.mpp.minimum()), self.mpp.maximum()),
            min(max(said.input_size, self.tile.minimum()), self.tile.maximum()),
        )

    def _show_advice(self) -> None:
        said, mpp, tile = self._advice()
        differs = abs(mpp - self.mpp.value()) > MPP_STEP or tile != self.tile.value()
        self._advised.setVisible(differs)
        if differs:
            self.advice.setText(escape(f"{said.title} was made for {tiles_text(said.input_size, said.mpp)}"))

    def _on_use(self) -> None:
        _, mpp, tile = self._advice()
        self.mpp.setValue(mpp)
        self.tile.setValue(tile)

    def _show_licences(self) -> None:
        lines = []
        for name in self.encoders():
            choice = self._choices[name]
            licence = link(choice.licence, choice.licence_url)
            lines.append(f"{escape(choice.title)}: {licence}. {escape(sentence(choice.notice))}")
        self.licences.setText("<br>".join(lines))


def _refill(combo: QComboBox, items: Sequence[tuple[str, str | None]]) -> None:
    combo.clear()
    for text, value in items:
        combo.addItem(text, value)
