"""Edits of a prompt set over time: what is one step, what is announced, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_histoalign.alignment.prompt_edits import PromptEdits
from napari_histoalign.alignment.prompt_library import organ_of
from napari_histoalign.alignment.templates import template_sets
from napari_histoalign.errors import PromptError

if TYPE_CHECKING:
    from napari_histoalign.alignment import PromptSet

WAIT_MS = 60
"""Typing that goes on within this time is announced together."""
PAUSE_MS = 1000
"""Who stops typing for so long has ended a step."""


class PromptSession(QObject):
    """Holds the edits of one prompt set after the other; fields that wait for their end are asked first.

    Signals
    -------
    changed
        The draft is another: show it.
    edited
        The prompt set after a change, when it can be used.
    refused
        Why it cannot.

    Parameters
    ----------
    parent
        Owner.
    commit
        Makes fields hand over what is still being typed in them.
    """

    changed = Signal()
    edited = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QObject, commit: Callable[[], None]) -> None:
        super().__init__(parent)
        self.edits: PromptEdits | None = None
        self._commit = commit
        self._soon = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._soon.timeout.connect(self._announce)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.end_step)

    def use(self, prompts: PromptSet) -> None:
        """Go on with another set; it is announced at once, and can be undone."""
        if self.edits is None:
            self.edits = PromptEdits(prompts)
        else:
            self._commit()
            self.edits.replace(prompts)
        self._tell(at_once=True)

    def prompts(self) -> PromptSet:
        """The set as it is now.

        Raises
        ------
        PromptError
            There is none, or it cannot be used.
        """
        if self.edits is None:
            raise PromptError("There are no prompts yet.")
        self._commit()
        if self.edits.problem:
            raise PromptError(self.edits.problem)
        return self.edits.prompts

    def edit(self, act: Callable[[PromptEdits], object], *, typing: bool = False) -> None:
        """Do something to the set: a step of its own, or part of one while a person types."""
        if self.edits is None:
            return
        if typing:
            self._pause.start()
        else:
            self._commit()
            self.edits.settle()
        act(self.edits)
        self._tell()

    def type_lines(self, key: int, lines: Sequence[str]) -> None:
        """Take the lines of a class while a person types; a new line is a new step."""
        if self.edits is not None and len(lines) != len(self.edits.draft.get(key).prompts):
            self.edits.settle()
        self.edit(lambda edits: edits.set_lines(key, lines), typing=True)

    def choose_templates(self, templates: Sequence[str]) -> None:
        """Take templates; those that name the organ come with it, where the set speaks of one."""
        named = [template_sets().get(name) for name in templates]
        wanted = any(found is not None and found.names_organ for found in named)
        known = organ_of(self.edits.prompts) if self.edits is not None and wanted else None
        self.edit(lambda edits: edits.set_context(templates=templates, organ=edits.draft.organ or known))

    def undo(self) -> None:
        """Take the last step back; it is announced at once."""
        self._commit()
        if self.edits is not None and self.edits.undo():
            self._tell(at_once=True)

    def redo(self) -> None:
        """Do the last step again; it is announced at once."""
        self._commit()
        if self.edits is not None and self.edits.redo():
            self._tell(at_once=True)

    def end_step(self) -> None:
        """What is typed next is a step of its own."""
        if self.edits is not None:
            self.edits.settle()

    def settle(self) -> None:
        """Announce now what would be announced soon."""
        self._commit()
        if self._soon.isActive():
            self._announce()

    def _tell(self, *, at_once: bool = False) -> None:
        assert self.edits is not None
        self.changed.emit()
        if self.edits.problem:
            self._soon.stop()
            self.refused.emit(self.edits.problem)
        elif at_once:
            self._announce()
        else:
            self._soon.start()

    def _announce(self) -> None:
        self._soon.stop()
        if self.edits is not None:
            self.edited.emit(self.edits.prompts)
