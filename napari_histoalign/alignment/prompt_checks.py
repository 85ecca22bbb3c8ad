"""What a prompt set must be, and the sentence for each way in which it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import category

from napari_histoalign.alignment.templates import check_organ, sentences
from napari_histoalign.errors import PromptError

if TYPE_CHECKING:
    from napari_histoalign.alignment.prompt_classes import PromptClass
    from napari_histoalign.alignment.prompts import PromptSet

ROLES = ("lesion", "tissue", "background")


def check(prompts: PromptSet) -> None:
    """Raise a `PromptError` unless the set can be used."""
    names = [c.name for c in prompts.classes]
    if len(names) < 2:
        raise PromptError("at least two classes are needed, or there is nothing to tell apart; add one.")
    if repeated := next((n for n in names if names.count(n) > 1), None):
        raise PromptError(f"two classes are named {repeated!r}; give each its own name.")
    for i, c in enumerate(prompts.classes):
        _check_class(c, i)
    if not prompts.templates:
        raise PromptError("'templates' is empty; leave it out, or write at least '{}'.")
    check_organ(prompts.organ)
    sentences(prompts.templates, prompts.organ)


def _check_class(c: PromptClass, index: int) -> None:
    if not c.name:
        raise PromptError(f"class {index + 1} has no name; give it one.")
    if not c.prompts:
        raise PromptError(f"the class {c.name!r} has no prompt; write at least one phrase for it.")
    if not all(c.prompts):
        raise PromptError(f"the class {c.name!r} has an empty prompt; write a phrase or remove it.")
    if not (isinstance(c.color, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", c.color)):
        raise PromptError(
            f"the colour {_short(c.color)} of class {c.name!r} is not of the form #rrggbb; write one in "
            "quotes, such as '#d55e00'."
        )
    if c.role not in ROLES:
        raise PromptError(
            f"the role {_short(c.role)} of class {c.name!r} is unknown; write one of {', '.join(ROLES)}."
        )


def known_keys(plain: Any, allowed: tuple[str, ...], what: str) -> None:
    """Refuse anything but a mapping with the allowed keys."""
    if not isinstance(plain, Mapping):
        raise PromptError(
            f"{what} must be a mapping with the keys {', '.join(allowed)}; got {_short(plain)}."
        )
    if unknown := [key for key in plain if key not in allowed]:
        raise PromptError(f"{what} has the unknown key {_short(unknown[0])}; there are {', '.join(allowed)}.")


def text(value: Any, what: str) -> str:
    """A text with single spaces: line breaks, tabs and no-break spaces mean nothing to an encoder."""
    if not isinstance(value, str):
        raise PromptError(
            f"{what} must be a text; got {_short(value)}. Write it in quotes, as a phrase with a "
            "colon must be too."
        )
    spaced = " ".join(value.split())
    if any(category(c) in ("Cc", "Cs") for c in spaced):
        raise PromptError(f"{what} holds a character that is no letter or sign: {_short(value)}. Remove it.")
    return spaced


def texts(value: Any, what: str) -> tuple[str, ...]:
    """A list of texts, or a single one."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise PromptError(f"{what} must be a list of texts; got {_short(value)}.")
    return tuple(text(v, f"an entry of {what}") for v in value)


def _short(value: Any) -> str:
    """A value as it may stand in a sentence."""
    try:
        shown = repr(value)
    except ValueError:  # Python writes no number of more than some thousand digits
        return "a very long number"
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
