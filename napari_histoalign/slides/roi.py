"""A region that a person drew, as a tissue mask."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.slides.tissue_mask import TissueMask

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from napari_histoalign.slides.base import Slide

SIDE_PX = 1024
"""Mask pixels along the slide's longer side, more where the region is small."""
LARGEST_SIDE_PX = 4096
REGION_PX = 64
"""Mask pixels wanted along the region's longer side."""


def tissue_from_geometry(slide: Slide, geometry: BaseGeometry) -> TissueMask:
    """Take a drawn region for the tissue, whatever is in it.

    Parameters
    ----------
    slide
        The slide it was drawn on.
    geometry
        In level-0 pixels.

    Returns
    -------
    TissueMask
        Over the slide's bounds; a pixel counts if its centre lies in the region. Of a region
        too small for that, the pixel around its middle.
    """
    import shapely

    if not shapely.is_valid(geometry):
        geometry = shapely.make_valid(geometry)
    x, y, width, height = slide.bounds
    side = max(width, height)
    step = side / min(side, SIDE_PX)
    if geometry.is_empty:
        gx0 = gy0 = gx1 = gy1 = math.nan
    else:
        gx0, gy0, gx1, gy1 = geometry.bounds
        step = max(min(step, max(gx1 - gx0, gy1 - gy0) / REGION_PX), side / LARGEST_SIDE_PX, 1.0)
    columns, rows = math.ceil(width / step), math.ceil(height / step)
    downsample = (width / columns, height / rows)
    mask = np.zeros((rows, columns), bool)
    shapely.prepare(geometry)
    centres_x = x + (np.arange(columns) + 0.5) * downsample[0]
    centres_y = y + (np.arange(rows) + 0.5) * downsample[1]
    near_x = np.flatnonzero((centres_x >= gx0) & (centres_x <= gx1))
    near_y = np.flatnonzero((centres_y >= gy0) & (centres_y <= gy1))
    if len(near_x) and len(near_y):
        mask[np.ix_(near_y, near_x)] = shapely.contains_xy(
            geometry, *np.meshgrid(centres_x[near_x], centres_y[near_y])
        )
    if not mask.any() and not geometry.is_empty:
        middle = geometry.representative_point()
        column, row = int((middle.x - x) // downsample[0]), int((middle.y - y) // downsample[1])
        if 0 <= column < columns and 0 <= row < rows:
            mask[row, column] = True
    return TissueMask(mask, downsample, (float(x), float(y)), math.nan)
