"""How much of a slide each class covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.results.probability_map import ProbabilityMap

if TYPE_CHECKING:
    from napari_histoalign.results.scores import TileScores

UM2_PER_MM2 = 1_000_000.0


@dataclass(frozen=True)
class ClassArea:
    """What one class covers.

    Attributes
    ----------
    class_name
        The class.
    tiles
        Tiles in which it is the most probable class.
    area_px
        Their area on the slide in level-0 pixels, each tile counted as its stride cell.
    area_mm2
        The same in square millimetres; None without a physical pixel size.
    """

    class_name: str
    tiles: int
    area_px: float
    area_mm2: float | None


def area_by_class(
    scores: ProbabilityMap | TileScores,
    slide_size: tuple[int, int],
    mpp: tuple[float, float] | None,
) -> tuple[ClassArea, ...]:
    """Tiles and area of each class, background included.

    Overlapping tiles are not counted twice: each stands for the square of one
    stride in its middle, cut to the slide. No threshold applies.

    Parameters
    ----------
    scores
        A map, or tiles.
    slide_size
        (width, height) in level-0 pixels.
    mpp
        Micrometres per level-0 pixel in x and y, if known.

    Returns
    -------
    tuple of ClassArea
        In the order of the classes.
    """
    classes = len(scores.class_names)
    if isinstance(scores, ProbabilityMap):
        x, y = scores.edges(slide_size)
        label, cells = scores.label_map().ravel(), np.outer(np.diff(y), np.diff(x)).ravel()
        label, cells = label[label >= 0], cells[label >= 0]
    else:
        start = scores.xy + (scores.tile_px - scores.stride_px) / 2
        stop = np.minimum(start + scores.stride_px, slide_size)
        sides = np.maximum(stop - np.maximum(start, 0), 0)
        label, cells = scores.label, sides.prod(axis=1)
    tiles = np.bincount(label, minlength=classes)
    areas = np.bincount(label, cells, minlength=classes)
    return tuple(
        ClassArea(
            class_name=name,
            tiles=int(tiles[i]),
            area_px=float(areas[i]),
            area_mm2=None if mpp is None else float(areas[i] * mpp[0] * mpp[1] / UM2_PER_MM2),
        )
        for i, name in enumerate(scores.class_names)
    )
