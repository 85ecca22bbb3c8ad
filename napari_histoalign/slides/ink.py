"""What is on a slide and is no stained tissue: felt pen, black borders, the colour of glass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

GLASS_DARKEST = 200
"""Glass is lighter than this in every channel ..."""
GLASS_TINT = 25
"""... and its channels differ by no more than this."""
GLASS_USUAL = 243.0
"""Taken where a slide shows no glass to measure."""


def glass_colour(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Colour of empty glass, so that a tinted or dim lamp is not taken for stain.

    Parameters
    ----------
    rgb
        Thumbnail, uint8, shape (h, w, 3).

    Returns
    -------
    float array, shape (3,)
        Median of the lightest neutral pixels, pure white (padding) left out.
    """
    pixels = rgb.reshape(-1, 3)
    low = pixels.min(axis=1)
    neutral = (low >= GLASS_DARKEST) & (pixels.max(axis=1) - low <= GLASS_TINT) & (low < 254)
    if neutral.sum() < max(16, 0.002 * len(pixels)):
        return np.full(3, GLASS_USUAL)
    light = low[neutral]
    lightest: NDArray[np.uint8] = pixels[neutral][light >= np.percentile(light, 75)]
    glass: NDArray[np.float64] = np.median(lightest, axis=0)
    return glass


def optical_density(rgb: NDArray[np.uint8], glass: NDArray[np.float64]) -> NDArray[np.float32]:
    """Decadic optical density over the glass (Beer-Lambert), not below 0, shape (h, w, 3)."""
    light = (rgb.astype(np.float32) + 1.0) / (glass.astype(np.float32) + 1.0)
    return np.maximum(-np.log10(light), 0.0)


def find_ink(od: NDArray[np.float32], pixel: float) -> NDArray[np.bool_]:
    """Felt pen and black borders.

    Ink differs from stain by its hue, which optical density keeps whatever the
    thickness of the layer. Haematoxylin absorbs red and green alike and eosin
    almost green alone; both let blue or red pass. So

    - green ink absorbs green least, which neither dye does;
    - blue ink absorbs red much more than green and lets blue pass;
    - red ink absorbs blue nearly as much as green, and lets more red pass than blood;
    - black ink and borders absorb all three alike, and strongly.

    Dense ink is sought first; its thin edges count where they touch it.

    Parameters
    ----------
    od
        Optical density, shape (h, w, 3).
    pixel
        Side of a pixel in units of 8 micrometres.

    Returns
    -------
    bool array, shape (h, w)
    """
    red, green, blue = od[..., 0], od[..., 1], od[..., 2]
    high, low = od.max(axis=2), od.min(axis=2)
    is_green = (green <= 0.85 * red) & (green <= 0.95 * blue)
    is_blue = (red >= 1.35 * green) & (blue <= 0.75 * red)
    is_red = (blue >= 0.7 * green) & (red <= 0.25 * green)
    is_black = high - low <= 0.25 * high
    dense = (
        (is_green & (high >= 0.25))
        | (is_blue & (high >= 0.35))
        | (is_red & (red <= 0.13 * green) & (green >= 0.6))
        | (is_black & (low >= 0.6))
    )
    dense = _large(dense, max(4, round(24 / pixel**2)))
    if not dense.any():
        return dense
    thin = (is_green & (high >= 0.06)) | (is_blue & (high >= 0.06)) | (is_red & (green >= 0.15))
    thin |= (high - low <= 0.35 * high) & (low >= 0.15)
    reach = max(1, round(12 / pixel))
    ink = ndimage.binary_propagation(dense, mask=(thin | dense) & _grown(dense, reach))
    return _grown(ink, max(1, round(3 / pixel)))


def _large(mask: NDArray[np.bool_], smallest: int) -> NDArray[np.bool_]:
    """Connected parts (8 neighbours) of at least `smallest` pixels."""
    labels, _ = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())
    keep = sizes >= smallest
    keep[0] = False
    result: NDArray[np.bool_] = keep[labels]
    return result


def _grown(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Every pixel at most `radius` from the mask."""
    grown: NDArray[np.bool_] = ndimage.distance_transform_edt(~mask) <= radius
    return grown
