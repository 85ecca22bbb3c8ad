"""Scores as arrays ready to be shown: made where scoring is done, so that the window need not wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import ResultError
from napari_histoalign.results import ProbabilityMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.engine import Scored
    from napari_histoalign.slides import TileGrid

    Raster = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rasters:
    """What can lie over a slide, one pixel a tile.

    Attributes
    ----------
    shown
        Probabilities.
    best
        Most probable class of each pixel, counted from 1, 0 where nothing was scored; uint8,
        shape (rows, columns).
    top
        Its probability, -1 where nothing was scored; float32, shape (rows, columns).
    uncertainty
        Entropy of what is shown, 0 (sure) to 1 (all classes alike), NaN where nothing was scored;
        shape (rows, columns). None where it was not asked for.
    disagreement
        How far pairs of encoders contradict each other, 0 to 1, NaN where nothing was scored; shape
        (rows, columns). None where no two pairs spoke.
    other
        Probabilities by the alignment that is compared with, or None.
    difference
        `shown` minus `other`, -1 to 1, NaN where one of them is unknown; shape (classes, rows, columns), or
        None.
    """

    shown: ProbabilityMap
    best: NDArray[np.uint8] = field(repr=False)
    top: Raster = field(repr=False)
    uncertainty: Raster | None = field(default=None, repr=False)
    disagreement: Raster | None = field(default=None, repr=False)
    other: ProbabilityMap | None = None
    difference: Raster | None = field(default=None, repr=False)

    @classmethod
    def of_map(cls, shown: ProbabilityMap) -> Rasters:
        """Rasters of a bare probability map: nothing but its classes is known."""
        known = np.nan_to_num(shown.data, nan=-1.0)
        top = known.max(axis=0)
        best = np.where(top >= 0, known.argmax(axis=0) + 1, 0).astype(np.uint8)
        return cls(shown, best, top)

    def classes(self, threshold: float) -> NDArray[np.uint8]:
        """Most probable class of each pixel, counted from 1; 0 below the threshold or not scored.

        Parameters
        ----------
        threshold
            Lowest probability that counts.

        Returns
        -------
        ndarray
            uint8, shape (rows, columns).
        """
        return np.where(self.top >= np.float32(max(threshold, 0.0)), self.best, np.uint8(0))


def rasters(grid: TileGrid, shown: Scored, inductive: Scored, other: Scored | None = None) -> Rasters:
    """Put scored tiles on the raster of their grid.

    Parameters
    ----------
    grid
        Where the tiles are.
    shown
        What is to be shown, refined or not.
    inductive
        The judgements of single tiles behind it: only they tell what each pair of encoders says.
    other
        Scores by the alignment that is compared with, of the same classes.

    Raises
    ------
    ResultError
        The other scores are of other classes, or a tile is not on the grid.
    """
    tiles = shown.tiles
    if other is not None and other.tiles.class_names != tiles.class_names:
        raise ResultError(
            f"Scores of {', '.join(other.tiles.class_names)} cannot be compared with scores of "
            f"{', '.join(tiles.class_names)}."
        )
    data = _map(grid, shown)
    best = np.zeros((grid.rows, grid.columns), np.uint8)
    best.flat[shown.indices] = tiles.label + 1
    top = tiles.probabilities[np.arange(len(tiles)), tiles.label]
    compared = None if other is None else _map(grid, other)
    spoke = len(inductive.scores.parts) > 1
    return Rasters(
        shown=data,
        best=best,
        top=_spread(grid, shown.indices, top, -1.0),
        uncertainty=_spread(grid, shown.indices, tiles.entropy),
        disagreement=_spread(grid, inductive.indices, inductive.disagreement()) if spoke else None,
        other=compared,
        difference=None if compared is None else data.data - compared.data,
    )


def _map(grid: TileGrid, scored: Scored) -> ProbabilityMap:
    return ProbabilityMap.from_tiles(scored.tiles, grid.origin, grid.columns, grid.rows)


def _spread(grid: TileGrid, indices: NDArray[np.int64], values: Raster, elsewhere: float = np.nan) -> Raster:
    """Values of tiles on the raster, shape (rows, columns)."""
    raster = np.full((grid.rows, grid.columns), elsewhere, np.float32)
    raster.flat[indices] = values
    return raster
