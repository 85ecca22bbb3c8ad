"""Colours and labels of result layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def class_colormap(name: str, color: str) -> Any:
    """Colormap from transparent to the class colour.

    Parameters
    ----------
    name
        Class name.
    color
        ``#rrggbb``.
    """
    from napari.utils import Colormap

    red, green, blue = _rgb(color)
    return Colormap([(red, green, blue, 0.0), (red, green, blue, 1.0)], name=f"{name} {color}")


def label_colors(colors: tuple[str, ...], background: tuple[bool, ...]) -> Any:
    """Colours of the class layer: 0 (not scored, or unsure) and background classes are transparent."""
    from napari.utils import DirectLabelColormap

    table: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
    for i, (color, hidden) in enumerate(zip(colors, background, strict=True), start=1):
        table[i] = "transparent" if hidden else color
    return DirectLabelColormap(color_dict=table)


def class_labels(data: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """Most probable class of each map pixel, counted from 1; 0 below the threshold or not scored.

    Parameters
    ----------
    data
        Probabilities, shape (classes, rows, columns), NaN where not scored.
    threshold
        Lowest probability that counts.

    Returns
    -------
    ndarray
        uint8, shape (rows, columns).
    """
    known = np.nan_to_num(data, nan=-1.0)
    best = known.argmax(axis=0)
    return np.where(known.max(axis=0) >= max(threshold, 0.0), best + 1, 0).astype(np.uint8)


def _rgb(color: str) -> tuple[float, float, float]:
    value = int(color.removeprefix("#"), 16)
    return (value >> 16 & 255) / 255, (value >> 8 & 255) / 255, (value & 255) / 255
