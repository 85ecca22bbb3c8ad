"""Which tiles of a slide are scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import SlideError
from napari_histoalign.slides import find_tissue, tissue_from_geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from napari_histoalign.slides import Slide, TileGrid, TissueMask


@dataclass(frozen=True)
class Place:
    """Part of a slide; both empty: the tissue of the whole slide.

    Attributes
    ----------
    region
        Rectangle (x, y, width, height) in level-0 pixels, within which tissue is scored.
    roi
        Geometry in level-0 pixels; every tile in it is scored, tissue or not.
    """

    region: tuple[float, float, float, float] | None = None
    roi: BaseGeometry | None = None


@dataclass(frozen=True)
class Choice:
    """The tiles of a place.

    Attributes
    ----------
    indices
        Tiles of the grid, sorted, shape (n,).
    tissue
        Where tissue was found, or the ROI as a mask.
    """

    indices: NDArray[np.int64]
    tissue: TissueMask


def choose_tiles(
    slide: Slide,
    grid: TileGrid,
    place: Place,
    *,
    min_tissue: float = 0.1,
    tissue_threshold: float | None = None,
) -> Choice:
    """Find the tiles of a place that are worth scoring.

    Raises
    ------
    SlideError
        There is none; the message says why and what to change.
    """
    name = slide.path.name
    if place.roi is not None:
        indices = grid.inside(place.roi)
        if not len(indices):
            raise SlideError(
                f"The region of interest does not touch {name}, which is {_size(slide)}. "
                "Was it drawn on another slide?"
            )
        return Choice(indices, tissue_from_geometry(slide, place.roi))
    tissue = find_tissue(slide, threshold=tissue_threshold)
    indices = grid.on(tissue, min_tissue)
    if not len(indices):
        raise SlideError(
            f"No tissue was found on {name}. Draw a region of interest around it, or set the "
            "tissue threshold by hand."
        )
    if place.region is not None:
        inside = grid.within(*place.region)
        if not len(inside):
            raise SlideError(f"The rectangle lies outside {name}, which is {_size(slide)}.")
        indices = np.intersect1d(indices, inside, assume_unique=True)
        if not len(indices):
            raise SlideError(
                f"No tissue was found in that rectangle of {name}. Choose another one, draw a region "
                "of interest, or set the tissue threshold by hand."
            )
    return Choice(indices, tissue)


def _size(slide: Slide) -> str:
    width, height = slide.dimensions
    return f"{width} x {height} px"
