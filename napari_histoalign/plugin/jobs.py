"""What the window asks for and what comes back: frozen values that pass between the threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.engine import Progress
    from napari_histoalign.results import ProbabilityMap, TileScores
    from napari_histoalign.slides import TileGrid, TissueMask

MIN_TISSUE = 0.1


class JobError(HistoalignError):
    """A job in the background failed for a reason nobody foresaw."""


@dataclass(frozen=True)
class Setup:
    """What embeddings depend on; changing any of it means reading pixels again.

    Attributes
    ----------
    path
        The slide.
    slide_mpp
        Micrometres per level-0 pixel as the person gave them, or None for the slide's own.
    encoders
        One or two names, the pathology encoder first.
    mpp
        Wanted micrometres per pixel of a tile.
    tile
        Side of a tile in pixels at `mpp`.
    device
        "auto", "cpu", "cuda" or "mps".
    """

    path: Path
    slide_mpp: float | None = None
    encoders: tuple[str, ...] = ("demo-path", "demo-general")
    mpp: float = 0.5
    tile: int = 224
    device: str = "auto"


@dataclass(frozen=True)
class Scoring:
    """What only the scores depend on; changing it reads no pixel.

    Attributes
    ----------
    prompts, alignment
        Classes with their prompts, and how similarities become probabilities.
    generation
        Counts up with each change, so that results of an older one can be told.
    """

    prompts: PromptSet
    alignment: Alignment
    generation: int = 0


@dataclass(frozen=True)
class Area:
    """Which part of the slide to run on.

    Attributes
    ----------
    rect
        Visible rectangle (x, y, width, height) in level-0 pixels, or None for everything.
    geometry
        Drawn region (shapely, level-0 pixels), or None. What a person drew is run on
        whether or not it looks like tissue.
    centre
        Level-0 point (x, y) that tiles are done outwards from, or None for reading order.
    """

    rect: tuple[int, int, int, int] | None = None
    geometry: Any = None
    centre: tuple[float, float] | None = None

    def tiles(self, grid: TileGrid, tissue: TissueMask) -> NDArray[np.int64]:
        """Tiles of the area, those to do first in front.

        Parameters
        ----------
        grid
            Where the tiles are.
        tissue
            Where the tissue is.

        Returns
        -------
        ndarray
            Indices into the grid, shape (n,).

        Raises
        ------
        JobError
            If there is no tile.
        """
        if self.geometry is not None:
            indices = grid.inside(self.geometry)
        else:
            indices = grid.on(tissue, MIN_TISSUE)
            if self.rect is not None:
                indices = np.intersect1d(indices, grid.within(*self.rect))
        if len(indices) == 0:
            raise JobError(
                "There is no tissue in this area. Move the view to tissue, or draw a region and run on "
                "selected shapes: drawn regions are run on whatever they show."
            )
        return indices if self.centre is None else outwards(grid, indices, self.centre)


@dataclass(frozen=True)
class Note:
    """What the job is doing now, in words."""

    text: str


@dataclass(frozen=True)
class Snapshot:
    """Scores of everything embedded so far.

    Attributes
    ----------
    scoring
        What they were scored with.
    probability_map, scores
        The same numbers as a raster and as a table.
    progress
        How far the run is; None after a mere re-scoring.
    finished
        True for the last snapshot of a job.
    seconds
        What scoring took.
    """

    scoring: Scoring
    probability_map: ProbabilityMap = field(repr=False)
    scores: TileScores = field(repr=False)
    progress: Progress | None = None
    finished: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Written:
    """Results were exported.

    Attributes
    ----------
    folder
        Where to.
    files
        Their paths by what they are.
    """

    folder: Path
    files: dict[str, Path]


Report = Note | Snapshot | Written


def outwards(
    grid: TileGrid, indices: NDArray[np.int64], centre: tuple[float, float], block: int = 4
) -> NDArray[np.int64]:
    """Order tiles by the distance of their block to a point: near ones first, neighbours together.

    Blocks of `block` x `block` tiles keep reads local.

    Parameters
    ----------
    grid
        Where the tiles are.
    indices
        Tiles, shape (n,).
    centre
        Level-0 point (x, y).
    block
        Tiles a block side.

    Returns
    -------
    ndarray
        The same tiles in another order.
    """
    cells = grid.column_row(indices) // block
    middle = np.asarray(grid.origin) + (cells + 0.5) * block * grid.stride_px
    distance = np.hypot(*(middle - np.asarray(centre)).T)
    return indices[np.lexsort((indices, cells[:, 0], cells[:, 1], distance))]
