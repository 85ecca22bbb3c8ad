"""One slide from file to files: open, find tissue, embed, score, write."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine import Analysis
from napari_histoalign.slides import TileGrid, open_slide
from napari_histoalign.workflow.examples import read_examples
from napari_histoalign.workflow.export import write_both
from napari_histoalign.workflow.place import Place, choose_tiles
from qupath_bridge import roi_geometry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_histoalign.encoders import Encoder
    from napari_histoalign.engine import Progress
    from napari_histoalign.workflow.settings import RunSettings
    from napari_histoalign.workflow.summary import RunSummary


def run_slide(
    path: Path,
    folder: Path,
    settings: RunSettings,
    encoders: Sequence[Encoder],
    *,
    region: tuple[float, float, float, float] | None = None,
    roi: Path | None = None,
    examples: Path | None = None,
    slide_mpp: float | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RunSummary | None:
    """Score one slide and write its results.

    Embeddings are stored as they come, so that a run which was stopped goes on from there
    when it is called again.

    Parameters
    ----------
    path, folder
        The slide, and where its results go (made if absent).
    settings, encoders
        How it is scored; `encoders` are those that `settings` names, loaded.
    region
        Only this rectangle (x, y, width, height) in level-0 pixels.
    roi
        Only inside the areas of this GeoJSON file, in QuPath's coordinates (which start at the
        slide's bounds). Every tile there is scored, tissue or not.
    examples
        GeoJSON file of areas on this slide whose class is told, for few-shot and calibration: see
        `napari_histoalign.workflow.examples.read_examples`. Their tiles are scored as well.
    slide_mpp
        Micrometre per level-0 pixel, in place of what the slide says.
    on_progress
        Called after each batch.
    cancelled
        Asked between forward passes; True ends the run.

    Returns
    -------
    RunSummary or None
        None if it was cancelled; then nothing is written.

    Raises
    ------
    HistoalignError
        The slide cannot be read, has no tissue there, or results cannot be written.
    """
    started = time.monotonic()
    with open_slide(path, mpp=slide_mpp) as slide:
        grid = TileGrid.over(slide, mpp=settings.mpp, tile=settings.tile, stride=settings.stride)
        area = None if roi is None else roi_geometry(roi, bounds_offset=slide.bounds[:2])
        choice = choose_tiles(
            slide,
            grid,
            Place(region=region, roi=area),
            min_tissue=settings.min_tissue,
            tissue_threshold=settings.tissue_threshold,
        )
        marked = None
        if examples is not None:
            marked = read_examples(examples, slide, grid, settings.prompts.class_names)
            choice = replace(choice, indices=np.union1d(choice.indices, marked.tiles.indices))
        found = time.monotonic()
        with Analysis(slide, encoders, grid, views=settings.views) as analysis:
            reused = len(choice.indices) - len(analysis.missing(choice.indices))
            for progress in analysis.embed(choice.indices, batch=settings.batch, cancelled=cancelled):
                on_progress(progress)
            if cancelled():
                return None
            embedded = time.monotonic()
            indices = np.intersect1d(choice.indices, analysis.embedded(), assume_unique=True)
            scored = analysis.score(indices, settings.prompts, settings.alignment)
            if marked is not None:
                scored = replace(scored, notes=(*scored.notes, *marked.notes))
            refined = None
            if settings.refinement.asked:
                refined = scored.refined(settings.refinement, None if marked is None else marked.tiles)
            scored_at = time.monotonic()
            seconds = {
                "tissue": found - started,
                "embedding": embedded - found,
                "scoring": scored_at - embedded,
            }
            return write_both(
                folder,
                analysis,
                scored,
                refined,
                threshold=settings.threshold,
                tissue=choice.tissue,
                wanted_mpp=settings.mpp,
                seconds=seconds,
                reused=reused,
            )
