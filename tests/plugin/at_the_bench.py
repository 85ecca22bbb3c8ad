"""Steps of tests that work on a real bench: areas of the drawn slide, and jobs gone through by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_histoalign.plugin.jobs import Area, Report, Scoring, Setup, Snapshot, Step
from napari_histoalign.workflow.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari_histoalign.plugin.bench import Bench

WHOLE = Area(Place())
GLASS = Area(Place(region=(1880, 1880, 160, 160)))
UPPER = Area(Place(region=(448, 0, 1120, 672)))
LOWER = Area(Place(region=(448, 1120, 1120, 448)))
AHEAD = 2 * 6
"""Tiles that readers may have in hand, at two a batch: four readers' batches, and one more at each end."""


def embed(bench: Bench, setup: Setup, *areas: Area) -> list[Report]:
    """Embed areas to the end."""
    for area in areas:
        bench.want(area)
    return list(bench.embed(setup))


def until_embedded(job: Iterator[Report]) -> list[int]:
    """Go on with a job until tiles come out of it; returns them."""
    return next(found for found in map(tiles_in, job) if found)


def tiles_of(reports: Iterable[Report]) -> list[int]:
    """All tiles that came out, in order."""
    return [tile for report in reports for tile in tiles_in(report)]


def tiles_in(report: Report) -> list[int]:
    """Tiles that a step embedded."""
    return report.progress.indices.tolist() if isinstance(report, Step) else []


def snapshot(bench: Bench, scoring: Scoring) -> Snapshot:
    """Scores of what is embedded."""
    (found,) = bench.score(lambda: scoring)
    assert isinstance(found, Snapshot)
    return found
