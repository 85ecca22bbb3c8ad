"""Where the tiles are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import SlideError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    from napari_histoalign.slides.base import Slide
    from napari_histoalign.slides.tissue_mask import TissueMask


@dataclass(frozen=True)
class TileGrid:
    """Square tiles in rows and columns over a slide, in level-0 pixels.

    The grid is anchored at the slide's bounds, so that the view, a region and the
    whole slide share their tiles. Tiles of the last column and row may overhang;
    what lies outside the slide is white.

    Attributes
    ----------
    origin
        (x, y) of the first tile's top-left corner.
    tile_px, stride_px
        Side of a tile, and distance between neighbours, in level-0 pixels.
    columns, rows
        Number of tiles.
    input_px
        Side to which a tile is resampled for the encoder.
    mpp
        Micrometres per pixel of a tile at `input_px`, or None if the slide's is unknown.
    """

    origin: tuple[int, int]
    tile_px: int
    stride_px: int
    columns: int
    rows: int
    input_px: int
    mpp: float | None

    @classmethod
    def over(cls, slide: Slide, *, mpp: float = 0.5, tile: int = 224, stride: int | None = None) -> TileGrid:
        """Lay tiles over a slide.

        Parameters
        ----------
        slide
            Without a pixel size, tiles are cut at level 0.
        mpp
            Wanted micrometres per pixel of a tile.
        tile, stride
            Side and distance of tiles in pixels at the wanted `mpp`; side by side by default.

        Raises
        ------
        SlideError
            A number makes no sense.
        """
        stride = tile if stride is None else stride
        if not (math.isfinite(mpp) and mpp > 0):
            raise SlideError(f"Tiles need a resolution above 0 micrometres per pixel; got {mpp}.")
        if tile < 1 or stride < 1:
            raise SlideError(f"Tile and stride must be at least 1 pixel; got {tile} and {stride}.")
        slide_mpp = None if slide.mpp is None else (slide.mpp[0] + slide.mpp[1]) / 2
        scale = 1.0 if slide_mpp is None else mpp / slide_mpp
        tile_px = max(1, round(tile * scale))
        stride_px = tile_px if stride == tile else max(1, round(stride * scale))
        x, y, width, height = slide.bounds
        return cls(
            origin=(x, y),
            tile_px=tile_px,
            stride_px=stride_px,
            columns=_number(width, tile_px, stride_px),
            rows=_number(height, tile_px, stride_px),
            input_px=int(tile),
            mpp=None if slide_mpp is None else slide_mpp * tile_px / tile,
        )

    @property
    def count(self) -> int:
        """Number of tiles."""
        return self.columns * self.rows

    @property
    def key(self) -> str:
        """Names this geometry: equal grids have equal keys, different ones different keys."""
        x, y = self.origin
        return f"x{x}y{y}t{self.tile_px}s{self.stride_px}c{self.columns}r{self.rows}i{self.input_px}"

    def index(self, column: int, row: int) -> int:
        """Number of the tile in a column and a row."""
        return row * self.columns + column

    def column_row(self, indices: ArrayLike) -> NDArray[np.int64]:
        """(column, row) of tiles, shape (n, 2)."""
        row, column = np.divmod(np.asarray(indices, np.int64).reshape(-1), self.columns)
        return np.stack([column, row], axis=1)

    def xy(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Top-left corners of tiles in level-0 pixels, shape (n, 2)."""
        return self.column_row(indices) * self.stride_px + np.asarray(self.origin, np.int64)

    def within(self, x: float, y: float, width: float, height: float) -> NDArray[np.int64]:
        """Tiles that share some area with a rectangle in level-0 pixels, sorted, shape (n,)."""
        if not (width > 0 and height > 0) or math.isnan(x) or math.isnan(y):
            return np.empty(0, np.int64)
        columns = self._span(x - self.origin[0], width, self.columns)
        rows = self._span(y - self.origin[1], height, self.rows)
        indices: NDArray[np.int64] = rows[:, None] * self.columns + columns[None, :]
        return indices.reshape(-1)

    def on(self, tissue: TissueMask, min_share: float = 0.1) -> NDArray[np.int64]:
        """Tiles of whose area at least `min_share`, and some, is tissue, sorted, shape (n,).

        On an image smaller than a tile, the share counts of the image.
        """
        indices = np.arange(self.count, dtype=np.int64)
        share = tissue.share(self.xy(indices), self.tile_px)
        width, height = (n * d for n, d in zip(tissue.mask.shape[::-1], tissue.downsample, strict=True))
        largest = min(1.0, width / self.tile_px) * min(1.0, height / self.tile_px)
        chosen: NDArray[np.int64] = indices[(share >= min_share * largest - 1e-9) & (share > 0)]
        return chosen

    def inside(self, geometry: BaseGeometry) -> NDArray[np.int64]:
        """Tiles whose centre lies in a geometry, or if none does, all that touch it; sorted, shape (n,).

        Parameters
        ----------
        geometry
            In level-0 pixels.
        """
        import shapely

        if not shapely.is_valid(geometry):
            geometry = shapely.make_valid(geometry)
        if geometry.is_empty:
            return np.empty(0, np.int64)
        x0, y0, x1, y1 = geometry.bounds
        near = self.within(x0 - 1, y0 - 1, x1 - x0 + 2, y1 - y0 + 2)
        corners = self.xy(near)
        shapely.prepare(geometry)
        centres = corners + self.tile_px / 2
        chosen: NDArray[np.int64] = near[shapely.contains_xy(geometry, centres[:, 0], centres[:, 1])]
        if len(chosen):
            return chosen
        left, top = corners[:, 0], corners[:, 1]
        boxes = shapely.box(left, top, left + self.tile_px, top + self.tile_px)
        touched: NDArray[np.int64] = near[
            shapely.intersects(geometry, boxes) & ~shapely.touches(geometry, boxes)
        ]
        return touched

    def _span(self, start: float, length: float, number: int) -> NDArray[np.int64]:
        """Columns (or rows) that share some length with ``start ... start + length``."""
        last_tile = (number - 1) * self.stride_px + self.tile_px
        start, stop = max(start, -1.0), min(start + length, last_tile + 1.0)  # keeps infinities out
        first = max(0, math.floor((start - self.tile_px) / self.stride_px) + 1)
        last = min(number - 1, math.ceil(stop / self.stride_px) - 1)
        return np.arange(first, last + 1, dtype=np.int64)


def _number(length: int, tile: int, stride: int) -> int:
    """How many tiles cover a length: the last may overhang, none lies wholly outside."""
    if length <= tile:
        return 1
    return min(math.ceil((length - tile) / stride) + 1, math.ceil(length / stride))
