"""Tiles worth a look: which kind, of which class, and their thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_histoalign.plugin.gallery_picks import KINDS, Wish
from napari_histoalign.plugin.markup import warning
from napari_histoalign.plugin.widgets.gallery_strip import ThumbnailStrip
from napari_histoalign.plugin.widgets.parts import group, narrow_combo, note, swatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QShowEvent

    from napari_histoalign.plugin.inspector_seams import Picture, Thumb


class GalleryBox(QWidget):
    """Galleries.

    Attributes
    ----------
    wished
        A `Wish`: another kind or class.
    refresh_requested
        The same again, by the scores there are now.
    chosen
        A tile of the grid to go to.
    came_into_sight
        The box was hidden and is not any more.
    """

    wished = Signal(object)
    refresh_requested = Signal()
    chosen = Signal(int)
    came_into_sight = Signal()

    def __init__(self) -> None:
        super().__init__()
        short = [(text.split(":")[0], kind) for kind, text in KINDS.items()]
        self.kind = narrow_combo(short, "Which tiles to look at")
        for row, text in enumerate(KINDS.values()):
            self.kind.setItemData(row, text, Qt.ItemDataRole.ToolTipRole)
        self.classes = narrow_combo(
            [("Any class", None)], "Tiles of which class: the most probable one counts"
        )
        self.refresh = QPushButton("Refresh")
        self.refresh.setToolTip("Pick tiles by the scores there are now")
        self.state = note("Run first: there are no scores yet.")
        self.strip = ThumbnailStrip("Gallery of tiles")
        self._lay_out()
        self.kind.activated.connect(self._on_wish)
        self.classes.activated.connect(self._on_wish)
        self.refresh.clicked.connect(lambda: self.refresh_requested.emit())
        self.strip.chosen.connect(self.chosen)

    def wish(self) -> Wish:
        """What is chosen."""
        return Wish(self.kind.currentData(), self.classes.currentData())

    def show_classes(self, names: Sequence[str], colors: Sequence[str]) -> None:
        """Offer classes; the one that was chosen stays, if it is still there."""
        before = self.classes.currentText() if self.classes.currentData() is not None else ""
        with QSignalBlocker(self.classes):
            self.classes.clear()
            self.classes.addItem("Any class", None)
            for i, (name, color) in enumerate(zip(names, colors, strict=True)):
                self.classes.addItem(swatch(color), name, i)
            wanted = names.index(before) + 1 if before in names else 0
            self.classes.setCurrentIndex(wanted)
        if before:
            self._on_wish()

    def show_thumbs(self, thumbs: Sequence[Thumb]) -> None:
        """Show tiles without their pictures."""
        self.strip.show_thumbs(thumbs)

    def show_thumb_picture(self, position: int, picture: Picture | None) -> None:
        """Show the picture of one of them; None: it cannot be read."""
        self.strip.show_thumb_picture(position, picture)

    def show_state(self, sentence: str, *, stale: bool) -> None:
        """Say what is shown, and whether the scores have changed since."""
        self.state.setText(warning(sentence) if stale else sentence)

    def in_sight(self) -> bool:
        """Whether anybody can see it."""
        return self.isVisible()

    def showEvent(self, event: QShowEvent) -> None:
        """Tell that somebody looks."""
        super().showEvent(event)
        self.came_into_sight.emit()

    def _on_wish(self) -> None:
        self.wished.emit(self.wish())

    def _lay_out(self) -> None:
        box, layout = group("Gallery")
        row = QHBoxLayout()
        row.addWidget(self.kind, 1)
        row.addWidget(self.classes, 1)
        layout.addLayout(row)
        below = QHBoxLayout()
        below.addWidget(self.state, 1)
        below.addWidget(self.refresh)
        layout.addLayout(below)
        layout.addWidget(self.strip)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)
