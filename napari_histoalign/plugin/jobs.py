"""What the window asks for and what comes back: frozen values that pass between the threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.engine import MarkedTiles, Progress, Scored
    from napari_histoalign.plugin.rasters import Rasters
    from napari_histoalign.slides import TileGrid
    from napari_histoalign.workflow.place import Place
    from napari_histoalign.workflow.summary import RunSummary


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
    batch
        Tiles a step, at most.
    memory
        Bytes that may be held of tiles, and of tiles against prompts.
    cache
        Folder of the embedding stores; None: the package's own.
    """

    path: Path
    slide_mpp: float | None = None
    encoders: tuple[str, ...] = ("demo-path", "demo-general")
    mpp: float = 0.5
    tile: int = 224
    device: str = "auto"
    batch: int = 32
    memory: int = 1 << 30
    cache: Path | None = None


@dataclass(frozen=True)
class Scoring:
    """What only the scores depend on; changing it reads no pixel.

    Attributes
    ----------
    prompts, alignment
        Classes with their prompts, and how similarities become probabilities.
    refinement
        What is done afterwards: examples, other tiles, neighbours, calibration.
    marked
        Tiles whose class was told, or None.
    other
        An alignment to compare with, or None.
    generation
        Counts up with each change, so that results of an older one can be told.
    """

    prompts: PromptSet
    alignment: Alignment
    refinement: Refinement = field(default_factory=Refinement)
    marked: MarkedTiles | None = None
    other: Alignment | None = None
    generation: int = 0


@dataclass(frozen=True, eq=False)
class Area:
    """Which part of the slide to run on.

    Attributes
    ----------
    place
        Rectangle in view, drawn region, or the whole slide, in level-0 pixels.
    centre
        Level-0 point (x, y) that tiles are done outwards from, or None for reading order.
    again
        Not a place: those of these tiles of the grid that are embedded already, shape (n,).
    """

    place: Place
    centre: tuple[float, float] | None = None
    again: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Note:
    """What the job is doing now, in words; or what it could not do, where `problem` is set."""

    text: str
    problem: bool = False


@dataclass(frozen=True)
class Step:
    """How far a run is, without scores."""

    progress: Progress


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Scores of everything embedded so far.

    Attributes
    ----------
    scoring
        What they were scored with.
    grid
        Where the tiles are.
    scored
        Each tile judged for itself.
    refined
        After the refinement; None where nothing was asked, or could be done.
    other
        By the alignment that is compared with, or None.
    rasters
        The same numbers as arrays, ready to be shown.
    seconds
        What scoring took.
    warnings
        What is wrong with a prompt, as a sentence, by prompt.
    notes
        What the person should know, as sentences.
    """

    scoring: Scoring
    grid: TileGrid
    scored: Scored
    refined: Scored | None
    other: Scored | None
    rasters: Rasters
    seconds: float = 0.0
    warnings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> Scored:
        """What the layers show: refined scores where there are any."""
        return self.refined or self.scored


@dataclass(frozen=True)
class Written:
    """Results were exported.

    Attributes
    ----------
    summary
        What they come to, and where they are.
    """

    summary: RunSummary


Report = Note | Step | Snapshot | Written


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
