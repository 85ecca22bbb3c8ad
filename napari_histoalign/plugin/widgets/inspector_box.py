"""The tile under the cursor, and the tile that was clicked."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from napari_histoalign.plugin.widgets.gallery_strip import ThumbnailStrip
from napari_histoalign.plugin.widgets.inspector_bars import ProbabilityBars
from napari_histoalign.plugin.widgets.inspector_paint import wrapped
from napari_histoalign.plugin.widgets.inspector_picture import TilePicture
from napari_histoalign.plugin.widgets.inspector_reasons import SignedBars
from napari_histoalign.plugin.widgets.parts import group, narrow_combo, note, swatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_histoalign.plugin.inspector_seams import ClassRow, Picture, Reasons, Thumb

NOTHING = "Point at a tile that was scored to see its probabilities; click it (or press I) to look closer."
HINT = "Click a tile, or press I over it, to look closer."
WHY_TIP = (
    "What moved the chosen class, above the mean of all classes, in units of the logit: bars to the right "
    "spoke for it, bars to the left against it. They add up. Hover a bar to read all of it."
)


class InspectorBox(QWidget):
    """What is known of tiles.

    Attributes
    ----------
    class_chosen
        A class whose reasons are wanted.
    tile_chosen
        A tile of the grid to go to.
    closed
        The tile is to be let go.
    """

    class_chosen = Signal(int)
    tile_chosen = Signal(int)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.hover = note(NOTHING)
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.close_button = QToolButton()
        self.close_button.setText("Close")
        self.close_button.setAutoRaise(True)
        self.close_button.setToolTip("Let go of the tile")
        self.picture = TilePicture()
        self.bars = ProbabilityBars()
        self.note = note()
        self.classes = narrow_combo(tooltip=wrapped(WHY_TIP))
        self.prompts, self.pairs, self.views = (
            SignedBars(name) for name in ("By prompt", "By pair of encoders", "By view")
        )
        self.rest = note()
        self.alike = ThumbnailStrip("Tiles most alike")
        self._headings: dict[QWidget, QLabel] = {}
        self._tile = QWidget()
        self._why = QWidget()
        self._lay_out()
        self.classes.activated.connect(lambda row: self.class_chosen.emit(row))
        self.close_button.clicked.connect(lambda: self.closed.emit())
        self.alike.chosen.connect(self.tile_chosen)
        self.picture.resized.connect(self._on_resized)
        self.clear()

    def show_hover(self, rows: Sequence[ClassRow]) -> None:
        """Show probabilities of the tile under the cursor; none for no tile."""
        if not rows:
            self.hover.setText(HINT if self._tile.isVisibleTo(self) else NOTHING)
            return
        best = max(rows, key=lambda row: row.probability)
        self.hover.setText("&nbsp; ".join(_hovered(row, bold=row is best) for row in rows))
        # what is below stays where it is while the cursor moves over tiles
        high = self.hover.heightForWidth(self.hover.width())
        self.hover.setMinimumHeight(max(self.hover.minimumHeight(), high))

    def show_tile(self, title: str, rows: Sequence[ClassRow], note: str = "") -> None:
        """Show the tile that was chosen."""
        self.title.setText(title)
        self.bars.show_rows(rows)
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self._tile.show()
        self._offer(rows)

    def show_picture(self, picture: Picture | None) -> None:
        """Show its pixels; None while they are not there."""
        self.picture.show_picture(picture)

    def show_reasons(self, reasons: Reasons | None, chosen: int) -> None:
        """Show why a class has its probability; None while that is not known."""
        self._why.setVisible(reasons is not None)
        if reasons is None:
            return
        with QSignalBlocker(self.classes):
            self.classes.setCurrentIndex(chosen)
        for widget, bars in (
            (self.prompts, reasons.prompts),
            (self.pairs, reasons.pairs),
            (self.views, reasons.views),
        ):
            widget.show_bars(bars)
            widget.setVisible(bool(bars))
            self._headings[widget].setVisible(bool(bars))
        self.rest.setText(escape(reasons.rest))
        self.rest.setVisible(bool(reasons.rest))

    def show_thumbs(self, thumbs: Sequence[Thumb]) -> None:
        """Show the tiles most alike, without their pictures."""
        self.alike.show_thumbs(thumbs)
        self.alike.setVisible(bool(thumbs))
        self._headings[self.alike].setVisible(bool(thumbs))

    def show_thumb_picture(self, position: int, picture: Picture | None) -> None:
        """Show the picture of one of them."""
        self.alike.show_thumb_picture(position, picture)

    def clear(self) -> None:
        """No tile is chosen."""
        self._tile.hide()
        self._why.hide()
        self.hover.setText(NOTHING)

    def _offer(self, rows: Sequence[ClassRow]) -> None:
        """Offer the classes whose reasons can be seen."""
        offered = [self.classes.itemText(i) for i in range(self.classes.count())]
        if offered == [row.name for row in rows]:
            return
        with QSignalBlocker(self.classes):
            self.classes.clear()
            for row in rows:
                self.classes.addItem(swatch(row.color), row.name)

    def _on_resized(self, large: bool) -> None:
        below, beside = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._pair.setDirection(below if large else beside)

    def _lay_out(self) -> None:
        box, layout = group("Tile")
        layout.addWidget(self.hover)
        layout.addWidget(self._tile)
        inner = QVBoxLayout(self._tile)
        inner.setContentsMargins(0, 0, 0, 0)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        inner.addLayout(head)
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._pair.addWidget(self.picture)
        right = QVBoxLayout()
        right.addWidget(self.bars)
        right.addStretch(1)
        self._pair.addLayout(right, 1)
        inner.addLayout(self._pair)
        inner.addWidget(self.note)
        inner.addWidget(self._why)
        self._lay_out_reasons()
        self._headings[self.alike] = _heading(
            "Most alike", "Cosine of the tiles' embeddings, meaned over encoders"
        )
        inner.addWidget(self._headings[self.alike])
        inner.addWidget(self.alike)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)

    def _lay_out_reasons(self) -> None:
        why = QVBoxLayout(self._why)
        why.setContentsMargins(0, 0, 0, 0)
        why.setSpacing(3)
        row = QHBoxLayout()
        row.addWidget(QLabel("What spoke for"))
        row.addWidget(self.classes, 1)
        why.addLayout(row)
        for widget in (self.prompts, self.pairs, self.views):
            self._headings[widget] = _heading(widget.accessibleName(), WHY_TIP)
            why.addWidget(self._headings[widget])
            why.addWidget(widget)
            if widget is self.prompts:
                why.addWidget(self.rest)


def _heading(text: str, tooltip: str) -> QLabel:
    label = note(f"<b>{escape(text)}</b>")
    label.setToolTip(wrapped(tooltip))
    return label


def _hovered(row: ClassRow, *, bold: bool) -> str:
    text = f"{escape(row.name)}&nbsp;{row.probability:.2f}"
    return f"<span style='color: {row.color};'>■</span>&nbsp;{f'<b>{text}</b>' if bold else text}"
