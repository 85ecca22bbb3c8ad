"""What a scored slide left in its folder, as objects for a QuPath project."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import ResultError
from napari_histoalign.results import Run
from napari_histoalign.results.tables import read_tiles_table
from qupath_bridge import read_geojson
from qupath_bridge.features import PREFIX, origin_of
from qupath_bridge.projects import ProjectObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_histoalign.results import TileScores

BLOCK_ROWS = 2048
"""Tiles turned into Python numbers at a time."""


@dataclass(frozen=True)
class ResultSlide:
    """The slide of a result.

    Attributes
    ----------
    folder
        Of the result.
    run_id
        Identity of the run.
    file, fingerprint
        Name of the slide's file, and what tells it from others.
    size, bounds
        Of level 0, and (x, y, width, height) within it that QuPath shows.
    """

    folder: Path
    run_id: str
    file: str
    fingerprint: str
    size: tuple[int, int]
    bounds: tuple[int, int, int, int]

    def offset_for(self, seen: tuple[int, int] | None) -> tuple[int, int]:
        """Corner of QuPath's coordinates in level-0 pixels, by the size of the image that QuPath sees.

        QuPath shows what lies within the slide's bounds; another reader than OpenSlide shows all of it.
        """
        return (0, 0) if seen == self.size else self.bounds[:2]

    def size_with(self, offset: tuple[int, int]) -> tuple[int, int]:
        """Size of the image with coordinates that start there."""
        return self.bounds[2:] if offset == self.bounds[:2] else self.size


def result_slide(folder: Path) -> ResultSlide:
    """Read which slide a result is of.

    Raises
    ------
    ResultError
        There is no result, or it is damaged.
    """
    run = Run.read(folder / "run.json")
    try:
        slide = run.slide
        width, height = (int(n) for n in slide["dimensions"])
        x, y, w, h = (int(n) for n in slide["bounds"])
        names = str(slide["file"]), str(slide["fingerprint"])
    except (KeyError, TypeError, ValueError) as err:
        raise ResultError(
            f"{folder / 'run.json'} does not describe its slide ({err}). Run it again."
        ) from err
    return ResultSlide(folder, run.run_id, *names, (width, height), (x, y, w, h))


def result_objects(slide: ResultSlide, offset: tuple[int, int], *, tiles: bool = True) -> list[ProjectObject]:
    """Regions as annotations and, if wanted, tiles.

    Parameters
    ----------
    slide
        See `result_slide`.
    offset
        Corner of QuPath's coordinates in level-0 pixels.
    tiles
        Whether tiles are wanted.

    Raises
    ------
    HistoalignError
        A file of the result is missing or damaged.
    """
    objects = list(_regions(slide, offset))
    if tiles:
        objects += _tiles(slide, read_tiles_table(slide.folder / "tiles.parquet"), offset)
    return objects


def _regions(slide: ResultSlide, offset: tuple[int, int]) -> Iterator[ProjectObject]:
    # the file's coordinates start at the bounds
    shift = slide.bounds[0] - offset[0], slide.bounds[1] - offset[1]
    for region in read_geojson(slide.folder / "regions.geojson", bounds_offset=shift).annotations:
        if region.class_name and region.identity and region.color:
            yield ProjectObject(
                uuid=region.identity,
                kind="annotation",
                class_name=region.class_name,
                color=region.color,
                geometry=region.geometry,
                measurements=region.measurements,
                metadata=region.metadata,
                name=region.name,
            )


def _tiles(slide: ResultSlide, scores: TileScores, offset: tuple[int, int]) -> Iterator[ProjectObject]:
    origin = origin_of(slide.fingerprint, slide.run_id)
    names = [f"{PREFIX}P({name})" for name in scores.class_names]
    side = scores.tile_px
    for start in range(0, len(scores), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        parts = (scores.xy[rows], scores.label[rows], scores.probabilities[rows], scores.margin[rows])
        for (x, y), label, values, margin in zip(*(part.tolist() for part in parts), strict=True):
            yield ProjectObject(
                uuid=str(uuid.uuid5(origin, f"tile {x} {y} {side}")),
                kind="tile",
                class_name=scores.class_names[label],
                color=scores.colors[label],
                rectangle=(x - offset[0], y - offset[1], side, side),
                measurements={**dict(zip(names, values, strict=True)), f"{PREFIX}margin": margin},
            )
