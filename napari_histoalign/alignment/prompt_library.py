"""The prompt sets that ship with the package, by organ."""

from __future__ import annotations

from dataclasses import dataclass

from napari_histoalign.alignment.prompts import PromptSet, builtin_prompt_sets

ANY_ORGAN = ""


@dataclass(frozen=True)
class LibrarySet:
    """What a person chooses a shipped prompt set by.

    Attributes
    ----------
    name
        For `PromptSet.load`.
    title, description
        For people.
    organ
        Of its classes, in lower case; `ANY_ORGAN` where it speaks of none.
    """

    name: str
    title: str
    description: str
    organ: str


def library() -> tuple[LibrarySet, ...]:
    """The shipped prompt sets: organs in the order of their names, sets for any organ last."""
    sets = [PromptSet.load(name) for name in builtin_prompt_sets()]
    entries = [LibrarySet(s.name, s.title, s.description, organ_of(s)) for s in sets]
    return tuple(sorted(entries, key=lambda e: (e.organ == ANY_ORGAN, e.organ, e.title, e.name)))


def organ_of(prompts: PromptSet) -> str:
    """The organ a set speaks of: what it says, else what its title begins with ("Colon: ...").

    The first shipped sets have no ``organ``: it would change the identity of runs that used them.
    """
    if prompts.organ:
        return prompts.organ
    before, colon, _ = prompts.title.partition(":")
    organ = before.strip().lower()
    return organ if colon and organ != "any organ" else ANY_ORGAN
