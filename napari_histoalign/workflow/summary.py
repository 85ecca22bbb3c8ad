"""What a finished slide comes to, for a table on the screen or a program that reads JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class ClassSummary:
    """One class on one slide.

    Attributes
    ----------
    name
        The class.
    tiles
        Tiles in which it is the most probable one.
    area_mm2
        Their area; None where the slide has no physical size.
    regions
        Merged regions above the threshold; None for background classes, which have none.
    """

    name: str
    tiles: int
    area_mm2: float | None
    regions: int | None


@dataclass(frozen=True)
class RunSummary:
    """One finished slide.

    Attributes
    ----------
    slide, folder
        The slide and where its results are.
    files
        The results by file name.
    tiles, reused, unread
        Tiles scored, those of them that had been embedded before, tiles that could not be read.
    tissue_share
        Share of the slide that is tissue; None where an ROI was given instead.
    classes
        One entry a class, in the order of the prompt set.
    tiles_per_second
        Read and embedded in this run; None if all had been embedded before.
    seconds
        The whole run, writing included.
    mpp
        Effective micrometre per tile pixel; None where the slide has no physical size.
    notes
        What the person should know, as sentences.
    whole_slide
        What the tiles say together: see `napari_histoalign.workflow.whole_slide.whole_slide`.
    steps
        What was done after each tile had been judged for itself, by name; empty for such scores.
    refined
        The same slide after a refinement, where one was asked for and something could be done.
    """

    slide: Path
    folder: Path
    files: dict[str, Path]
    tiles: int
    reused: int
    unread: int
    tissue_share: float | None
    classes: tuple[ClassSummary, ...]
    tiles_per_second: float | None
    seconds: float
    mpp: float | None
    notes: tuple[str, ...] = ()
    whole_slide: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    refined: RunSummary | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; paths as text."""
        plain = asdict(self)
        plain["slide"] = str(self.slide)
        plain["folder"] = str(self.folder)
        plain["files"] = {name: str(path) for name, path in self.files.items()}
        plain["refined"] = None if self.refined is None else self.refined.to_dict()
        return plain
