"""What a person chooses for a run, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.engine import DEFAULT_VIEWS
from napari_histoalign.errors import HistoalignError

DEFAULT_ENCODERS = ("demo-path", "demo-general")
DEFAULT_PROMPTS = "breast"
DEFAULT_ALIGNMENT = "many-to-many"


@dataclass(frozen=True)
class RunSettings:
    """How slides are scored; the same for the dock and the command line.

    Attributes
    ----------
    encoders
        Names of one or two encoders, the pathology one first.
    prompts
        Classes and their prompts.
    alignment
        How similarities become probabilities.
    refinement
        What is done with the scores of single tiles afterwards; its results are written apart.
    mpp
        Wanted micrometre per tile pixel. Without a physical size, tiles are cut at level 0.
    tile
        Side of a tile in pixels at that size.
    stride
        Distance of neighbouring tiles in the same pixels; `tile` by default.
    views
        Views of each tile that are embedded.
    batch
        Tiles a step.
    threshold
        Least probability of a tile that becomes part of a region.
    min_tissue
        Least share of tissue of a tile that is scored.
    tissue_threshold
        The tissue detector's threshold; found from the slide by default.
    """

    encoders: tuple[str, ...] = DEFAULT_ENCODERS
    prompts: PromptSet = field(default_factory=lambda: PromptSet.load(DEFAULT_PROMPTS))
    alignment: Alignment = field(default_factory=lambda: Alignment(DEFAULT_ALIGNMENT))
    refinement: Refinement = field(default_factory=Refinement)
    mpp: float = 0.5
    tile: int = 224
    stride: int | None = None
    views: tuple[str, ...] = DEFAULT_VIEWS
    batch: int = 32
    threshold: float = 0.5
    min_tissue: float = 0.1
    tissue_threshold: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.encoders) <= 2:
            raise HistoalignError(f"Choose one or two encoders; got {len(self.encoders)}.")
        if not 0.0 <= self.threshold <= 1.0:
            raise HistoalignError(f"The threshold is a probability between 0 and 1; got {self.threshold}.")
        if not 0.0 <= self.min_tissue <= 1.0:
            raise HistoalignError(f"The least tissue share lies between 0 and 1; got {self.min_tissue}.")
        if self.batch < 1:
            raise HistoalignError(f"A batch holds at least one tile; got {self.batch}.")
