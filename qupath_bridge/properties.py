"""Type, name, class, colour and measurements of an object, in the form of any version of QuPath."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

KINDS = frozenset({"annotation", "detection", "tile", "cell", "tmaCore", "root"})
"""QuPath's object types; what is called otherwise is an annotation to QuPath, and so here."""
LEGACY_KINDS = {
    "PathAnnotationObject": "annotation",
    "PathDetectionObject": "detection",
    "PathTileObject": "tile",
    "PathCellObject": "cell",
    "TMACoreObject": "tmaCore",
    "PathRootObject": "root",
}
"""QuPath up to 0.2 wrote the type where the id belongs."""
OTHER_KINDS = {**LEGACY_KINDS, "tma_core": "tmaCore"}
"""Other words for a type, which QuPath takes, too."""


def kind(entry: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    """The object's type, where any version keeps it."""
    for key in ("objectType", "object_type", "type"):
        named = properties.get(key)
        if isinstance(named, str) and OTHER_KINDS.get(named, named) in KINDS:
            return OTHER_KINDS.get(named, named)
    return LEGACY_KINDS.get(text(entry.get("id")) or "", "annotation")


def identity(entry: Mapping[str, Any]) -> str | None:
    """The object's id, unless it is a type in the place of one."""
    found = text(entry.get("id"))
    return None if found in LEGACY_KINDS else found


def text(plain: Any) -> str | None:
    """A text that can be written again (JSON can hold half a character), or None."""
    if not isinstance(plain, str):
        return None
    return plain.encode("utf-8", errors="replace").decode("utf-8") or None


def class_name(plain: Any) -> str | None:
    """Name of a class in any of QuPath's forms; derived classes as ``Tumor: Positive``."""
    if not isinstance(plain, Mapping):
        return text(plain)
    names = plain.get("names")
    derived = [text(name) for name in names] if isinstance(names, list) else []
    return text(plain.get("name")) or ": ".join(name for name in derived if name) or None


def color(plain: Any) -> str | None:
    """Colour as ``#rrggbb`` from three numbers, from Java's packed number, or from a text."""
    if not isinstance(plain, Mapping):
        return None
    given = plain.get("color")
    if isinstance(given, str) and re.fullmatch("#[0-9a-fA-F]{6}", given):
        return given.lower()
    if isinstance(given, list) and len(given) >= 3 and all(_is_byte(value) for value in given[:3]):
        return f"#{bytes(given[:3]).hex()}"
    packed = plain.get("colorRGB", given)
    if isinstance(packed, int) and not isinstance(packed, bool):
        return f"#{packed & 0xFFFFFF:06x}"
    return None


def _is_byte(value: Any) -> bool:
    """Whether it is a whole number from 0 to 255."""
    return isinstance(value, int) and 0 <= value <= 255


def measurements(plain: Any) -> dict[str, float]:
    """Finite measurements, from a list of pairs or a map."""
    if isinstance(plain, Mapping):
        pairs = list(plain.items())
    elif isinstance(plain, list):
        pairs = [(m.get("name"), m.get("value")) for m in plain if isinstance(m, Mapping)]
    else:
        pairs = []
    return {name: float(value) for name, value in pairs if isinstance(name, str) and _is_number(value)}


def metadata(plain: Any) -> dict[str, str]:
    """Texts that were kept with an object."""
    if not isinstance(plain, Mapping):
        return {}
    pairs = ((text(key), text(value)) for key, value in plain.items())
    return {key: value for key, value in pairs if key and value}


def _is_number(value: Any) -> bool:
    """Whether it is a number that a float can hold; JSON's whole numbers have no limit."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= sys.float_info.max  # written so that NaN fails too
    )
