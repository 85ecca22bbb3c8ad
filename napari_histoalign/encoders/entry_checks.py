"""What the fields of a registry's entry may hold; a record in a shared folder may be anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

LARGEST = 1 << 16
"""Of any size or length in an entry; those of published encoders are far below."""
LARGEST_SIDE = 4096
"""Pixels of an image's side."""
LONGEST_TEXT, LONGEST_NAME = 4096, 255
MOST = 1e12
"""Of any other number."""
LARGEST_SHAPE, MOST_LAYERS, DEEPEST = 1 << 21, 256, 3
"""Of a number in `shape` (words of a vocabulary are most), of a tower's layers, of tables in tables."""


def is_file_name(value: Any) -> bool:
    """Whether it names a file of the folder itself, and no other folder's."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_NAME
        and value.isprintable()
        and value not in (".", "..")
        and not re.search(r"[/\\:]", value)
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST


def _is_side(value: Any) -> bool:
    return _is_size(value) and value <= LARGEST_SIDE


def _is_mpp(value: Any) -> bool:
    return value is None or (_is_number(value) and value > 0)


def _is_number(value: Any) -> bool:
    # compared before anything else: whole numbers may be too large for a float
    return isinstance(value, int | float) and not isinstance(value, bool) and -MOST <= value <= MOST


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _are_files(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str)
        and all(map(is_file_name, name.split("|")))
        and (sha is None or (isinstance(sha, str) and re.fullmatch("[0-9a-f]{64}", sha)))
        for name, sha in value.items()
    )


def _is_normalisation(value: Any) -> bool:
    if isinstance(value, str):
        return True
    three = isinstance(value, dict) and value.keys() == {"mean", "std"}
    return (
        three
        and all(isinstance(v, list) and len(v) == 3 and all(map(_is_number, v)) for v in value.values())
        and all(s > 0 for s in value["std"])
    )


def _is_shape(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_part(n, v, 1) for n, v in value.items())


def _is_part(name: Any, value: Any, depth: int) -> bool:
    """Whether a size, or a table or list of them, is none that would take hours to find wrong."""
    if not isinstance(name, str) or depth > DEEPEST:
        return False
    if isinstance(value, dict):
        return all(_is_part(n, v, depth + 1) for n, v in value.items())
    if isinstance(value, list):
        return len(value) <= LONGEST_NAME and all(_is_part(name, v, depth + 1) for v in value)
    if isinstance(value, int | float):
        return abs(value) <= (MOST_LAYERS if re.search("layers|blocks|depth", name) else LARGEST_SHAPE)
    return value is None or _is_text(value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, [*value, *value.values()]))


_TEXTS = (
    "title", "role", "loader", "space", "licence", "licence_url", "citation", "tokenizer", "resize",
    "interpolation", "similarity", "folder", "hub", "page", "notice",
)  # fmt: skip
_SIZES = ("dim", "context_length")
_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = MappingProxyType(
    {
        **dict.fromkeys(_TEXTS, (_is_text, "a text")),
        **dict.fromkeys(_SIZES, (_is_size, f"a whole number from 1 to {LARGEST}")),
        "input_size": (_is_side, f"a whole number from 1 to {LARGEST_SIDE}"),
        **dict.fromkeys(("gated", "demo"), (_is_flag, "true or false")),
        # "hf-hub:..." and the like would be looked up elsewhere
        "architecture": (lambda v: _is_text(v) and not re.search(r"[:/\\]", v), "a name without : and /"),
        "mpp": (_is_mpp, "a number above 0, or null"),
        "size_mb": (lambda value: _is_number(value) and value >= 0, "a number"),
        "files": (_are_files, "names of files, each with a SHA-256 or null"),
        "normalisation": (_is_normalisation, "a name, or mean and std of three numbers each, std above 0"),
        "shape": (_is_shape, "a table of sizes"),
        "origins": (_are_texts, "addresses by file name"),
    }
)


def wrong_fields(entry: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values of an entry, in words; empty if nothing.

    Parameters
    ----------
    entry
        Fields of an `EncoderSpec` by name, as read from YAML or JSON; unknown ones are passed over.
    """
    return [
        f"{name} has to be {words}, not {str(entry[name])[:60]!r}"
        for name, (holds, words) in _KINDS.items()
        if name in entry and not holds(entry[name])
    ]
