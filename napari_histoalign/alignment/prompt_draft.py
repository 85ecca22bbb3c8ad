"""A prompt set while it is being written: it may be wrong for a moment, and loses nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from napari_histoalign.alignment.prompt_classes import PromptClass, Role
from napari_histoalign.alignment.prompts import PromptSet

if TYPE_CHECKING:
    from collections.abc import Sequence

NEW_COLORS = (
    *("#d55e00", "#009e73", "#0072b2", "#e69f00", "#cc79a7"),
    *("#56b4e9", "#f0e442", "#882255", "#5d2a6b", "#999933"),
)
"""Colours of new classes, the first that is free: Okabe and Ito's, then darker ones."""
T = TypeVar("T")


@dataclass(frozen=True)
class DraftClass:
    """A class as it is being written.

    Attributes
    ----------
    key
        Stays the same whatever becomes of the class; no two of a history share it.
    name, color, role
        As of `PromptClass`; the name may be empty.
    prompts
        Lines as typed, empty ones too.
    """

    key: int
    name: str
    prompts: tuple[str, ...]
    color: str
    role: Role = "tissue"

    @property
    def phrases(self) -> tuple[str, ...]:
        """The lines that hold something, as they stand in the prompt set."""
        return tuple(" ".join(line.split()) for line in self.prompts if line.split())


@dataclass(frozen=True)
class Draft:
    """A prompt set as it is being written; its methods return changed copies.

    Attributes
    ----------
    name, title, description, organ, templates
        As of `PromptSet`, but not checked.
    classes
        In order; there may be fewer than two.
    next_key
        Key of the next new class.

    Raises
    ------
    KeyError
        By methods that take a key: there is no such class.
    IndexError
        By methods that take a line: the class has no such line.
    """

    name: str
    classes: tuple[DraftClass, ...]
    templates: tuple[str, ...]
    title: str = ""
    description: str = ""
    organ: str = ""
    next_key: int = 0

    @classmethod
    def of(cls, prompts: PromptSet, first_key: int = 0) -> Draft:
        """A draft of a prompt set; its classes get keys from `first_key` on."""
        classes = tuple(
            DraftClass(key, c.name, c.prompts, c.color, c.role)
            for key, c in enumerate(prompts.classes, start=first_key)
        )
        return cls(
            prompts.name,
            classes,
            prompts.templates,
            prompts.title,
            prompts.description,
            prompts.organ,
            first_key + len(classes),
        )

    def build(self) -> PromptSet:
        """The prompt set; empty lines are left out.

        Raises
        ------
        PromptError
            It cannot be used as it is; the sentence says why.
        """
        return PromptSet(
            self.name,
            tuple(PromptClass(c.name, c.phrases, c.color, c.role) for c in self.classes),
            self.templates,
            self.title,
            self.description,
            self.organ,
        )

    def faulty(self) -> tuple[int, ...]:
        """Keys of the classes that cannot be used: without a name or with another's, or without a phrase."""
        names = [" ".join(c.name.split()) for c in self.classes]
        return tuple(
            c.key
            for c, name in zip(self.classes, names, strict=True)
            if not name or names.count(name) > 1 or not c.phrases
        )

    def at(self, key: int) -> int:
        """Position of a class."""
        for position, c in enumerate(self.classes):
            if c.key == key:
                return position
        raise KeyError(key)

    def get(self, key: int) -> DraftClass:
        """A class by its key."""
        return self.classes[self.at(key)]

    def with_class(self, changed: DraftClass) -> Draft:
        """A class of the same key in the place of the one there is."""
        position = self.at(changed.key)
        return replace(self, classes=(*self.classes[:position], changed, *self.classes[position + 1 :]))

    def with_lines(self, key: int, lines: Sequence[str]) -> Draft:
        """Other lines for a class."""
        return self.with_class(replace(self.get(key), prompts=tuple(lines)))

    def add_class(self) -> Draft:
        """A new class at the end: a name and a colour that are free, no phrase yet."""
        number = next(n for n in range(1, len(self.classes) + 2) if self._free(f"class {n}"))
        new = DraftClass(self.next_key, f"class {number}", (), self._free_color())
        return replace(self, classes=(*self.classes, new), next_key=self.next_key + 1)

    def duplicate_class(self, key: int) -> Draft:
        """A copy behind a class, under a name and a colour that are free."""
        position = self.at(key)
        old = self.classes[position]
        name = f"{old.name} copy".strip()
        name = next(
            n for n in (name, *(f"{name} {i}" for i in range(2, len(self.classes) + 3))) if self._free(n)
        )
        copy = replace(old, key=self.next_key, name=name, color=self._free_color())
        classes = (*self.classes[: position + 1], copy, *self.classes[position + 1 :])
        return replace(self, classes=classes, next_key=self.next_key + 1)

    def remove_class(self, key: int) -> Draft:
        """Without a class."""
        position = self.at(key)
        return replace(self, classes=(*self.classes[:position], *self.classes[position + 1 :]))

    def move_class(self, key: int, to: int) -> Draft:
        """A class at another position, at the nearest there is."""
        return replace(self, classes=moved(self.classes, self.at(key), to))

    def _free(self, name: str) -> bool:
        return all(" ".join(c.name.split()) != name for c in self.classes)

    def _free_color(self) -> str:
        used = {c.color.lower() for c in self.classes}
        return next(
            (color for color in NEW_COLORS if color not in used), NEW_COLORS[len(used) % len(NEW_COLORS)]
        )


def moved(items: tuple[T, ...], position: int, to: int) -> tuple[T, ...]:
    """Items with one of them at another position, at the nearest there is."""
    rest = [*items[:position], *items[position + 1 :]]
    rest.insert(min(max(to, 0), len(rest)), items[position])
    return tuple(rest)
