"""The six files of a scored slide, each whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import replace
from math import isnan
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import ResultError
from napari_histoalign.results import (
    ProbabilityMap,
    area_by_class,
    regions_from_map,
    write_overlay,
    write_probability_zarr,
    write_tiles_table,
)
from napari_histoalign.workflow.provenance import identity, provenance
from napari_histoalign.workflow.summary import ClassSummary, RunSummary
from napari_histoalign.workflow.whole_slide import whole_slide
from qupath_bridge import mean_in_regions, write_regions, write_tiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_histoalign.alignment import PromptSet
    from napari_histoalign.engine import Analysis, Scored
    from napari_histoalign.results import Region
    from napari_histoalign.slides import TissueMask

OVERLAY_PX = 2048
"""Longer side of the overlay picture."""
FILES = (
    "tiles.parquet",
    "probabilities.zarr",
    "regions.geojson",
    "tiles.geojson",
    "overlay.png",
    "run.json",
)
"""What a scored slide leaves in its folder."""
REFINED = "refined"
"""Folder of refined scores within that folder: they are reported apart from those of tiles on their own."""
SHOWN_WORDS = 8
"""Unknown words of the prompts that a note names."""


def write_both(
    folder: Path,
    analysis: Analysis,
    scored: Scored,
    refined: Scored | None,
    *,
    threshold: float = 0.5,
    tissue: TissueMask | None = None,
    wanted_mpp: float | None = None,
    seconds: Mapping[str, float] | None = None,
    reused: int = 0,
) -> RunSummary:
    """Write scores as each tile was judged for itself and, apart from them, what a refinement made of them.

    The latter go to the folder `REFINED` within; one of an earlier run there is taken away where there is
    none now. Parameters and errors as for `write_results`.
    """
    about: dict[str, Any] = {
        "threshold": threshold,
        "tissue": tissue,
        "wanted_mpp": wanted_mpp,
        "seconds": seconds,
        "reused": reused,
    }
    summary = write_results(folder, analysis, scored, **about)
    if refined is None or not refined.steps:
        _remove_refined(folder / REFINED)
        # what could not be done is said, even where nothing could
        more = () if refined is None else refined.notes
        return replace(summary, notes=tuple(dict.fromkeys((*summary.notes, *more))))
    return replace(summary, refined=write_results(folder / REFINED, analysis, refined, **about))


def _remove_refined(folder: Path) -> None:
    """Take away the results of an earlier refinement, and nothing else that lies there."""
    for name in FILES:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty, or not there
        folder.rmdir()


def write_results(
    folder: Path,
    analysis: Analysis,
    scored: Scored,
    *,
    threshold: float = 0.5,
    tissue: TissueMask | None = None,
    wanted_mpp: float | None = None,
    seconds: Mapping[str, float] | None = None,
    reused: int = 0,
) -> RunSummary:
    """Write tiles, probabilities, regions, overlay and provenance of a scored slide.

    Parameters
    ----------
    folder
        Where to; made if absent. Files of an earlier run there are replaced, each in one step;
        ``run.json`` comes last.
    analysis, scored
        The slide with its embeddings, and the scores to write.
    threshold
        Least probability of a tile that becomes part of a region.
    tissue
        The mask that chose the tiles.
    wanted_mpp
        Micrometre per tile pixel that was asked for.
    seconds
        Time of each step so far.
    reused
        Tiles that had been embedded before.

    Returns
    -------
    RunSummary
        What was written, for a table or JSON.

    Raises
    ------
    ResultError
        Nothing was scored, or the folder cannot be written.
    """
    started = time.monotonic()
    slide, grid, tiles = analysis.slide, analysis.grid, scored.tiles
    if not len(scored.indices):
        raise ResultError(f"No tile of {slide.path.name} was scored, so there is nothing to write.")
    run_id = identity(analysis, scored)
    probabilities = ProbabilityMap.from_tiles(tiles, grid.origin, grid.columns, grid.rows)
    regions = regions_from_map(
        probabilities, roles=tiles.roles, threshold=threshold, slide_size=slide.dimensions, mpp=slide.mpp
    )
    notice = " ".join(dict.fromkeys(e.spec.notice for e in analysis.encoders if e.spec.notice)) or None
    about = {"run": run_id, **({"notice": notice} if notice else {})}
    files = {name: folder / name for name in FILES}
    x, y = slide.bounds[:2]
    # one pair of encoders has nobody to contradict it
    spread = scored.disagreement() if len(scored.scores.parts) > 1 else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_tiles_table(files["tiles.parquet"], tiles, about=about)
        write_probability_zarr(files["probabilities.zarr"], probabilities, mpp=slide.mpp, about=about)
        write_regions(
            files["regions.geojson"],
            regions,
            run_id=run_id,
            slide_fingerprint=slide.fingerprint,
            bounds_offset=(x, y),
            notice=notice,
            disagreement=None if spread is None else mean_in_regions(regions, tiles, spread),
        )
        write_tiles(
            files["tiles.geojson"],
            tiles,
            run_id=run_id,
            slide_fingerprint=slide.fingerprint,
            bounds_offset=(x, y),
            notice=notice,
            disagreement=spread,
        )
        write_overlay(
            files["overlay.png"],
            slide.thumbnail(OVERLAY_PX),
            probabilities,
            scored.prompts.overlay_class,
            slide_size=slide.dimensions,
            mpp=slide.mpp,
            notice=notice,
        )
    except OSError as err:
        raise ResultError(
            f"Results could not be written to {folder} ({err.strerror or err}). Check that the folder can be "
            "written and has room. The embeddings are kept, so that running again takes little time."
        ) from err
    taken = {**(seconds or {}), "writing": time.monotonic() - started}
    fresh = len(scored.indices) - reused
    drawn = tissue is None or isnan(tissue.threshold)
    summary = RunSummary(
        slide=slide.path,
        folder=folder,
        files=files,
        tiles=len(scored.indices),
        reused=reused,
        unread=len(analysis.unread),
        tissue_share=None if tissue is None or drawn else tissue.area_share,
        classes=_classes(probabilities, tiles.roles, regions, slide.dimensions, slide.mpp),
        tiles_per_second=fresh / taken["embedding"] if fresh > 0 and taken.get("embedding") else None,
        seconds=sum(taken.values()),
        mpp=grid.mpp,
        notes=(*_notes(analysis, scored.prompts), *scored.notes),
        steps=scored.steps,
        whole_slide=whole_slide(scored, threshold),
    )
    provenance(
        run_id,
        analysis,
        scored,
        summary,
        threshold=threshold,
        tissue=tissue,
        wanted_mpp=wanted_mpp,
        seconds=taken,
    ).write(files["run.json"])
    return summary


def _classes(
    probabilities: ProbabilityMap,
    roles: Sequence[str],
    regions: Sequence[Region],
    slide_size: tuple[int, int],
    mpp: tuple[float, float] | None,
) -> tuple[ClassSummary, ...]:
    """Tiles, area and regions of each class."""
    return tuple(
        ClassSummary(
            name=area.class_name,
            tiles=area.tiles,
            area_mm2=area.area_mm2,
            regions=None if role == "background" else sum(r.class_name == area.class_name for r in regions),
        )
        for area, role in zip(area_by_class(probabilities, slide_size, mpp), roles, strict=True)
    )


def _notes(analysis: Analysis, prompts: PromptSet) -> tuple[str, ...]:
    """What a person should know about these results."""
    notes = list(dict.fromkeys(e.spec.notice for e in analysis.encoders if e.spec.notice))
    if analysis.slide.mpp is None:
        notes.append(
            "The slide does not say how large a pixel is: tiles were cut at level 0 and areas are unknown. "
            "Give the size with --slide-mpp or in the dock's field."
        )
    elif analysis.slide.mpp_source == "given":
        notes.append(f"The size of a pixel, {analysis.slide.mpp[0]:g} um, was given by hand.")
    if analysis.unread:
        notes.append(f"{len(analysis.unread)} tiles could not be read and are left out.")
    if unknown := analysis.unknown_words(prompts):
        shown = ", ".join(unknown[:SHOWN_WORDS]) + (" and others" if len(unknown) > SHOWN_WORDS else "")
        notes.append(f"No encoder knows these words of the prompts: {shown}.")
    return tuple(notes)
