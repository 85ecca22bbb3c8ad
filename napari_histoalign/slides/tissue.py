"""Tissue and glass told apart on a thumbnail."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.tissue_mask import TissueMask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.slides.base import Slide

MASK_UM = 8.0
"""Micrometres per mask pixel."""
DOWNSAMPLE = 16
"""Level-0 pixels per mask pixel where the pixel size is unknown."""
LEAST_SIDE_PX, LARGEST_SIDE_PX = 256, 4096
"""The longer side of a mask."""

AUTOMATIC = (0.018, 0.025)
"""Bounds of the automatic threshold. Otsu's method cuts any histogram in two; the lower bound keeps
it from finding tissue on empty glass, the upper one from taking pale tissue for glass."""
GREY_WEIGHT = 0.15
"""Weight of grey density against colour: shadows and dust are grey, stains are not."""

SMOOTH_UM = 5.0
CLOSE_UM = 48.0
"""Gaps that are bridged: fat cells are 50 to 100 um wide."""
HOLE_UM2 = 2_500.0
"""Larger holes, of what closing left of them, can hold a tile of nothing but glass and stay."""
FRINGE_UM = 64.0
"""What lies so near to ink and reaches no farther is its blurred edge."""
SPECK_UM2 = 10_000.0
"""Anything smaller is dust, not tissue."""


def find_tissue(slide: Slide, *, threshold: float | None = None) -> TissueMask:
    """Find what is stained, leaving out glass, pen, dust and black borders.

    A thumbnail of about 8 um per pixel is turned into optical density over the
    slide's own glass. The score of a pixel is its colour (highest minus lowest
    channel) plus 0.15 of its mean density, smoothed; tissue is what reaches
    the threshold. Small gaps are closed, small holes filled, specks dropped.

    Parameters
    ----------
    slide
        Without a pixel size, 16 level-0 pixels are taken for 8 um in all sizes.
    threshold
        Smallest score, in units of optical density (about 0.02 for mucus and
        the palest tissue, 0.1 and more for stroma, 0.3 for nuclei). By default Otsu's (1979),
        kept between 0.018 and 0.025.

    Returns
    -------
    TissueMask
        Over the slide's bounds.

    Raises
    ------
    SlideError
        The slide cannot be read, or the threshold is no positive number.
    """
    if threshold is not None and not (math.isfinite(threshold) and threshold > 0):
        raise SlideError(
            f"The tissue threshold is an optical density above 0, usually 0.02 to 0.1; got {threshold}."
        )
    x, y, width, height = slide.bounds
    columns, rows = _mask_size(slide)
    rgb = slide.read_area(x, y, width, height, (columns, rows))
    downsample = (width / columns, height / rows)
    mpp = slide.mpp or (MASK_UM / DOWNSAMPLE, MASK_UM / DOWNSAMPLE)
    pixel_um = math.sqrt(downsample[0] * mpp[0] * downsample[1] * mpp[1])
    mask, used = tissue_of(rgb, pixel_um, threshold)
    return TissueMask(mask, downsample, (float(x), float(y)), used)


def tissue_of(
    rgb: NDArray[np.uint8], pixel_um: float, threshold: float | None = None
) -> tuple[NDArray[np.bool_], float]:
    """Tissue of a thumbnail (see `find_tissue`).

    Parameters
    ----------
    rgb
        uint8, shape (h, w, 3).
    pixel_um
        Side of its pixels in micrometres.
    threshold
        Smallest score, or None for the automatic one.

    Returns
    -------
    mask, threshold
        bool array of shape (h, w), and the threshold that made it.
    """
    from scipy import ndimage

    from napari_histoalign.slides.ink import find_ink, glass_colour, optical_density

    od = optical_density(rgb, glass_colour(rgb))
    ink = find_ink(od, pixel_um / MASK_UM)
    score = od.max(axis=2) - od.min(axis=2) + GREY_WEIGHT * od.mean(axis=2)
    score[ink] = 0.0
    sigma = SMOOTH_UM / pixel_um
    weight = ndimage.gaussian_filter((~ink).astype(np.float32), sigma, mode="nearest")
    score = ndimage.gaussian_filter(score, sigma, mode="nearest") / np.maximum(weight, 0.05)
    used = float(np.clip(otsu(score[~ink]), *AUTOMATIC)) if threshold is None else float(threshold)
    mask = (score >= used) & ~ink
    mask = _apart_from(mask, ink, FRINGE_UM / pixel_um)
    mask = _closed(mask, CLOSE_UM / pixel_um) & ~ink
    small = 0.01 * mask.size  # on a small image sizes count by its own
    mask = ~_without_small(~mask, min(HOLE_UM2 / pixel_um**2, small)) & ~ink
    return _without_small(mask, min(SPECK_UM2 / pixel_um**2, small)), used


def otsu(values: NDArray[np.floating]) -> float:
    """Threshold with the largest variance between the two classes (Otsu 1979); 0 without values."""
    if values.size == 0:
        return 0.0
    top = float(np.percentile(values, 99.5))
    if top <= 0:
        return 0.0
    counts, edges = np.histogram(np.clip(values, 0, top), 256, (0, top))
    centres = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    above = values.size - below
    total = (counts * centres).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(edges[1 + int(np.nanargmax(np.where(above > 0, spread, 0.0)))])


def _mask_size(slide: Slide) -> tuple[int, int]:
    """(columns, rows) of the mask."""
    _, _, width, height = slide.bounds
    step = DOWNSAMPLE if slide.mpp is None else MASK_UM / (sum(slide.mpp) / 2)
    side = max(width, height)
    wanted = min(max(side / step, min(side, LEAST_SIDE_PX)), LARGEST_SIDE_PX)
    return max(1, math.ceil(width * wanted / side)), max(1, math.ceil(height * wanted / side))


def _closed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Morphological closing by a disc, without shrinking at the image's edge."""
    from scipy import ndimage

    if radius < 0.5 or not mask.any():
        return mask
    margin = math.ceil(radius) + 1
    padded = np.pad(mask, margin, mode="edge")
    grown = ndimage.distance_transform_edt(~padded) <= radius
    closed: NDArray[np.bool_] = ndimage.distance_transform_edt(grown) > radius
    return (closed | padded)[margin:-margin, margin:-margin]


def _apart_from(mask: NDArray[np.bool_], ink: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Those connected parts of a mask that reach farther from the ink than its blurred edge does."""
    from scipy import ndimage

    if not ink.any():
        return mask
    seeds = mask & (ndimage.distance_transform_edt(~ink) > reach)
    kept: NDArray[np.bool_] = ndimage.binary_propagation(seeds, mask=mask)
    return kept


def _without_small(mask: NDArray[np.bool_], smallest: float) -> NDArray[np.bool_]:
    """Without connected parts of fewer than `smallest` pixels."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask)
    keep = np.bincount(labels.ravel()) >= smallest
    keep[0] = False
    result: NDArray[np.bool_] = keep[labels]
    return result
