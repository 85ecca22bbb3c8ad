"""Editing a prompt set: every step can be undone, and what is half written is kept but not used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_histoalign.alignment.prompt_draft import Draft, DraftClass, moved
from napari_histoalign.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from napari_histoalign.alignment.prompt_classes import Role
    from napari_histoalign.alignment.prompts import PromptSet

MOST_STEPS = 500
"""So many steps can be undone."""


@dataclass(frozen=True)
class _Step:
    draft: Draft
    what: str
    """What led to it."""
    merges: Hashable = None
    """A step of the same kind that follows at once becomes one with it; None: never."""


class PromptEdits:
    """A prompt set, its changes, and the way back.

    The states are immutable drafts; an edit adds one, undo and redo walk among them. Typing in one place
    is one step until `settle` is called or something else is edited. An edit that changes nothing is none.

    Parameters
    ----------
    prompts
        What is edited.

    Raises
    ------
    KeyError, IndexError
        By edits of a class or a line that is not there. An edit never raises for what was written.
    """

    def __init__(self, prompts: PromptSet) -> None:
        self._past: tuple[_Step, ...] = (_Step(Draft.of(prompts), ""),)
        self._future: tuple[_Step, ...] = ()
        self._settled = True
        self._prompts = prompts
        self._problem = ""

    @property
    def draft(self) -> Draft:
        """What is written now, whether it can be used or not."""
        return self._past[-1].draft

    @property
    def prompts(self) -> PromptSet:
        """The last state that could be used."""
        return self._prompts

    @property
    def problem(self) -> str:
        """Why the draft cannot be used, as a sentence; empty where it can."""
        return self._problem

    @property
    def undoable(self) -> str:
        """What `undo` would take back ("Rename class"); empty where there is nothing."""
        return self._past[-1].what if len(self._past) > 1 else ""

    @property
    def redoable(self) -> str:
        """What `redo` would do again; empty where there is nothing."""
        return self._future[-1].what if self._future else ""

    def undo(self) -> bool:
        """Take the last step back; False where there is none."""
        if len(self._past) < 2:
            return False
        self._future = (*self._future, self._past[-1])
        self._past = self._past[:-1]
        self._arrive()
        return True

    def redo(self) -> bool:
        """Do again what was taken back last; False where there is nothing."""
        if not self._future:
            return False
        self._past = (*self._past, self._future[-1])
        self._future = self._future[:-1]
        self._arrive()
        return True

    def settle(self) -> None:
        """End a step of typing: what is typed next is a step of its own."""
        self._settled = True

    # the set

    def replace(self, prompts: PromptSet) -> bool:
        """Go on with another set; the way back to this one stays."""
        if not self._problem and prompts == self._prompts:
            return False
        return self._take(Draft.of(prompts, self._fresh_key()), "Change of prompt set")

    def describe(self, *, name: str | None = None, title: str | None = None) -> bool:
        """Another name or title for the set."""
        draft = self.draft
        name, title = draft.name if name is None else name, draft.title if title is None else title
        return self._take(replace(draft, name=name, title=title), "Title", "title")

    def set_context(self, *, templates: Sequence[str] | None = None, organ: str | None = None) -> bool:
        """Other templates (sentences, or names of template sets), or another organ, in one step."""
        draft = self.draft
        changed = replace(
            draft,
            templates=draft.templates if templates is None else tuple(templates),
            organ=draft.organ if organ is None else organ,
        )
        return self._take(changed, "Wording", "context")

    # its classes

    def add_class(self) -> int:
        """Add a class at the end; returns its key."""
        draft = replace(self.draft, next_key=self._fresh_key()).add_class()
        self._take(draft, "Add class")
        return draft.next_key - 1

    def duplicate_class(self, key: int) -> int:
        """Add a copy behind a class; returns the copy's key."""
        draft = replace(self.draft, next_key=self._fresh_key()).duplicate_class(key)
        self._take(draft, "Duplicate class")
        return draft.next_key - 1

    def remove_class(self, key: int) -> bool:
        """Remove a class and its prompts."""
        return self._take(self.draft.remove_class(key), "Remove class")

    def move_class(self, key: int, to: int) -> bool:
        """Move a class to a position, or the nearest there is."""
        return self._take(self.draft.move_class(key, to), "Move class")

    def rename_class(self, key: int, name: str) -> bool:
        """Another name for a class."""
        return self._class(replace(self.draft.get(key), name=name), "Rename class", ("name", key))

    def recolor_class(self, key: int, color: str) -> bool:
        """Another colour, ``#rrggbb``."""
        return self._class(replace(self.draft.get(key), color=color), "Colour")

    def set_role(self, key: int, role: Role) -> bool:
        """Another role; "background" forms no regions."""
        return self._class(replace(self.draft.get(key), role=role), "Role")

    # their prompts, one a line

    def set_lines(self, key: int, lines: Sequence[str]) -> bool:
        """All lines of a class, as they stand in a text box."""
        return self._take(self.draft.with_lines(key, lines), "Typing", ("lines", key))

    def edit_prompt(self, key: int, line: int, text: str) -> bool:
        """Another text for one line."""
        lines = self._lines(key, line)
        changed = (*lines[:line], text, *lines[line + 1 :])
        return self._take(self.draft.with_lines(key, changed), "Typing", ("line", key, line))

    def add_prompt(self, key: int, text: str = "", at: int | None = None) -> bool:
        """A new line before line `at`, at the end by default."""
        lines = self.draft.get(key).prompts
        at = len(lines) if at is None else at
        return self._take(self.draft.with_lines(key, (*lines[:at], text, *lines[at:])), "Add prompt")

    def remove_prompt(self, key: int, line: int) -> bool:
        """Remove a line."""
        lines = self._lines(key, line)
        return self._take(self.draft.with_lines(key, (*lines[:line], *lines[line + 1 :])), "Remove prompt")

    def duplicate_prompt(self, key: int, line: int) -> bool:
        """Add a copy of a line behind it, to be changed."""
        lines = self._lines(key, line)
        copied = (*lines[: line + 1], lines[line], *lines[line + 1 :])
        return self._take(self.draft.with_lines(key, copied), "Duplicate prompt")

    def move_prompt(self, key: int, line: int, to: int) -> bool:
        """Move a line to a position, or the nearest there is."""
        lines = self._lines(key, line)
        return self._take(self.draft.with_lines(key, moved(lines, line, to)), "Move prompt")

    def _lines(self, key: int, line: int) -> tuple[str, ...]:
        lines = self.draft.get(key).prompts
        if not 0 <= line < len(lines):
            raise IndexError(f"there is no line {line} among {len(lines)}")
        return lines

    def _class(self, changed: DraftClass, what: str, merges: Hashable = None) -> bool:
        return self._take(self.draft.with_class(changed), what, merges)

    def _fresh_key(self) -> int:
        """A key that no state of the history has, those taken back included."""
        return max(step.draft.next_key for step in (*self._past, *self._future))

    def _take(self, draft: Draft, what: str, merges: Hashable = None) -> bool:
        """Go on with a draft; False if it says nothing new."""
        last = self._past[-1]
        if draft == last.draft:
            return False
        joins = not self._settled and merges is not None and merges == last.merges
        before = self._past[:-1] if joins else self._past
        if joins and draft == before[-1].draft:  # typed, and deleted again
            self._past = before
        else:
            self._past = (*before, _Step(draft, what, merges))[-MOST_STEPS - 1 :]
        self._future = ()
        self._settled = False
        self._look()
        return True

    def _arrive(self) -> None:
        self._settled = True
        self._look()

    def _look(self) -> None:
        """Keep what can be used; say why where it cannot."""
        try:
            self._prompts = self.draft.build()
        except PromptError as err:
            text = str(err)
            self._problem = text[:1].upper() + text[1:]
        else:
            self._problem = ""
