"""What is on the glass: slides, pyramids, tissue and the grid of tiles."""

from __future__ import annotations

from napari_histoalign.slides.base import Slide
from napari_histoalign.slides.grid import TileGrid
from napari_histoalign.slides.opening import open_slide
from napari_histoalign.slides.roi import tissue_from_geometry
from napari_histoalign.slides.tissue import find_tissue
from napari_histoalign.slides.tissue_mask import TissueMask

__all__ = ["Slide", "TileGrid", "TissueMask", "find_tissue", "open_slide", "tissue_from_geometry"]
