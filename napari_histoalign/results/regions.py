"""Neighbouring tiles of one class, merged to the regions that a person reviews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import ResultError
from napari_histoalign.results.outlines import outlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import MultiPolygon, Polygon

    from napari_histoalign.results.probability_map import ProbabilityMap

BACKGROUND = "background"


@dataclass(frozen=True)
class Region:
    """One connected region of a class.

    Attributes
    ----------
    class_name, color
        Its class and the class's ``#rrggbb``.
    polygon
        Outline in level-0 pixels, with holes, within the slide.
    probability, margin
        Mean over its tiles of the class's probability, and of its lead over the second class.
    area_px, area_um2
        In level-0 pixels and square micrometres; the latter None without a physical pixel size.
    tiles
        Tiles merged.
    review
        What a person said of it.
    """

    class_name: str
    color: str
    polygon: Polygon | MultiPolygon
    probability: float
    area_px: float
    area_um2: float | None
    tiles: int
    margin: float
    review: str = "unreviewed"


def regions_from_map(
    map: ProbabilityMap,
    *,
    roles: Sequence[str],
    threshold: float = 0.5,
    slide_size: tuple[int, int],
    mpp: tuple[float, float] | None = None,
) -> list[Region]:
    """Merge neighbouring map pixels of one class to regions.

    A pixel counts for the class that is most probable there, if its probability
    reaches the threshold. Pixels that share a side are merged; those that only
    share a corner are not. What overhangs the slide is cut off.

    Parameters
    ----------
    map
        The probabilities.
    roles
        One a class; classes with the role ``background`` have no regions.
    threshold
        Least probability, 0..1, inclusive.
    slide_size
        (width, height) in level-0 pixels.
    mpp
        Micrometres per level-0 pixel in x and y, if known.

    Returns
    -------
    list of Region
        By class in the order of the map, then the largest first, then from the top left.

    Raises
    ------
    ResultError
        The roles do not match the classes, or the threshold is not between 0 and 1.
    """
    if len(roles) != len(map.class_names):
        raise ResultError(f"{len(map.class_names)} classes need as many roles, not {len(roles)}.")
    if not 0.0 <= threshold <= 1.0:
        raise ResultError(f"The threshold must lie between 0 and 1, not {threshold}.")
    x, y = map.edges(slide_size)
    widths, heights = np.diff(x), np.diff(y)
    label = np.where(np.outer(heights, widths) > 0, map.label_map(), -1)
    probability = np.nan_to_num(map.data, nan=0.0).max(axis=0)
    label[probability < float(threshold)] = -1
    label[np.isin(label, [i for i, role in enumerate(roles) if role == BACKGROUND])] = -1
    components, classes = _components(label, len(roles))
    polygons = outlines(components, x, y)

    chosen = components >= 0
    members = components[chosen]
    tiles = np.bincount(members)
    areas = np.bincount(members, np.outer(heights, widths)[chosen])
    probabilities = _mean(members, probability[chosen], tiles)
    margins = _mean(members, map.margin_map()[chosen], tiles)
    regions = []
    for i in np.lexsort((np.arange(len(classes)), -areas, classes)):
        regions.append(
            Region(
                class_name=map.class_names[classes[i]],
                color=map.colors[classes[i]],
                polygon=polygons[i],
                probability=float(probabilities[i]),
                area_px=float(areas[i]),
                area_um2=None if mpp is None else float(areas[i] * mpp[0] * mpp[1]),
                tiles=int(tiles[i]),
                margin=float(margins[i]),
            )
        )
    return regions


def _components(label: NDArray[np.int64], classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the 4-connected components of all classes, and say the class of each."""
    from scipy import ndimage

    components = np.full(label.shape, -1, np.int64)
    owners: list[int] = []
    for i in range(classes):
        numbered, count = ndimage.label(label == i)
        inside = numbered > 0
        components[inside] = numbered[inside] + len(owners) - 1
        owners += [i] * count
    return components, np.asarray(owners, np.int64)


def _mean(members: NDArray[np.int64], values: NDArray[Any], tiles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of `values` in each component."""
    return np.bincount(members, values.astype(np.float64)) / tiles
