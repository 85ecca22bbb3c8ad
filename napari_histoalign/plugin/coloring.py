"""Colours and labels of result layers; what their colours mean is told by the same values in the legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Rgba = tuple[float, float, float, float]


@dataclass(frozen=True)
class Ramp:
    """Colours along a range, linear between stops.

    Attributes
    ----------
    name
        Unique to these colours.
    stops
        (position, (red, green, blue, alpha)), all 0 to 1, positions from 0 to 1 in ascending order.
    limits
        The values at positions 0 and 1.
    """

    name: str
    stops: tuple[tuple[float, Rgba], ...]
    limits: tuple[float, float] = (0.0, 1.0)


def class_ramp(name: str, color: str) -> Ramp:
    """From transparent to the class colour.

    Parameters
    ----------
    name
        Class name.
    color
        ``#rrggbb``.
    """
    return Ramp(f"{name} {color}", ((0.0, (*_rgb(color), 0.0)), (1.0, (*_rgb(color), 1.0))))


def _sequence(name: str, colors: tuple[str, ...]) -> Ramp:
    """Colours at even distances, from transparent to opaque."""
    at = [i / (len(colors) - 1) for i in range(len(colors))]
    return Ramp(name, tuple((a, (*_rgb(c), a)) for a, c in zip(at, colors, strict=True)))


def _rgb(color: str) -> tuple[float, float, float]:
    value = int(color.removeprefix("#"), 16)
    return (value >> 16 & 255) / 255, (value >> 8 & 255) / 255, (value & 255) / 255


UNCERTAINTY = _sequence("uncertainty", ("#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"))
"""Cividis, which looks alike to people with and without red-green blindness (Nunez et al., PLoS ONE 2018)."""
DISAGREEMENT = _sequence("disagreement", ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"))
"""Viridis."""
_LESS, _MORE = "#0072b2", "#d55e00"
DIFFERENCE = Ramp(
    "difference",
    (
        (0.0, (*_rgb(_LESS), 1.0)),
        (0.4999, (*_rgb(_LESS), 0.0)),
        (0.5001, (*_rgb(_MORE), 0.0)),
        (1.0, (*_rgb(_MORE), 1.0)),
    ),
    (-1.0, 1.0),
)
"""Blue (less than the other) and vermilion (more) of Okabe and Ito's palette for all kinds of colour vision,
clear where both agree; each keeps its hue while it fades."""


def colormap(ramp: Ramp) -> Any:
    """The ramp as a napari colormap; values that are NaN stay transparent."""
    from napari.utils import Colormap

    return Colormap([c for _, c in ramp.stops], name=ramp.name, controls=[p for p, _ in ramp.stops])


def class_colormap(name: str, color: str) -> Any:
    """Colormap from transparent to the class colour ``#rrggbb``."""
    return colormap(class_ramp(name, color))


def label_colors(colors: tuple[str, ...], background: tuple[bool, ...]) -> Any:
    """Colours of the class layer: 0 (not scored, or unsure) and background classes are transparent."""
    from napari.utils import DirectLabelColormap

    table: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
    for i, (color, hidden) in enumerate(zip(colors, background, strict=True), start=1):
        table[i] = "transparent" if hidden else color
    return DirectLabelColormap(color_dict=table)
