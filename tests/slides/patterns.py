"""Smooth patterns whose value is known at every place, and files that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (1501, 1103)
"""(width, height): no multiple of the tile, and odd."""
ODD_LEVEL = (613, 457)
"""A level of SIZE whose downsample is no whole number, nor the same in x and y."""


WAVES = ((1 / 29, 0.0, 0.0), (0.0, 1 / 31, 1.0), (1 / 60, 1 / 60, 0.0))
"""Of red, green and blue: radians per level-0 pixel in x and y, and the phase; 180 to 380 px long."""


def pattern_mean(x: float, y: float, width: float, height: float, out: tuple[int, int]) -> np.ndarray:
    """Mean colour of the pattern over each of the `out` pixels of a rectangle; float, exact.

    The mean of a wave over a box is the wave at its middle times a sinc for each axis.
    """
    w, h = width / out[0], height / out[1]
    xs = x + (np.arange(out[0])[None, :] + 0.5) * w
    ys = y + (np.arange(out[1])[:, None] + 0.5) * h
    return np.stack(
        [
            127.5
            + 100 * np.sin(a * xs + b * ys + p) * np.sinc(a * w / 2 / np.pi) * np.sinc(b * h / 2 / np.pi)
            for a, b, p in WAVES
        ],
        axis=-1,
    )


def pattern_level(size: tuple[int, int], factor: tuple[float, float] | None = None) -> np.ndarray:
    """The pattern as a level of `size`, uint8."""
    fx, fy = factor or (SIZE[0] / size[0], SIZE[1] / size[1])
    mean = pattern_mean(0, 0, size[0] * fx, size[1] * fy, size)
    return np.rint(mean).astype(np.uint8)


def write_pyramid(path: Path, levels: list[np.ndarray], mpp: float | None = 0.5, **options) -> Path:
    """A tiled pyramidal TIFF as openslide reads it."""
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "zlib", "metadata": None} | options
    if mpp:
        options |= {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as tiff:
        for i, level in enumerate(levels):
            tiff.write(level, subfiletype=int(i > 0), **options)
    return path


def write_ome(path: Path, levels: list[np.ndarray], metadata: dict | None = None, **options) -> Path:
    """An OME-TIFF whose pyramid lies in SubIFDs, where openslide does not look."""
    default = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "zlib"} | options
    with tifffile.TiffWriter(path) as tiff:
        first = default if metadata is None else metadata
        tiff.write(levels[0], subifds=len(levels) - 1, metadata=first, **options)
        for level in levels[1:]:
            tiff.write(level, subfiletype=1, **options)
    return path
