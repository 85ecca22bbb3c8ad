"""From an image to tiles of 224 px at 0.5 um/px, and the colour changes of the controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

TILE_PX, MPP = 224, 0.5
TISSUE_DENSITY = 0.15
"""Least mean optical density of a pixel that counts as tissue."""
# what tissue pixels of ordinary drawn H&E have: `napari_histoalign.sample.Stain()`, on no label's advice
TARGET_MEAN, TARGET_DEVIATION = (0.83, -0.04, -0.35), (0.38, 0.10, 0.12)
_AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Of optical density: how dark, red against blue, green against both."""


def resized(image: Pixels, width: int, height: int, how: Image.Resampling) -> Pixels:
    """An image in another size."""
    return np.asarray(Image.fromarray(image).resize((width, height), how))


def tiles(image: Pixels) -> Pixels:
    """Tiles of 224 px, placed evenly from edge to edge: uint8 (n, 224, 224, 3).

    As many rows and columns as fit best, so that neighbours overlap or leave a gap by a little.
    """
    height, width = image.shape[:2]
    return np.stack(
        [image[y : y + TILE_PX, x : x + TILE_PX] for y in _places(height) for x in _places(width)]
    )


def grey(image: Pixels) -> Pixels:
    """The image's brightness in all three channels (ITU-R 601, as PIL has it)."""
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def stain_normalised(image: Pixels) -> Pixels:
    """Tissue brought to one fixed mean and deviation, after Reinhard, in three axes of optical density.

    Pixels that are no tissue stay as they are; so does an image with hardly any tissue.
    """
    density = -np.log((image.astype(np.float64) + 1) / 256)
    tissue = density.mean(axis=-1) > TISSUE_DENSITY
    if tissue.mean() < 0.01:
        return image
    values = density[tissue] @ _AXES.T
    mean, deviation = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-3)
    changed = (values - mean) / deviation * TARGET_DEVIATION + TARGET_MEAN
    result = image.copy()
    result[tissue] = np.clip(np.rint(256 * np.exp(-(changed @ _AXES)) - 1), 0, 255)
    return result


def stain_statistics(image: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of the tissue pixels in the axes of `stain_normalised`."""
    density = -np.log((image.astype(np.float64) + 1) / 256)
    values = density[density.mean(axis=-1) > TISSUE_DENSITY] @ _AXES.T
    return values.mean(axis=0), values.std(axis=0)


def _places(length: int) -> list[int]:
    """Where tiles begin along a side."""
    number = round(length / TILE_PX)
    if length < TILE_PX or number < 1:
        raise ValueError(f"A side of {length} px is shorter than a tile of {TILE_PX} px.")
    return [round(place) for place in np.linspace(0, length - TILE_PX, number)]
