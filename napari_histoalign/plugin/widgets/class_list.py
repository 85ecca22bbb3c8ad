"""The classes of a prompt set, one below the other, as a draft has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histoalign.plugin.widgets.class_editor import ClassEditor
from napari_histoalign.plugin.widgets.prompt_marks import PromptMarks

if TYPE_CHECKING:
    from napari_histoalign.alignment.prompt_draft import Draft
    from napari_histoalign.alignment.prompt_edits import PromptEdits
    from napari_histoalign.plugin.widgets.prompt_keys import UndoKeys

FEWEST = 2
"""Fewer classes cannot be told apart."""


class ClassList(QWidget):
    """Keeps one editor for each class, whatever becomes of it, and says what a person wants of which.

    Signals
    -------
    edit_requested
        What to do to the `PromptEdits`: a function of them.
    typed
        Key of the class whose lines changed.
    line_requested
        Key of a class, one of its lines, and where it should go; None asks for a copy.
    paused
        Typing is over for now.
    visibility_changed
        Name of a class, and whether it should be shown.

    Parameters
    ----------
    keys
        Takes the keys of undo and redo from text fields.
    """

    edit_requested = Signal(object)
    typed = Signal(int)
    line_requested = Signal(int, int, object)
    paused = Signal()
    visibility_changed = Signal(str, bool)

    def __init__(self, keys: UndoKeys) -> None:
        super().__init__()
        self._keys = keys
        self._editors: dict[int, ClassEditor] = {}
        self._marks = PromptMarks()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)

    @property
    def editors(self) -> tuple[ClassEditor, ...]:
        """One a class, in order."""
        return tuple(self._editors.values())

    def get(self, key: int) -> ClassEditor:
        """The editor of a class."""
        return self._editors[key]

    def show_draft(self, draft: Draft) -> None:
        """Show the classes of a draft; an editor keeps its class, its cursor and its focus."""
        kept = {c.key for c in draft.classes}
        for key in [key for key in self._editors if key not in kept]:
            editor = self._editors.pop(key)
            self._column.removeWidget(editor)
            editor.hide()
            editor.deleteLater()
        faulty = draft.faulty()
        for place, c in enumerate(draft.classes):
            editor = self._editors.get(c.key) or self._new(c.key)
            if self._column.indexOf(editor) != place:
                self._column.insertWidget(place, editor)
            editor.show_class(c)
            editor.show_fault(c.key in faulty)
            editor.up.setEnabled(place > 0)
            editor.down.setEnabled(place < len(draft.classes) - 1)
            editor.remove.setEnabled(len(draft.classes) > FEWEST)
        self._editors = {c.key: self._editors[c.key] for c in draft.classes}

    def show_marks(self, marks: PromptMarks) -> None:
        """Show shares and warnings."""
        if marks != self._marks:
            self._marks = marks
            for editor in self._editors.values():
                editor.show_marks(marks)

    def _new(self, key: int) -> ClassEditor:
        editor = self._editors[key] = ClassEditor("", (), "#000000", "tissue")
        editor.show_marks(self._marks)
        self._keys.watch(editor.name)
        self._keys.watch(editor.text)
        edit = self._edit
        editor.renamed.connect(lambda name: edit(lambda e: e.rename_class(key, name)))
        editor.recolored.connect(lambda color: edit(lambda e: e.recolor_class(key, color)))
        editor.role_chosen.connect(lambda role: edit(lambda e: e.set_role(key, role)))
        editor.removed.connect(lambda: edit(lambda e: e.remove_class(key)))
        editor.duplicate_requested.connect(lambda: edit(lambda e: e.duplicate_class(key)))
        editor.move_requested.connect(lambda by: edit(lambda e: e.move_class(key, e.draft.at(key) + by)))
        editor.typed.connect(lambda: self.typed.emit(key))
        editor.line_moved.connect(lambda line, by: self.line_requested.emit(key, line, line + by))
        editor.line_doubled.connect(lambda line: self.line_requested.emit(key, line, None))
        editor.paused.connect(self.paused)
        editor.visibility_toggled.connect(
            lambda shown: self.visibility_changed.emit(editor.name.text(), shown)
        )
        return editor

    def _edit(self, act: Callable[[PromptEdits], object]) -> None:
        self.edit_requested.emit(act)
