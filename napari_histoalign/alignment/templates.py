"""Templates: sentences into which prompts are put, named sets of them, and the organ they may name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from napari_histoalign.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROMPT = "{}"
"""Where the prompt goes."""
ORGAN = "{organ}"
"""Where the organ goes."""
AS_WRITTEN = (PROMPT,)
"""The templates of a set that names none: every prompt as it stands."""
_OTHER_FIELD = re.compile(r"\{\s*\w[\w\s]*\}")


@dataclass(frozen=True)
class TemplateSet:
    """Sentences that belong together, under a name.

    Attributes
    ----------
    name
        What stands for them in a prompt set.
    title
        For people.
    source
        Where they come from.
    sentences
        Each holds ``{}`` once, and may hold ``{organ}`` once.
    """

    name: str
    title: str
    source: str
    sentences: tuple[str, ...]

    @property
    def names_organ(self) -> bool:
        """Whether a sentence names the organ, which a prompt set then has to give."""
        return any(ORGAN in sentence for sentence in self.sentences)


@cache
def template_sets() -> Mapping[str, TemplateSet]:
    """The template sets that ship with the package, by name; read once."""
    from napari_histoalign.alignment.prompt_files import read_prompts
    from napari_histoalign.files import resource

    entries = read_prompts(resource("templates.yaml"))
    return MappingProxyType(
        {
            name: TemplateSet(name, entry["title"], entry["source"], tuple(entry["sentences"]))
            for name, entry in entries.items()
        }
    )


def sentences(templates: Sequence[str], organ: str) -> tuple[str, ...]:
    """The sentences that templates come to: sets by name taken apart, the organ put in, each once.

    Parameters
    ----------
    templates
        Sentences, or names of template sets.
    organ
        Put in the place of ``{organ}``, without a full stop at its end.

    Returns
    -------
    tuple of str
        Sentences that hold ``{}`` once.

    Raises
    ------
    PromptError
        A template is neither, or names the organ where there is none; the sentence says what to do.
    """
    place = organ.rstrip(". ")
    whole: dict[str, None] = {}
    for template in templates:
        for sentence in _named(template):
            if ORGAN in sentence and not place:
                raise PromptError(_no_organ(template, sentence))
            whole[sentence.replace(ORGAN, place)] = None
    return tuple(whole)


def fill(sentence: str, prompt: str) -> str:
    """A prompt put into a sentence that holds ``{}`` once.

    A prompt that is a sentence itself loses its full stop where the sentence goes on behind it.
    """
    before, _, after = sentence.partition(PROMPT)
    phrase = (after and prompt.rstrip(". ")) or prompt
    return f"{before}{phrase}{after}"


def check_organ(organ: str) -> None:
    """Refuse an organ that would be taken for a place in a sentence."""
    if "{" in organ or "}" in organ:
        raise PromptError(f"the organ {organ!r} must be a plain word, such as breast; leave out the braces.")


def _named(template: str) -> tuple[str, ...]:
    """The sentences that one template stands for, checked."""
    if template.count(PROMPT) == 1:
        if template.count(ORGAN) > 1:
            raise PromptError(f"the template {template!r} holds {ORGAN} more than once; keep one of them.")
        if other := next((f for f in _OTHER_FIELD.findall(template) if f != ORGAN), None):
            raise PromptError(
                f"the template {template!r} holds {other}, for which there is nothing to put in; a template "
                f"may hold {PROMPT} for the prompt and {ORGAN} for the organ."
            )
        return (template,)
    if PROMPT not in template and "{" not in template:
        known = template_sets()
        if template in known:
            return known[template].sentences
        names = f", nor is it the name of a template set ({', '.join(known)})"
    else:
        names = ""
    raise PromptError(f"the template {template!r} must hold {PROMPT} once, where the prompt goes{names}.")


def _no_organ(template: str, sentence: str) -> str:
    what = f"the template {template!r}" if template == sentence else f"the template set {template!r}"
    return (
        f"{what} names the organ, but the prompt set has none; give it one ('organ: breast', say), or choose "
        "templates without {organ}."
    )
