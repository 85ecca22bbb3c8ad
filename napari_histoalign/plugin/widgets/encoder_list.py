"""The table of encoders, with a field to filter it by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_histoalign.plugin.markup import WARNING_COLOR
from napari_histoalign.plugin.widgets.parts import TEXT_PRINT

if TYPE_CHECKING:
    from napari_histoalign.plugin.encoder_texts import Row

COLUMNS = (("Encoder", 0), ("Role", 110), ("Licence", 160), ("State", 160), ("Size", 70))
"""Headings, and widths in pixels; the first takes what is left."""
NAME = Qt.ItemDataRole.UserRole
STATE = 3
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
ABSENT_COLOR = "#8a8a8a"
"""Fainter than what is here, on light and on dark."""
STYLE = (
    f"QTreeWidget {{ {TEXT_PRINT} }} QTreeWidget::item {{ padding: 2px 0; border: none; }}"
    " QTreeWidget::item:selected { background: rgba(90, 155, 232, 110); }"
    f" QHeaderView::section {{ padding: 3px 5px; {TEXT_PRINT} }}"
)


class EncoderList(QWidget):
    """Shows encoders, one a line.

    Signals
    -------
    chosen
        Name of the line that is current now, or "" if none is.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by name, role, licence or state")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter")
        self.filter.textChanged.connect(self._apply_filter)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(len(COLUMNS))
        self.tree.setHeaderLabels([heading for heading, _ in COLUMNS])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setAllColumnsShowFocus(True)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.tree.setAccessibleName("Encoders")
        self.tree.setStyleSheet(STYLE)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, (_, width) in enumerate(COLUMNS[1:], start=1):
            header.resizeSection(column, width)
        self.tree.headerItem().setTextAlignment(len(COLUMNS) - 1, RIGHT)
        self.tree.currentItemChanged.connect(
            lambda item, _: self.chosen.emit(item.data(0, NAME) if item else "")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.filter)
        layout.addWidget(self.tree, 1)

    def set_rows(self, rows: Sequence[Row], selected: str | None) -> None:
        """Show other rows; emits nothing."""
        place = self.tree.verticalScrollBar().value()
        blocked = self.tree.blockSignals(True)
        self.tree.clear()
        for row in rows:
            item = _item(row)
            self.tree.addTopLevelItem(item)
            if row.name == selected:
                self.tree.setCurrentItem(item)
        self.tree.blockSignals(blocked)
        self._hide_others()
        self.tree.verticalScrollBar().setValue(place)
        if self.tree.currentItem() is not None:
            self.tree.scrollToItem(self.tree.currentItem())

    def shown(self) -> list[str]:
        """Names of the lines in sight."""
        return [item.data(0, NAME) for item in self._items() if not item.isHidden()]

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        self.chosen.emit("" if item is None else item.data(0, NAME))

    def _items(self) -> list[QTreeWidgetItem]:
        return [self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount())]

    def _apply_filter(self) -> None:
        """Hide what does not match; the current line is one in sight."""
        self._hide_others()
        current = self.tree.currentItem()
        if current is None or current.isHidden():
            current = next((i for i in self._items() if not i.isHidden()), None)
            self.tree.setCurrentItem(current)
        if current is not None:
            self.tree.scrollToItem(current)

    def _hide_others(self) -> None:
        wanted = self.filter.text().lower().split()
        for item in self._items():
            text = " ".join([item.data(0, NAME), *(item.text(c) for c in range(len(COLUMNS)))]).lower()
            item.setHidden(not all(word in text for word in wanted))


def _item(row: Row) -> QTreeWidgetItem:
    texts = [row.title, row.role, row.licence, row.state, row.size]
    item = QTreeWidgetItem(texts)
    item.setData(0, NAME, row.name)
    item.setTextAlignment(len(texts) - 1, RIGHT)
    for column, text in enumerate(texts):
        item.setToolTip(column, row.tip if column == STATE else text)
        if not row.here:
            item.setForeground(column, QColor(ABSENT_COLOR))
    if row.problem:
        item.setForeground(STATE, QColor(WARNING_COLOR))
    return item
