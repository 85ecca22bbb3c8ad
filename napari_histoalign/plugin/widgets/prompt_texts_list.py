"""The texts as the encoders read them: every prompt in every sentence, by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QAbstractItemView, QStyledItemDelegate, QTreeWidget, QTreeWidgetItem

from napari_histoalign.plugin.widgets.parts import SMALL_PRINT, SWATCH_PX, swatch

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex
    from qtpy.QtWidgets import QStyleOptionViewItem

    from napari_histoalign.alignment import PromptSet

HIGH_PX = 200
MARGIN_PX = 10


class _Wrapped(QStyledItemDelegate):
    """Rows as high as their wrapped text: a tree by itself cuts texts off, and their ends differ."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Size of a row in the width there is."""
        view = self.parent()
        depth = 2 if index.parent().isValid() else 1
        width = view.viewport().width() - depth * view.indentation() - MARGIN_PX
        text = index.data(Qt.ItemDataRole.DisplayRole)
        box = view.fontMetrics().boundingRect(0, 0, width, 1, Qt.TextFlag.TextWordWrap, text)
        return QSize(width, max(box.height() + 3, SWATCH_PX + 2 if depth == 1 else 0))


class TextsList(QTreeWidget):
    """Classes that open to their texts; filled only while it can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self._prompts: PromptSet | None = None
        self._filled: PromptSet | None = None
        self.setHeaderHidden(True)
        self.setRootIsDecorated(True)
        self.setIndentation(14)
        self.setFixedHeight(HIGH_PX)
        self.setWordWrap(True)
        self.setItemDelegate(_Wrapped(self))
        self.setStyleSheet(SMALL_PRINT)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setToolTip("The texts that are compared with the slide: each prompt in each sentence")
        self.setAccessibleName("Texts as used")

    def show_prompts(self, prompts: PromptSet) -> None:
        """Show the texts of a prompt set; classes that were open stay open."""
        self._prompts = prompts
        if self.isVisible():
            self._fill()

    def showEvent(self, event: object) -> None:
        """Catch up with what was not seen."""
        super().showEvent(event)
        self._fill()

    def resizeEvent(self, event: object) -> None:
        """Texts wrap elsewhere at another width."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def _fill(self) -> None:
        prompts = self._prompts
        if prompts is None or prompts == self._filled:
            return
        self._filled = prompts
        items = [self.topLevelItem(i) for i in range(self.topLevelItemCount())]
        was_open = {item.data(0, Qt.ItemDataRole.UserRole) for item in items if item.isExpanded()}
        place = self.verticalScrollBar().value()
        expanded = prompts.expand()
        self.clear()
        for i, c in enumerate(prompts.classes):
            texts = [t for t, k in zip(expanded.texts, expanded.class_index.tolist(), strict=True) if k == i]
            item = QTreeWidgetItem([f"{c.name} ({len(texts)})"])
            item.setData(0, Qt.ItemDataRole.UserRole, c.name)
            item.setIcon(0, swatch(c.color))
            for text in texts:
                item.addChild(QTreeWidgetItem([text]))
            self.addTopLevelItem(item)
            item.setExpanded(c.name in was_open)
        self.verticalScrollBar().setValue(place)
