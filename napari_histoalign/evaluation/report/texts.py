"""Names, notes and figures as text; names come from files and from other people and are not to be trusted."""

from __future__ import annotations

import math
import numbers
import re

DASH = "\N{EN DASH}"
"""Printed for a figure that there is not."""
NOTICE = (
    "This is research software. It is not a medical device, and nothing here is for diagnosis or for the "
    "care of any patient."
)
MINUS = "\N{MINUS SIGN}"
DAGGER = "\N{DAGGER}"
"""Stands at a figure whose interval leaves draws out."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    r"""Text that can be encoded: the bytes of file names that are no UTF-8 show as ``\udcff``."""
    return _SURROGATE.sub(_as_escape, text)


def shown(text: str) -> str:
    r"""Text for people to read: what would be invisible or turn the line round shows as ``\u202e``.

    Line ends and tabs stay.
    """
    return _UNSEEN.sub(_as_escape, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`shown`, on a single line."""
    return " ".join(shown(text).split())


def number(value: float | None, digits: int = 3) -> str:
    """A figure with a true minus sign, or a dash where there is none.

    Parameters
    ----------
    value
        None and NaN are dashes; infinity is its sign.
    digits
        After the point.
    """
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else MINUS + "\N{INFINITY}"
    text = f"{abs(value):.{digits}f}"
    return text if value >= 0 or not text.strip("0.") else MINUS + text


def signed(value: float | None, digits: int = 3) -> str:
    """`number` with its sign, plus too: a difference."""
    text = number(value, digits)
    return "+" + text if value is not None and value > 0 and text.strip("0.") else text


def interval(low: float, high: float, digits: int = 3) -> str:
    """``[0.801, 0.889]``, or nothing where either end is not known."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def p_value(p: float) -> str:
    """A p value with three digits; "< 0.001" below that, a dash where there is none."""
    return "< 0.001" if p < 0.001 else number(p)


def setting(value: object) -> str:
    """A plain value of settings or provenance: six digits, "yes" and "no", a dash for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return str(value)
    if isinstance(value, numbers.Real):
        return DASH if math.isnan(value) else f"{float(value):.6g}"
    return DASH if value is None or value == "" else str(value)


def counted(count: int, one: str, many: str) -> str:
    """``1 image`` or ``7,909 images``."""
    return f"{count:,} {one if count == 1 else many}"


def _as_escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
