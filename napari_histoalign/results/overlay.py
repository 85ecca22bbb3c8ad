"""A picture of the slide with one class's probability washed over it, for a report or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import ResultError
from napari_histoalign.files import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_histoalign.results.probability_map import ProbabilityMap

OPACITY = 0.65
"""Opacity of the wash where the probability is 1; tissue stays visible through it."""


def write_overlay(
    path: Path,
    thumbnail: NDArray[np.uint8],
    map: ProbabilityMap,
    class_index: int,
    *,
    slide_size: tuple[int, int],
    mpp: tuple[float, float] | None,
    notice: str | None = None,
) -> None:
    """Write a PNG of a slide with the probability of one class, whole or not at all.

    Below the picture are a colour bar with the class, a scale bar and the notice;
    nothing is drawn over the tissue but the wash.

    Parameters
    ----------
    path
        The file; its folder must exist.
    thumbnail
        The whole slide in RGB, uint8, shape (height, width, 3).
    map
        The probabilities. What was not scored stays as it is.
    class_index
        Which class.
    slide_size
        (width, height) of the slide in level-0 pixels.
    mpp
        Micrometres per level-0 pixel in x and y; without it the scale bar is in pixels.
    notice
        A sentence to print below, such as what the picture must not be used for.

    Raises
    ------
    ResultError
        There is no such class, the thumbnail is no RGB image, or the file cannot be written.
    """
    from PIL import Image

    from napari_histoalign.results.legend import with_legend

    if not 0 <= class_index < len(map.class_names):
        raise ResultError(f"There is no class number {class_index}: there are {len(map.class_names)}.")
    washed = wash(thumbnail, map, class_index, slide_size=slide_size)
    picture = with_legend(
        Image.fromarray(washed),
        name=map.class_names[class_index],
        color=rgb(map.colors[class_index]),
        opacity=OPACITY,
        pixel=(slide_size[0] / thumbnail.shape[1] * (mpp[0] if mpp else 1.0), "um" if mpp else "px"),
        notice=notice,
    )
    try:
        with whole_file(path) as temporary:
            picture.save(temporary, format="PNG")
    except OSError as err:
        raise ResultError(
            f"The overlay {path} could not be written ({err.strerror or err}). Check that its folder exists, "
            "can be written and has room."
        ) from err


def wash(
    thumbnail: NDArray[np.uint8],
    map: ProbabilityMap,
    class_index: int,
    *,
    slide_size: tuple[int, int],
) -> NDArray[np.uint8]:
    """Blend a class's colour over a thumbnail, the more the more probable it is.

    Each pixel takes the probability of the map pixel in which its centre lies;
    nothing is interpolated between tiles.

    Parameters
    ----------
    thumbnail, map, class_index, slide_size
        As for `write_overlay`.

    Returns
    -------
    ndarray
        uint8, of the thumbnail's shape.
    """
    if thumbnail.ndim != 3 or thumbnail.shape[2] != 3 or not thumbnail.size:
        raise ResultError(f"A thumbnail is an RGB image; one of shape {thumbnail.shape} is not.")
    height, width = thumbnail.shape[:2]
    column = _cells(width, slide_size[0], map.origin[0], map.step)
    row = _cells(height, slide_size[1], map.origin[1], map.step)
    inside = np.outer((row >= 0) & (row < map.rows), (column >= 0) & (column < map.columns))
    p = map.data[class_index][
        np.clip(row, 0, map.rows - 1)[:, None], np.clip(column, 0, map.columns - 1)[None, :]
    ]
    alpha = (OPACITY * np.where(inside & np.isfinite(p), p, 0.0))[..., None]
    blend = thumbnail * (1 - alpha) + np.asarray(rgb(map.colors[class_index])) * alpha
    return np.clip(np.rint(blend), 0, 255).astype(np.uint8)


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0..255, of ``#rrggbb``.

    Raises
    ------
    ResultError
        It is not of that form.
    """
    try:
        value = bytes.fromhex(color.removeprefix("#"))
        return value[0], value[1], value[2]
    except (ValueError, IndexError) as err:
        raise ResultError(f"{color} is not a colour of the form #rrggbb.") from err


def _cells(pixels: int, extent: int, origin: float, step: float) -> NDArray[np.int64]:
    """Column (or row) of the map in which the centre of each thumbnail pixel lies."""
    centres = (np.arange(pixels) + 0.5) * (extent / pixels)
    cells: NDArray[np.int64] = np.floor((centres - origin) / step).astype(np.int64)
    return cells
