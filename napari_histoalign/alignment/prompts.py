"""Classes and the words that describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_histoalign.alignment.prompt_checks import check, known_keys, text, texts
from napari_histoalign.alignment.prompt_classes import (
    PALETTE,
    ExpandedPrompts,
    PromptClass,
    Role,
    classes_from,
)
from napari_histoalign.alignment.templates import AS_WRITTEN, fill, sentences
from napari_histoalign.errors import PromptError
from napari_histoalign.files import resource

__all__ = ["PALETTE", "ExpandedPrompts", "PromptClass", "PromptSet", "Role", "builtin_prompt_sets"]


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
        Into which every prompt is put: sentences with one ``{}`` each, which may name the organ by one
        ``{organ}``, or names of template sets (see `templates.template_sets`).
    title, description
        For people.
    organ
        Of all classes: "breast", say. It stands in no text unless a template names it.

    Raises
    ------
    PromptError
        The set cannot be used; the message says which class or template, and why.
    """

    name: str
    classes: tuple[PromptClass, ...]
    templates: tuple[str, ...] = AS_WRITTEN
    title: str = ""
    description: str = ""
    organ: str = ""

    def __post_init__(self) -> None:
        for field in ("name", "title", "description", "organ"):
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
            ``templates``, ``organ``, ``title``, ``description``. Missing colours are given from a palette.
        source
            What error messages call it: the file.
        """
        try:
            known = ("name", "title", "description", "organ", "templates", "classes")
            known_keys(plain, known, "The prompt set")
            entries = plain.get("classes")
            if not isinstance(entries, Sequence) or isinstance(entries, str):
                raise PromptError("'classes' must be a list of classes, each with a name and prompts.")
            return cls(
                name=plain.get("name", ""),
                title=plain.get("title", ""),
                description=plain.get("description", ""),
                organ=plain.get("organ", ""),
                templates=plain.get("templates", AS_WRITTEN),
                classes=classes_from(entries),
            )
        except PromptError as err:
            raise PromptError(f"{source}: {err}") from err

    def to_dict(self) -> dict[str, Any]:
        """Plain values for YAML and the provenance; `from_dict` turns them back.

        A template set stays its name. What a set does not have is left out, so that the identity of a
        run, which is made from this, stays the same.
        """
        plain: dict[str, Any] = {"name": self.name}
        if self.title:
            plain["title"] = self.title
        if self.description:
            plain["description"] = self.description
        if self.organ:
            plain["organ"] = self.organ
        if self.templates != AS_WRITTEN:
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

    def with_context(
        self, templates: str | Sequence[str] | None = None, organ: str | None = None
    ) -> PromptSet:
        """The same classes in other sentences, or of another organ; None leaves what there is.

        Raises
        ------
        PromptError
            A template is none, or names an organ that is not given.
        """
        return replace(
            self,
            templates=self.templates if templates is None else texts(templates, "'templates'"),
            organ=self.organ if organ is None else organ,
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """The templates as they are used: sentences with one ``{}``, the organ put in, each once."""
        return sentences(self.templates, self.organ)

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
        """Put every prompt into every sentence; a text counts once within its class."""
        texts: list[str] = []
        index: list[int] = []
        whole = self.sentences
        for i, c in enumerate(self.classes):
            bag = dict.fromkeys(fill(sentence, prompt) for sentence in whole for prompt in c.prompts)
            texts += bag
            index += [i] * len(bag)
        return ExpandedPrompts(tuple(texts), np.asarray(index, np.int64))


def builtin_prompt_sets() -> dict[str, Path]:
    """Shipped prompt sets: files by name."""
    return {path.stem: path for path in sorted(resource("prompts").glob("*.yaml"))}
