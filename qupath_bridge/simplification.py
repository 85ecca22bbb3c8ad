"""Outlines with fewer corners, within a tolerance that is given in micrometre."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from napari_histoalign.errors import ResultError

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

MOST_AREA = 0.02
"""Share of its area that an outline may gain or lose."""
ATTEMPTS = 4
"""Tolerances that are tried, each half of the one before."""
SLACK = 1e-6
"""Of distances, relative: rounding in the last places."""


def simplified(
    polygon: Polygon | MultiPolygon, tolerance_um: float, mpp: tuple[float, float] | None
) -> Polygon | MultiPolygon:
    """An outline with fewer corners; parts, holes and (nearly) the area stay.

    Douglas and Peucker's method (Cartographica 10, 1973) in the form that keeps rings from crossing (GEOS's
    topology-preserving simplifier). What comes out is measured. Where it is further from the outline than
    the tolerance, lacks a ring, or differs by more than `MOST_AREA` in area, half the tolerance is tried, and
    so on; in the end the outline stays as it was.

    Parameters
    ----------
    polygon
        Valid, in level-0 pixels.
    tolerance_um
        Farthest that the outline may move, in micrometre; 0 leaves it alone.
    mpp
        Micrometres per level-0 pixel in x and y.

    Raises
    ------
    ResultError
        The tolerance is no length, or the size of a pixel is not known.
    """
    import numpy as np
    import shapely

    if not (isfinite(tolerance_um) and tolerance_um >= 0):
        raise ResultError(f"A tolerance of {tolerance_um} um is no length. Give 0 or more.")
    if tolerance_um == 0:
        return polygon
    if mpp is None:
        raise ResultError(
            "Outlines cannot be simplified to micrometres: the slide does not say how large a pixel is. "
            "Give its size, or leave the outlines as they are (a tolerance of 0)."
        )
    scale = np.asarray(mpp, float)
    exact = shapely.transform(polygon, lambda xy: xy * scale)
    for attempt in range(ATTEMPTS):
        tolerance = tolerance_um / 2**attempt
        fewer = exact.simplify(tolerance, preserve_topology=True)
        if _same_shape(exact, fewer, tolerance):
            back: Polygon | MultiPolygon = shapely.transform(fewer, lambda xy: xy / scale)
            if back.is_valid:
                return back
    return polygon


def rings(polygon: Polygon | MultiPolygon) -> list[int]:
    """Number of holes of each part, sorted: what a simplification must not change."""
    import shapely

    return sorted(int(shapely.get_num_interior_rings(part)) for part in shapely.get_parts(polygon))


def _same_shape(exact: Polygon | MultiPolygon, fewer: Polygon | MultiPolygon, tolerance: float) -> bool:
    """Whether a simplified outline still stands for the exact one."""
    return bool(
        fewer.is_valid
        and rings(fewer) == rings(exact)
        and abs(fewer.area - exact.area) <= MOST_AREA * exact.area
        and farthest(exact, fewer) <= tolerance * (1 + SLACK)
    )


def farthest(exact: Polygon | MultiPolygon, fewer: Polygon | MultiPolygon) -> float:
    """Largest distance of a corner of an outline from the one that has some of its corners.

    That bounds the Hausdorff distance of the two lines: along an edge the distance from a segment is largest
    at an end, and what a segment replaces begins and ends with it.
    """
    import numpy as np
    import shapely

    lines = shapely.get_rings(shapely.get_parts(fewer))
    corners, ring = shapely.get_coordinates(lines, return_index=True)
    inside = np.flatnonzero(np.diff(ring) == 0)
    tree = shapely.STRtree(shapely.linestrings(np.stack([corners[inside], corners[inside + 1]], axis=1)))
    points = shapely.points(shapely.get_coordinates(exact))
    return float(tree.query_nearest(points, all_matches=False, return_distance=True)[1].max())
