"""The prompt set: chosen, loaded, saved, and edited class by class."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_histoalign.errors import PromptError
from napari_histoalign.plugin.markup import warning
from napari_histoalign.plugin.widgets.class_editor import ClassEditor
from napari_histoalign.plugin.widgets.parts import group, narrow_combo, note

if TYPE_CHECKING:
    from napari_histoalign.alignment import PromptSet

NEW_COLORS = ("#4c9be8", "#f2a33c", "#8a5fd3", "#2fb7a3", "#d3558a", "#8c8c3f")


class PromptBox(QWidget):
    """Shows a prompt set and lets a person edit it.

    Signals
    -------
    edited
        Something changed; ask `prompts` for the result.
    refused
        Something changed and the set cannot be used as it is; why.
    set_chosen
        Name of a built-in set.
    load_requested, save_requested
        The buttons.
    """

    edited = Signal()
    refused = Signal(str)
    set_chosen = Signal(str)
    load_requested = Signal()
    save_requested = Signal()

    def __init__(self, sets: list[tuple[str, str]]) -> None:
        super().__init__()
        self._base: PromptSet | None = None
        self._editors: list[ClassEditor] = []
        box, layout = group("Prompts")
        self.sets = narrow_combo(sets, "Prompt sets that come with HistoAlign")
        self.sets.activated.connect(lambda: self.set_chosen.emit(self.sets.currentData()))
        load = QPushButton("Open...")
        load.setToolTip("Open a prompt set (YAML file)")
        load.clicked.connect(self.load_requested)
        save = QPushButton("Save...")
        save.setToolTip("Save these prompts as a YAML file")
        save.clicked.connect(self.save_requested)
        self._classes = QVBoxLayout()
        self._classes.setSpacing(8)
        self.add = QPushButton("Add class")
        self.add.setToolTip("Add a class to tell apart from the others")
        self.add.clicked.connect(self._add_class)
        self.message = note()
        self.message.hide()
        self.unknown = note()
        self.unknown.hide()
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.add, load, save):
            row.addWidget(button, 1)
        layout.addWidget(self.sets)
        layout.addLayout(self._classes)
        layout.addWidget(self.message)
        layout.addWidget(self.unknown)
        layout.addLayout(row)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)

    @property
    def editors(self) -> tuple[ClassEditor, ...]:
        """One a class, in order."""
        return tuple(self._editors)

    def set_prompts(self, prompts: PromptSet) -> None:
        """Show another prompt set; emits `edited` once."""
        while self._editors:
            self._drop(self._editors[0])
        self._base = prompts
        for entry in prompts.classes:
            self._append(ClassEditor(entry.name, entry.prompts, entry.color, entry.role))
        index = self.sets.findData(prompts.name)
        if index < 0:
            self.sets.addItem(prompts.title or prompts.name, prompts.name)
            index = self.sets.count() - 1
        self.sets.setCurrentIndex(index)
        self._on_changed()

    def prompts(self) -> PromptSet:
        """The prompt set as it is now.

        Raises
        ------
        PromptError
            If it cannot be used as it is, for example while a class has no prompt.
        """
        from napari_histoalign.alignment import PromptClass

        if self._base is None:
            raise PromptError("there are no prompts yet.")
        classes = tuple(
            PromptClass(
                name=editor.name.text().strip(),
                prompts=editor.prompts(),
                color=editor.color,
                role=editor.role.currentData(),
            )
            for editor in self._editors
        )
        return replace(self._base, classes=classes)

    def show_unknown(self, words: tuple[str, ...]) -> None:
        """Say which words mean nothing to the encoders."""
        self.unknown.setText(f"Words these encoders never learned: {escape(', '.join(words))}.")
        self.unknown.setVisible(bool(words))

    def _append(self, editor: ClassEditor) -> None:
        self._editors.append(editor)
        self._classes.addWidget(editor)
        editor.changed.connect(self._on_changed)
        editor.removed.connect(lambda: self._remove(editor))

    def _drop(self, editor: ClassEditor) -> None:
        self._editors.remove(editor)
        self._classes.removeWidget(editor)
        editor.hide()
        editor.deleteLater()

    def _remove(self, editor: ClassEditor) -> None:
        self._drop(editor)
        self._on_changed()

    def _add_class(self) -> None:
        taken = {editor.name.text() for editor in self._editors}
        used = {editor.color for editor in self._editors}
        number = next(n for n in range(1, len(taken) + 2) if f"class {n}" not in taken)
        color = next((c for c in NEW_COLORS if c not in used), NEW_COLORS[0])
        editor = ClassEditor(f"class {number}", (), color, "tissue")
        self._append(editor)
        self._on_changed()
        editor.text.setFocus()

    def _on_changed(self) -> None:
        """Say what is wrong under the classes; only a usable set is announced."""
        for editor in self._editors:
            editor.remove.setEnabled(len(self._editors) > 2)
        try:
            self.prompts()
        except PromptError as err:
            text = str(err)
            text = text[:1].upper() + text[1:]
            self.message.setText(warning(text))
            self.message.show()
            self.refused.emit(text)
        else:
            self.message.hide()
            self.edited.emit()
