"""The size of a pixel: taken from the slide or from the person, never guessed."""

from __future__ import annotations

import math

from napari_histoalign.errors import SlideError

MPP_IN_FILE = (0.02, 20.0)
"""Micrometres per pixel that a microscope can have made; 600 dpi, a screen's idea of size, is 42."""
MPP_GIVEN = (0.001, 1000.0)
"""What a person may state: wider, because they know what they look at."""

MICROMETRES = {
    "m": 1e6,
    "dm": 1e5,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "\\u00b5m": 1.0,
    "nm": 1e-3,
    "pm": 1e-6,
    "å": 1e-4,
    "in": 25_400.0,
    "inch": 25_400.0,
}
"""Micrometres in a unit of length, by its name in small letters."""


def stated_mpp(x: object, y: object) -> tuple[float, float] | None:
    """Pixel size as a file states it, or None if it states none that can be true.

    Parameters
    ----------
    x, y
        Micrometres per pixel: numbers, or text as in a slide's properties.

    Returns
    -------
    tuple of float or None
        None unless both are finite and within `MPP_IN_FILE`.
    """
    low, high = MPP_IN_FILE
    values = []
    for value in (x, y):
        try:
            number = float(str(value).strip())
        except ValueError:
            return None
        if not low <= number <= high:  # NaN fails this as well
            return None
        values.append(number)
    return values[0], values[1]


def given_mpp(mpp: float | tuple[float, float] | None) -> tuple[float, float] | None:
    """Pixel size as a person gives it: one number, or one each for x and y.

    Raises
    ------
    SlideError
        It is no number of micrometres that a pixel can have.
    """
    if mpp is None:
        return None
    low, high = MPP_GIVEN
    try:
        x, y = (float(mpp), float(mpp)) if isinstance(mpp, int | float) else (float(mpp[0]), float(mpp[1]))
    except (TypeError, ValueError, IndexError) as err:
        raise SlideError(f"The pixel size must be one number, or two for x and y; got {mpp!r}.") from err
    if not all(math.isfinite(v) and low <= v <= high for v in (x, y)):
        raise SlideError(
            f"The pixel size must be between {low:g} and {high:g} micrometres per pixel; got {mpp!r}. "
            "A 40x scan usually has about 0.25, a 20x scan about 0.5."
        )
    return x, y


def length_in_um(value: object, unit: object) -> float | None:
    """A length with a unit's name in micrometres, or None if either makes no sense."""
    factor = MICROMETRES.get(str(unit).strip().lower())
    try:
        return None if factor is None else float(str(value)) * factor
    except ValueError:
        return None
