"""Thumbnails of tiles in rows: arrow keys walk, Return and a click go there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem, QSizePolicy

from napari_histoalign.plugin.widgets.inspector_paint import TROUGH, ink, wrapped
from napari_histoalign.plugin.widgets.inspector_picture import pixmap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QFocusEvent, QKeyEvent, QResizeEvent

    from napari_histoalign.plugin.inspector_seams import Picture, Thumb

SIDE_PX, PAD_PX = 68, 3
SLACK_PX = 2
"""A list breaks a row that is exactly full."""
INDEX = Qt.ItemDataRole.UserRole


class ThumbnailStrip(QListWidget):
    """As many thumbnails a row as there is room for, and as high as its rows.

    Attributes
    ----------
    chosen
        A tile of the grid, when a person wants to go there.

    Parameters
    ----------
    name
        What assistive technology calls it.
    """

    chosen = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setViewMode(QListWidget.ViewMode.IconMode)
        self.setFlow(QListWidget.Flow.LeftToRight)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setMovement(QListWidget.Movement.Static)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(SIDE_PX, SIDE_PX))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setStyleSheet("QListWidget { background: transparent; border: 0; padding: 0; }")
        self.itemClicked.connect(self._on_item)
        self._fit()

    def show_thumbs(self, thumbs: Sequence[Thumb]) -> None:
        """Show tiles without their pictures."""
        self.clear()
        for thumb in thumbs:
            item = QListWidgetItem(self._empty(), thumb.caption)
            item.setData(INDEX, thumb.index)
            item.setToolTip(wrapped(f"{thumb.tooltip}\nClick, or press Return, to go there".strip()))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"Tile {thumb.index}: {thumb.tooltip}")
            self.addItem(item)
        self._fit()

    def show_thumb_picture(self, position: int, picture: Picture | None) -> None:
        """Show the picture of one of them; None: it cannot be read."""
        item = self.item(position)
        if item is None:
            return
        if picture is None:
            item.setText("unread")
            item.setToolTip("This tile cannot be read.")
        else:
            item.setIcon(_icon(pixmap(picture)))

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(4 * self._cell().width(), self.height())

    def minimumSizeHint(self) -> QSize:
        """One thumbnail wide."""
        return QSize(self._cell().width(), self.height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return goes to the tile; arrows walk."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if (item := self.currentItem()) is not None:
                self._on_item(item)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Whoever comes by keyboard stands on a thumbnail."""
        super().focusInEvent(event)
        by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if by_key and self.currentRow() < 0 and self.count():
            self.setCurrentRow(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer thumbnails a row."""
        super().resizeEvent(event)
        self._fit()

    def _on_item(self, item: QListWidgetItem) -> None:
        self.chosen.emit(int(item.data(INDEX)))

    def _cell(self) -> QSize:
        return QSize(SIDE_PX + 2 * PAD_PX, SIDE_PX + self.fontMetrics().height() + 2 * PAD_PX + 2)

    def _fit(self) -> None:
        cell = self._cell()
        room = self.width() - SLACK_PX
        columns = max(room // cell.width(), 1)
        cell.setWidth(max(room // columns, cell.width()))  # the rest of a row is shared out
        if self.gridSize() != cell:
            self.setGridSize(cell)
        rows = -(-self.count() // columns)
        if self.height() != rows * cell.height():
            self.setFixedHeight(rows * cell.height())

    def _empty(self) -> QIcon:
        blank = QPixmap(SIDE_PX, SIDE_PX)
        blank.fill(ink(self, TROUGH))
        return _icon(blank)


def _icon(picture: QPixmap) -> QIcon:
    """The same picture in every state: a chosen thumbnail is not tinted."""
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(picture, mode)
    return icon
