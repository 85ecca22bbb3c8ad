"""Parameters that may come from a file: brought to their types, or refused in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from napari_histoalign.errors import AlignmentError

LEAST, MOST = 1e-3, 1e3
"""Bounds of temperature and sharpness: wide of any use, and within single precision."""


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def check_one_of(value: str, allowed: Sequence[str]) -> None:
    """Raise an `AlignmentError` unless a value is one of the allowed ones."""
    if value not in allowed:
        raise AlignmentError(f"{value!r} is none of {', '.join(allowed)}.")


def check_factor(what: str, value: object) -> None:
    """Raise an `AlignmentError` unless a value is a number between `LEAST` and `MOST`."""
    if not (is_number(value) and LEAST <= value <= MOST):  # type: ignore[operator]
        raise AlignmentError(f"The {what} must be a number between {LEAST:g} and {MOST:g}; got {value!r}.")


def as_shares(value: object) -> tuple[float, ...]:
    """Shares of classes."""
    if isinstance(value, Sequence) and not isinstance(value, str) and all(map(is_number, value)):
        return tuple(float(v) for v in value)
    raise AlignmentError(f"Shares are a list of numbers, one a class; got {value!r}.")


def as_pair(value: object) -> tuple[int, int]:
    """A pair of encoder numbers."""
    if isinstance(value, Sequence) and len(value) == 2:
        first, second = value
        if all(isinstance(e, int) and not isinstance(e, bool) and e in (0, 1) for e in (first, second)):
            return first, second
    raise AlignmentError(f"A pair is two encoder numbers, 0 or 1; got {value!r}.")
