"""One class of a prompt set, and the texts that a whole set comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from napari_histoalign.alignment.prompt_checks import known_keys, text, texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Role = Literal["lesion", "tissue", "background"]
PALETTE = ("#d55e00", "#009e73", "#0072b2", "#e69f00", "#cc79a7", "#56b4e9", "#f0e442", "#882255", "#5d2a6b")
"""Colours of classes that name none, in turn."""


@dataclass(frozen=True)
class PromptClass:
    """One class and its bag of prompts.

    Attributes
    ----------
    name
        As it stands on layers and in files.
    prompts
        Phrases that describe it: synonyms and descriptions.
    color
        ``#rrggbb``.
    role
        ``lesion`` (what is looked for), ``tissue`` or ``background`` (forms no regions).
    """

    name: str
    prompts: tuple[str, ...]
    color: str
    role: Role = "tissue"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", text(self.name, "the name of a class"))
        object.__setattr__(self, "prompts", texts(self.prompts, f"'prompts' of class {self.name!r}"))

    @property
    def is_background(self) -> bool:
        """Whether the class forms no regions."""
        return self.role == "background"


@dataclass(frozen=True)
class ExpandedPrompts:
    """Every text to be embedded, and the class it speaks for.

    Attributes
    ----------
    texts
        Prompts put into templates, without repeats within a class, k of them.
    class_index
        Class of each, shape (k,).
    """

    texts: tuple[str, ...]
    class_index: NDArray[np.int64]


def classes_from(entries: Sequence[Any]) -> tuple[PromptClass, ...]:
    """Classes from plain values; a class that names no colour gets one that no other names.

    Raises
    ------
    PromptError
        An entry is no class.
    """
    colors = _free_colors(entries)
    return tuple(
        _class(entry, i, color) for i, (entry, color) in enumerate(zip(entries, colors, strict=True))
    )


def _free_colors(entries: Sequence[Any]) -> list[str]:
    """A colour for each class in case it names none: of the palette, less what others name."""
    given = [e.get("color") for e in entries if isinstance(e, Mapping)]
    named = {color.lower() for color in given if isinstance(color, str)}
    free = [color for color in PALETTE if color not in named] or PALETTE
    return [free[i % len(free)] for i in range(len(entries))]


def _class(entry: Any, index: int, color: str) -> PromptClass:
    """One class from plain values, with a colour in case it names none."""
    known_keys(entry, ("name", "prompts", "color", "role"), f"class {index + 1}")
    return PromptClass(
        name=text(entry.get("name", ""), f"the name of class {index + 1}"),
        prompts=entry.get("prompts", ()),
        color=entry.get("color", color),
        role=entry.get("role", "tissue"),
    )
