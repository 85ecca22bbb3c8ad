"""Scores as a raster over the slide: one pixel a tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import ResultError
from napari_histoalign.results.scores import check_classes, margin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.results.scores import TileScores

NOT_SCORED = -1
"""Label of a map pixel that was not scored."""


@dataclass(frozen=True, eq=False)
class ProbabilityMap:
    """Class probabilities on a raster, with its place on the slide.

    Attributes
    ----------
    data
        float32, shape (classes, rows, columns); NaN where nothing was scored.
    origin
        (x, y) of the top-left corner of pixel (0, 0) in level-0 pixels.
    step
        Level-0 pixels a map pixel, in both directions.
    class_names, colors
        One entry a class; colours are ``#rrggbb``.

    Raises
    ------
    ResultError
        The parts do not fit together.
    """

    data: NDArray[np.float32]
    origin: tuple[float, float]
    step: float
    class_names: tuple[str, ...]
    colors: tuple[str, ...]

    def __post_init__(self) -> None:
        check_classes(self.class_names, self.colors)
        if self.data.ndim != 3 or len(self.data) != len(self.class_names):
            raise ResultError(
                f"A map of {len(self.class_names)} classes cannot have the shape {self.data.shape}."
            )
        if not self.step > 0:
            raise ResultError(f"The step of a map must be positive, not {self.step}.")

    @classmethod
    def from_tiles(
        cls, scores: TileScores, grid_origin: tuple[float, float], columns: int, rows: int
    ) -> ProbabilityMap:
        """Raster of scored tiles.

        A pixel is one stride wide and lies in the middle of its tile, so that
        overlapping tiles give a map without overlaps.

        Parameters
        ----------
        scores
            Tiles of one grid, any part of it in any order.
        grid_origin
            (x, y) of the grid's first tile in level-0 pixels.
        columns, rows
            Size of the grid.

        Raises
        ------
        ResultError
            A tile does not lie on the grid.
        """
        stride = scores.stride_px
        offset = scores.xy - np.asarray(grid_origin)
        cell = np.floor_divide(offset, stride).astype(np.int64)
        on_grid = (cell * stride == offset) & (cell >= 0) & (cell < (columns, rows))
        if not bool(on_grid.all()):
            x, y = scores.xy[np.flatnonzero(~on_grid.all(axis=1))[0]]
            raise ResultError(
                f"The tile at ({x}, {y}) does not lie on the grid of {columns} x {rows} tiles from "
                f"{tuple(grid_origin)} with a stride of {stride} px."
            )
        data = np.full((len(scores.class_names), rows, columns), np.nan, np.float32)
        data[:, cell[:, 1], cell[:, 0]] = scores.probabilities.T
        shift = (scores.tile_px - stride) / 2
        return cls(
            data=data,
            origin=(float(grid_origin[0]) + shift, float(grid_origin[1]) + shift),
            step=float(stride),
            class_names=scores.class_names,
            colors=scores.colors,
        )

    @property
    def rows(self) -> int:
        """Height of the raster."""
        return int(self.data.shape[1])

    @property
    def columns(self) -> int:
        """Width of the raster."""
        return int(self.data.shape[2])

    def scored(self) -> NDArray[np.bool_]:
        """Which pixels were scored, shape (rows, columns)."""
        known: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(self.data), axis=0)
        return known

    def label_map(self) -> NDArray[np.int64]:
        """Index of the most probable class (the first of equals), -1 where not scored; (rows, columns)."""
        best = np.nan_to_num(self.data, nan=-1.0).argmax(axis=0)
        return np.where(self.scored(), best, NOT_SCORED)

    def margin_map(self) -> NDArray[np.float32]:
        """Highest minus second highest probability, NaN where not scored, shape (rows, columns)."""
        return margin(np.moveaxis(self.data, 0, -1))

    def edges(self, slide_size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Boundaries of columns and rows in level-0 pixels, cut to the slide.

        Parameters
        ----------
        slide_size
            (width, height) of the slide in level-0 pixels.

        Returns
        -------
        x, y
            Ascending, shapes (columns + 1,) and (rows + 1,). Pixels outside the slide
            have equal boundaries.
        """
        x = np.clip(self.origin[0] + self.step * np.arange(self.columns + 1), 0.0, slide_size[0])
        y = np.clip(self.origin[1] + self.step * np.arange(self.rows + 1), 0.0, slide_size[1])
        return x, y
