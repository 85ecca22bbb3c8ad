"""Classes and the words that describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_histoalign.alignment.prompt_checks import check, known_keys, text, texts
from napari_histoalign.errors import PromptError
from napari_histoalign.files import resource

if TYPE_CHECKING:
    from numpy.typing import NDArray

Role = Literal["lesion", "tissue", "background"]
PALETTE = ("#d62728", "#2ca02c", "#1f77b4", "#ff7f0e", "#9467bd", "#8c564b", "#e377c2", "#17becf", "#bcbd22")
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


@dataclass(frozen=True)
class PromptSet:
    """Classes to tell apart, each with its prompts.

    Attributes
    ----------
    name
        Short name.
    classes
        At least two.
    templates
        Sentences with one ``{}`` each, into which every prompt is put.
    title, description
        For people.

    Raises
    ------
    PromptError
        The set cannot be used; the message says which class or template, and why.
    """

    name: str
    classes: tuple[PromptClass, ...]
    templates: tuple[str, ...] = ("{}",)
    title: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        for field in ("name", "title", "description"):
            object.__setattr__(self, field, text(getattr(self, field), f"'{field}'"))
        object.__setattr__(self, "templates", texts(self.templates, "'templates'"))
        object.__setattr__(self, "classes", tuple(self.classes))
        check(self)

    @classmethod
    def load(cls, name: str | Path) -> PromptSet:
        """A shipped prompt set by its name, or one from a YAML file.

        Raises
        ------
        PromptError
            There is none of that name, or the file is no prompt set.
        """
        from napari_histoalign.alignment.prompt_files import read_prompts

        builtin = builtin_prompt_sets()
        if str(name) in builtin:
            return cls.from_dict(read_prompts(builtin[str(name)]), source=str(name))
        path = Path(name)
        try:
            there = path.is_file()
        except OSError:  # no name that a file could have
            there = False
        if not there:
            raise PromptError(
                f"There is no prompt set {str(name)!r}: neither a file nor one of {', '.join(builtin)}."
            )
        return cls.from_dict(read_prompts(path), source=str(path))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], *, source: str = "The prompt set") -> PromptSet:
        """A prompt set from plain values, as `to_dict` returns them and YAML holds them.

        Parameters
        ----------
        plain
            ``name``, ``classes`` (``name``, ``prompts``, ``color``, ``role`` each) and, if wanted,
            ``templates``, ``title``, ``description``. Missing colours are given from a palette.
        source
            What error messages call it: the file.
        """
        try:
            known_keys(plain, ("name", "title", "description", "templates", "classes"), "The prompt set")
            entries = plain.get("classes")
            if not isinstance(entries, Sequence) or isinstance(entries, str):
                raise PromptError("'classes' must be a list of classes, each with a name and prompts.")
            return cls(
                name=plain.get("name", ""),
                title=plain.get("title", ""),
                description=plain.get("description", ""),
                templates=plain.get("templates", ("{}",)),
                classes=tuple(
                    _class(entry, i, color)
                    for i, (entry, color) in enumerate(zip(entries, _free_colors(entries), strict=True))
                ),
            )
        except PromptError as err:
            raise PromptError(f"{source}: {err}") from err

    def to_dict(self) -> dict[str, Any]:
        """Plain values for YAML and the provenance; `from_dict` turns them back."""
        plain: dict[str, Any] = {"name": self.name}
        if self.title:
            plain["title"] = self.title
        if self.description:
            plain["description"] = self.description
        if self.templates != ("{}",):
            plain["templates"] = list(self.templates)
        plain["classes"] = [
            {"name": c.name, "role": c.role, "color": c.color, "prompts": list(c.prompts)}
            for c in self.classes
        ]
        return plain

    def save(self, path: str | Path) -> None:
        """Write the set as YAML, whole or not at all."""
        from napari_histoalign.alignment.prompt_files import write_prompts

        write_prompts(Path(path), self.to_dict())

    def with_prompts(self, index: int, prompts: Sequence[str]) -> PromptSet:
        """The same set with other prompts for one class."""
        changed = replace(self.classes[index], prompts=tuple(prompts))
        return replace(self, classes=(*self.classes[:index], changed, *self.classes[index + 1 :]))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(c.name for c in self.classes)

    @property
    def colors(self) -> tuple[str, ...]:
        """Colours of the classes."""
        return tuple(c.color for c in self.classes)

    @property
    def overlay_class(self) -> int:
        """The class to show first: the first lesion, else the first that is no background."""
        ranks = [("lesion", "tissue", "background").index(c.role) for c in self.classes]
        return ranks.index(min(ranks))

    def expand(self) -> ExpandedPrompts:
        """Put every prompt into every template; a text counts once within its class."""
        texts: list[str] = []
        index: list[int] = []
        for i, c in enumerate(self.classes):
            bag = dict.fromkeys(t.replace("{}", p) for t in self.templates for p in c.prompts)
            texts += bag
            index += [i] * len(bag)
        return ExpandedPrompts(tuple(texts), np.asarray(index, np.int64))


def builtin_prompt_sets() -> dict[str, Path]:
    """Shipped prompt sets: files by name."""
    return {path.stem: path for path in sorted(resource("prompts").glob("*.yaml"))}


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
