"""Options that several data sets have, checked."""

from __future__ import annotations

from collections.abc import Sequence

from napari_histoalign.errors import DatasetError


def pixel_size(mpp: float | str | None) -> float | None:
    """An option that gives micrometres per pixel, checked.

    Raises
    ------
    DatasetError
        It is no positive number.
    """
    if mpp is None:
        return None
    try:
        value = float(mpp)
    except (TypeError, ValueError):
        value = 0.0
    if not 0 < value < 1000:
        raise DatasetError(
            f"The pixel size must be a number of micrometres above 0, such as 0.5; got {mpp!r}."
        )
    return value


def one_of(option: str, value: object, allowed: Sequence[str]) -> str:
    """A value of an option, checked.

    Raises
    ------
    DatasetError
        It is none of those allowed.
    """
    if value not in allowed:
        raise DatasetError(f"{option} must be one of {', '.join(allowed)}; got {value!r}.")
    return str(value)
