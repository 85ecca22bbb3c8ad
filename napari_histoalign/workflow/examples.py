"""Examples for few-shot from drawn areas: QuPath's annotations, or any GeoJSON with classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine import MarkedTiles
from napari_histoalign.errors import GeoJSONError
from qupath_bridge import read_geojson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_histoalign.slides import Slide, TileGrid


@dataclass(frozen=True, eq=False)
class ReadExamples:
    """Examples of a file.

    Attributes
    ----------
    tiles
        With one group an area.
    notes
        What was left out and why, as sentences.
    """

    tiles: MarkedTiles
    notes: tuple[str, ...]


def read_examples(path: Path, slide: Slide, grid: TileGrid, class_names: Sequence[str]) -> ReadExamples:
    """Tiles within annotated areas, with the area's class.

    A tile belongs to an area if its centre lies in it (an area smaller than that gets the tiles it touches).
    Classes are compared without regard to capitals. Left out, with a note: areas without a class or with one
    that the prompt set lacks, and tiles that lie in areas of two classes.

    Parameters
    ----------
    path
        GeoJSON in QuPath's coordinates, which start at the slide's bounds.
    slide, grid
        Where the tiles are.
    class_names
        Classes of the prompt set.

    Raises
    ------
    GeoJSONError
        The file cannot be read, or holds no area of any of the classes on this slide.
    """
    found = read_geojson(path, bounds_offset=slide.bounds[:2], kinds=("annotation",))
    known = {name.casefold(): c for c, name in enumerate(class_names)}
    labels: dict[int, int] = {}
    groups: dict[int, str] = {}
    twice: set[int] = set()
    unknown: dict[str, int] = {}
    for number, annotation in enumerate(found.annotations, start=1):
        if annotation.stands_for_a_run or not annotation.geometry.area > 0:
            continue
        label = known.get((annotation.class_name or "").casefold())
        if label is None:
            name = annotation.class_name or "none"
            unknown[name] = unknown.get(name, 0) + 1
            continue
        for tile in grid.inside(annotation.geometry).tolist():
            if labels.setdefault(tile, label) != label:
                twice.add(tile)
            groups.setdefault(tile, f"area {number}")
    kept = sorted(set(labels) - twice)
    notes = list(found.errors)
    if unknown:
        listed = ", ".join(f"{name} ({count})" for name, count in unknown.items())
        notes.append(
            f"{path.name}: areas of these classes are no examples, as the prompt set lacks them: {listed}."
        )
    if twice:
        notes.append(f"{path.name}: {len(twice)} tiles lie in areas of two classes and are no examples.")
    if not kept:
        why = f" {notes[0]}" if notes else ""
        raise GeoJSONError(
            f"{path} holds no example on {slide.path.name}: no annotated area of the classes "
            f"{', '.join(class_names)}.{why}"
        )
    tiles = MarkedTiles(
        np.array(kept, np.int64),
        np.array([labels[tile] for tile in kept], np.int64),
        [groups[tile] for tile in kept],
    )
    return ReadExamples(tiles, tuple(notes))
