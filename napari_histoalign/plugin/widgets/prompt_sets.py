"""The list of prompt sets to choose from, by organ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QSizePolicy

if TYPE_CHECKING:
    from napari_histoalign.alignment.prompt_draft import Draft
    from napari_histoalign.alignment.prompt_library import LibrarySet


class SetCombo(QComboBox):
    """Titles of prompt sets, a line between organs; the value of an item is the set's name.

    Parameters
    ----------
    sets
        In order, organ by organ.
    """

    def __init__(self, sets: Sequence[LibrarySet]) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Prompt sets that come with HistoAlign, by organ")
        self.setAccessibleName("Prompt set")
        for i, entry in enumerate(sets):
            if i and entry.organ != sets[i - 1].organ:
                self.insertSeparator(self.count())
            self.addItem(entry.title or entry.name, entry.name)
            self.setItemData(self.count() - 1, entry.description, Qt.ItemDataRole.ToolTipRole)

    def show_draft(self, draft: Draft) -> None:
        """Show the set that is being edited; one that is not in the list is added to it."""
        index = self.findData(draft.name)
        if index < 0:
            self.addItem(draft.title or draft.name, draft.name)
            index = self.count() - 1
        self.setCurrentIndex(index)
