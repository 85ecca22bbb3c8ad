"""Classes and the words that describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from napari_histoalign.errors import PromptError
from napari_histoalign.files import resource

if TYPE_CHECKING:
    from numpy.typing import NDArray

Role = Literal["lesion", "tissue", "background"]
ROLES: tuple[str, ...] = get_args(Role)
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
        if not path.is_file():
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
        known_keys(plain, ("name", "title", "description", "templates", "classes"), source)
        entries = plain.get("classes")
        if not isinstance(entries, Sequence) or isinstance(entries, str):
            raise PromptError(f"{source}: 'classes' must be a list of classes.")
        try:
            return cls(
                name=text(plain.get("name", ""), f"{source}: 'name'"),
                title=text(plain.get("title", ""), f"{source}: 'title'"),
                description=text(plain.get("description", ""), f"{source}: 'description'"),
                templates=texts(plain.get("templates", ["{}"]), f"{source}: 'templates'"),
                classes=tuple(_class(entry, i, source) for i, entry in enumerate(entries)),
            )
        except PromptError as err:
            if str(err).startswith(source):
                raise
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


def check(prompts: PromptSet) -> None:
    """Raise a `PromptError` unless the set can be used."""
    names = [c.name for c in prompts.classes]
    if len(names) < 2:
        raise PromptError("at least two classes are needed, or there is nothing to tell apart.")
    if repeated := next((n for n in names if names.count(n) > 1), None):
        raise PromptError(f"two classes are named {repeated!r}; give each its own name.")
    for c in prompts.classes:
        if not c.name.strip():
            raise PromptError("a class has no name; give it one.")
        if not c.prompts:
            raise PromptError(f"the class {c.name!r} has no prompt; write at least one phrase for it.")
        if not all(p.strip() for p in c.prompts):
            raise PromptError(f"the class {c.name!r} has an empty prompt; write a phrase or remove it.")
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", c.color):
            raise PromptError(f"the colour {c.color!r} of class {c.name!r} is not of the form #rrggbb.")
        if c.role not in ROLES:
            raise PromptError(f"the role {c.role!r} of class {c.name!r} is none of {', '.join(ROLES)}.")
    if not prompts.templates:
        raise PromptError("'templates' is empty; leave it out, or write at least '{}'.")
    for template in prompts.templates:
        if template.count("{}") != 1:
            raise PromptError(f"the template {template!r} must hold {{}} once, where the prompt goes.")


def known_keys(plain: Any, allowed: tuple[str, ...], source: str) -> None:
    """Refuse anything but a mapping with the allowed keys."""
    if not isinstance(plain, Mapping):
        raise PromptError(f"{source} is no prompt set: expected the keys {', '.join(allowed)}.")
    if unknown := [key for key in plain if key not in allowed]:
        raise PromptError(f"{source} has the unknown key {unknown[0]!r}; there are {', '.join(allowed)}.")


def text(value: Any, what: str) -> str:
    """A text, stripped."""
    if not isinstance(value, str):
        raise PromptError(f"{what} must be a text; got {value!r}.")
    return value.strip()


def texts(value: Any, what: str) -> tuple[str, ...]:
    """A list of texts, or a single one."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence):
        raise PromptError(f"{what} must be a list of texts; got {value!r}.")
    return tuple(text(v, f"an entry of {what}") for v in value)


def _class(entry: Any, index: int, source: str) -> PromptClass:
    """One class from plain values."""
    what = f"{source}: class {index + 1}"
    known_keys(entry, ("name", "prompts", "color", "role"), what)
    name = text(entry.get("name", ""), f"the name of {what}")
    return PromptClass(
        name=name,
        prompts=texts(entry.get("prompts", []), f"'prompts' of class {name!r}"),
        color=text(entry.get("color", PALETTE[index % len(PALETTE)]), f"the colour of class {name!r}"),
        role=entry.get("role", "tissue"),
    )
