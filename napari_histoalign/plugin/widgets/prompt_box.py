"""The prompt set: chosen, loaded, saved, and edited class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_histoalign.alignment.prompt_edits import PromptEdits
from napari_histoalign.plugin.markup import warning
from napari_histoalign.plugin.widgets.class_list import ClassList
from napari_histoalign.plugin.widgets.parts import group, note
from napari_histoalign.plugin.widgets.prompt_keys import StepButton, UndoKeys
from napari_histoalign.plugin.widgets.prompt_marks import PromptMarks
from napari_histoalign.plugin.widgets.prompt_session import PromptSession
from napari_histoalign.plugin.widgets.prompt_sets import SetCombo
from napari_histoalign.plugin.widgets.prompt_wording import WordingBox

if TYPE_CHECKING:
    from napari_histoalign.alignment import PromptSet
    from napari_histoalign.alignment.prompt_library import LibrarySet
    from napari_histoalign.plugin.widgets.class_editor import ClassEditor


class PromptBox(QWidget):
    """Shows a prompt set and lets a person edit it.

    Signals
    -------
    edited
        The prompt set after a change, when it can be used: a moment after the last key, at once after
        undo, redo and the choice of another set.
    refused
        Something changed and the set cannot be used as it is; why.
    visibility_changed
        Name of a class, and whether it should be shown; no part of the prompt set.
    set_chosen
        Name of a built-in set.
    load_requested, save_requested
        The buttons.

    Parameters
    ----------
    sets
        Prompt sets to choose from, in order.
    """

    edited = Signal(object)
    refused = Signal(str)
    visibility_changed = Signal(str, bool)
    set_chosen = Signal(str)
    load_requested = Signal()
    save_requested = Signal()

    def __init__(self, sets: Sequence[LibrarySet]) -> None:
        super().__init__()
        self._session = PromptSession(self, self._commit)
        self._marks = PromptMarks()
        self._own: dict[str, PromptSet] = {}
        self.sets = SetCombo(sets)
        self.undo = StepButton("↶", "Undo")
        self.redo = StepButton("↷", "Redo")
        self.wording = WordingBox(list(dict.fromkeys(entry.organ for entry in sets if entry.organ)))
        keys = UndoKeys(self, self._session.undo, self._session.redo)
        for field in (self.wording.organ.lineEdit(), self.wording.own):
            keys.watch(field)
        self.classes = ClassList(keys)
        self.add = QPushButton("Add class")
        self.add.setToolTip("Add a class to tell apart from the others")
        self.load = QPushButton("Open...")
        self.load.setToolTip("Open a prompt set (YAML file)")
        self.save = QPushButton("Save...")
        self.save.setToolTip("Save these prompts as a YAML file")
        self.message = note()
        self.message.hide()
        self._lay_out()
        self._connect()

    @property
    def editors(self) -> tuple[ClassEditor, ...]:
        """One a class, in order."""
        return self.classes.editors

    def set_prompts(self, prompts: PromptSet) -> None:
        """Show another prompt set; emits `edited` once, at once. The way back to the old one stays."""
        if self.sets.findData(prompts.name) < 0:  # no set of the library: kept, to come back to
            self._own[prompts.name] = prompts
        self._session.use(prompts)

    def prompts(self) -> PromptSet:
        """The prompt set as it is now.

        Raises
        ------
        PromptError
            If it cannot be used as it is, for example while a class has no prompt.
        """
        return self._session.prompts()

    def settle(self) -> None:
        """Announce now what would be announced soon."""
        self._session.settle()

    def hidden_classes(self) -> frozenset[str]:
        """Names of the classes that should not be shown."""
        return frozenset(editor.name.text() for editor in self.editors if not editor.eye.isChecked())

    def show_contributions(self, shares: Mapping[str, float]) -> None:
        """Show how much each prompt contributes.

        Parameters
        ----------
        shares
            0 to 1, by prompt or by final text; those of a prompt's final texts are added up.
        """
        self._show_marks(replace(self._marks, shares=dict(shares)))

    def show_warnings(self, warnings: Mapping[str, str]) -> None:
        """Mark prompts that an encoder cannot read as they are.

        Parameters
        ----------
        warnings
            A sentence, by prompt or by final text.
        """
        self._show_marks(replace(self._marks, warnings=dict(warnings)))

    def _show(self) -> None:
        """Show the draft as it is now, and why it cannot be used."""
        edits = self._session.edits
        assert edits is not None
        self.classes.show_draft(edits.draft)
        self.wording.show_draft(edits.draft)
        self.sets.show_draft(edits.draft)
        self.undo.offer(edits.undoable)
        self.redo.offer(edits.redoable)
        self.message.setText(warning(edits.problem))
        self.message.setVisible(bool(edits.problem))
        self.wording.show_prompts(edits.prompts)
        self._show_marks(replace(self._marks, sentences=edits.prompts.sentences))

    def _show_marks(self, marks: PromptMarks) -> None:
        self._marks = marks
        self.classes.show_marks(marks)

    def _commit(self) -> None:
        """Take what is still being typed in fields that wait for its end."""
        for editor in self.editors:
            editor.commit()
        self.wording.commit()

    def _on_set(self) -> None:
        name = self.sets.currentData()
        if name in self._own:
            self._session.use(self._own[name])
        else:
            self.set_chosen.emit(name)
        if self._session.edits is not None:  # it may be that the set could not be had
            self.sets.show_draft(self._session.edits.draft)

    def _on_line(self, key: int, line: int, to: int | None) -> None:
        """Move a line, or copy it where there is no place to move it to; the cursor goes along."""
        edits = self._session.edits
        if edits is None or line >= len(edits.draft.get(key).prompts):
            return
        if to is None:
            self._session.edit(lambda edits: edits.duplicate_prompt(key, line))
        else:
            self._session.edit(lambda edits: edits.move_prompt(key, line, to))
        shown = edits.draft.get(key)
        place = min(max(line + 1 if to is None else to, 0), len(shown.prompts) - 1)
        self.classes.get(key).show_class(shown, place)

    def _on_add(self) -> None:
        before = self.editors
        self._session.edit(PromptEdits.add_class)
        for editor in self.editors:
            if editor not in before:
                editor.text.setFocus()

    def _lay_out(self) -> None:
        box, layout = group("Prompts")
        top, bottom = QHBoxLayout(), QHBoxLayout()
        for row in (top, bottom):
            row.setSpacing(4)
        top.addWidget(self.sets, 1)
        top.addWidget(self.undo)
        top.addWidget(self.redo)
        for button in (self.add, self.load, self.save):
            bottom.addWidget(button, 1)
        layout.addLayout(top)
        layout.addWidget(self.classes)
        layout.addWidget(self.message)
        layout.addLayout(bottom)
        layout.addWidget(self.wording)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)

    def _connect(self) -> None:
        session = self._session
        session.changed.connect(self._show)
        session.edited.connect(self.edited)
        session.refused.connect(self.refused)
        self.sets.activated.connect(self._on_set)
        self.undo.clicked.connect(session.undo)
        self.redo.clicked.connect(session.redo)
        self.add.clicked.connect(self._on_add)
        self.load.clicked.connect(self.load_requested)
        self.save.clicked.connect(self.save_requested)
        self.classes.edit_requested.connect(session.edit)
        self.classes.typed.connect(lambda key: session.type_lines(key, self.classes.get(key).text.lines()))
        self.classes.line_requested.connect(self._on_line)
        self.classes.paused.connect(session.end_step)
        self.classes.visibility_changed.connect(self.visibility_changed)
        wording = self.wording
        wording.organ_chosen.connect(lambda organ: session.edit(lambda e: e.set_context(organ=organ)))
        wording.templates_chosen.connect(session.choose_templates)
        wording.templates_typed.connect(
            lambda typed: session.edit(lambda e: e.set_context(templates=typed), typing=True)
        )
        wording.paused.connect(session.end_step)
