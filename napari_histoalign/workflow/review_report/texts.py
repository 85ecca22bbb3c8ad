"""Figures and names as a report prints them; names come from files and people and are not to be trusted."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from datetime import UTC, datetime

DASH = "\N{EN DASH}"
"""Printed where there is no figure."""
NOTICE = (
    "Not for diagnostic use. This is research software, not a medical device; nothing here may guide the "
    "care of any patient."
)
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def shown(text: str) -> str:
    r"""Text for people: what nobody would see, or what turns a line round, shows as ``\u202e``."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\r\n", "\n"))


def number(value: float | None, digits: int = 2) -> str:
    """A figure with a true minus sign, or a dash where there is none."""
    if value is None or math.isnan(value):
        return DASH
    text = f"{abs(value):,.{digits}f}"
    return "\N{MINUS SIGN}" + text if value < 0 and text.strip("0.") else text


def share(value: float | None) -> str:
    """A share as a percentage without decimals."""
    return DASH if value is None or math.isnan(value) else f"{100 * value:.0f} %"


def interval(low: float, high: float, *, percent: bool = False) -> str:
    """Both ends, or nothing where either is not known."""
    if math.isnan(low) or math.isnan(high):
        return ""
    if percent:
        return f"{100 * low:.0f} to {100 * high:.0f} %"
    return f"{number(low)} to {number(high)}"


def area(value: float | None) -> str:
    """Square millimetres with as many digits as an area of that size needs."""
    if value is None:
        return DASH
    if not value:
        return "0"
    return number(value, 2 if value >= 1 else 3 if value >= 0.1 else 4)


def moment(time: str) -> str:
    """When something was done: ``2026-07-28 10:11 UTC``."""
    try:
        return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return time


def flat(value: object, name: str = "") -> list[tuple[str, str]]:
    """Nested plain values as lines: where each stands, and what it is."""
    if isinstance(value, Mapping) and value:
        return [
            line
            for key, item in value.items()
            for line in flat(item, f"{name}, {_words(key)}" if name else _words(key))
        ]
    if isinstance(value, list | tuple):
        if any(isinstance(item, Mapping | list | tuple) for item in value):
            return [line for i, item in enumerate(value) for line in flat(item, f"{name} {i + 1}")]
        return [(name, ", ".join(setting(item) for item in value) or "none")]
    return [(name, "none" if isinstance(value, Mapping) else setting(value))]


def _words(key: object) -> str:
    return str(key).replace("_", " ")


def setting(value: object) -> str:
    """A plain value of the provenance: six digits, "yes" and "no", a dash for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        return f"{float(value):.6g}"
    return DASH if value is None or value == "" else str(value)


def counted(count: int, one: str, many: str) -> str:
    """``1 tile`` or ``7,909 tiles``."""
    return f"{count:,} {one if count == 1 else many}"
