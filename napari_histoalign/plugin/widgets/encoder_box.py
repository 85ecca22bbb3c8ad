"""Encoders and tiles: what the embeddings depend on."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_histoalign.plugin.widgets.parts import form, link, narrow_combo, note

DEVICES = (
    ("automatic", "auto"),
    ("processor (CPU)", "cpu"),
    ("NVIDIA GPU (CUDA)", "cuda"),
    ("Apple GPU (MPS)", "mps"),
)

HEADER_STYLE = (
    "QPushButton, QPushButton:checked { text-align: left; border: none; outline: none; padding: 5px;"
    " background: rgba(128, 128, 128, 50); }"
)


@dataclass(frozen=True)
class EncoderChoice:
    """One encoder as the picker shows it.

    Attributes
    ----------
    name, title
        Name in the registry, and for people.
    role
        "pathology", "general" or "control".
    licence, licence_url
        Terms it may be used under.
    demo
        Whether it is there to try the plugin out, not to judge tissue.
    notice
        What a person should know before using it.
    """

    name: str
    title: str
    role: str
    licence: str
    licence_url: str
    demo: bool
    notice: str


class EncoderBox(QWidget):
    """Picks one or two encoders, the device, and the size of tiles.

    Signals
    -------
    changed
        Anything changed.

    Parameters
    ----------
    choices
        What can be picked.
    mpp, tile
        Wanted micrometres per pixel of a tile and its side in pixels at the start.
    """

    changed = Signal()

    def __init__(self, choices: list[EncoderChoice], *, mpp: float, tile: int) -> None:
        super().__init__()
        self._choices = {choice.name: choice for choice in choices}
        pathology = [(c.title, c.name) for c in choices if c.role == "pathology"]
        general = [(c.title, c.name) for c in choices if c.role != "pathology"]
        self.pathology = narrow_combo(pathology or general, "Encoder that was trained on pathology images")
        self.general = narrow_combo(
            [*general, ("none", None)],
            "Encoder that was trained on images of any kind; 'none' uses one encoder",
        )
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
        fields = form()
        fields.addRow("Pathology", self.pathology)
        fields.addRow("General", self.general)
        fields.addRow(self.licences)
        fields.addRow("Resolution", self.mpp)
        fields.addRow("Tile side", self.tile)
        fields.addRow("Device", self.device)
        content = QWidget()
        content.setLayout(fields)
        self.collapsible = QCollapsible(expandedIcon=QIcon(), collapsedIcon=QIcon())
        self.collapsible.setDuration(0)
        self.collapsible.setContent(content)
        self.collapsible.layout().setContentsMargins(0, 0, 0, 0)
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

    def encoders(self) -> tuple[str, ...]:
        """Names of the chosen encoders, the pathology one first."""
        names = (self.pathology.currentData(), self.general.currentData())
        return tuple(dict.fromkeys(name for name in names if name))

    def notice(self) -> str:
        """What must be said about the chosen encoders; empty if nothing."""
        chosen = [self._choices[name] for name in self.encoders()]
        if any(choice.demo for choice in chosen):
            return "Demonstration encoders: not for diagnosis."
        return " ".join(dict.fromkeys(choice.notice for choice in chosen if choice.notice))

    def _show_title(self, expanded: bool) -> None:
        """The arrow is part of the text, so that it has the theme's colour."""
        self.collapsible.setText(f"{'▾' if expanded else '▸'}  Encoders and tiles")

    def _on_changed(self) -> None:
        self._show_licences()
        self.changed.emit()

    def _show_licences(self) -> None:
        lines = []
        for name in self.encoders():
            choice = self._choices[name]
            licence = link(choice.licence, choice.licence_url) if choice.licence_url else choice.licence
            lines.append(f"{choice.title}: {licence}. {choice.notice}")
        self.licences.setText("<br>".join(lines))
