"""Outlines to GeoJSON and back; what leaves and what enters here is valid."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import ResultError

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon
    from shapely.geometry.base import BaseGeometry

DECIMALS = 3
"""Of coordinates in pixels."""
FARTHEST = 1e9
"""Largest coordinate believed, in pixels; the widest slides have a few million."""
AREAS = ("Polygon", "MultiPolygon")


def geometry_json(polygon: Polygon | MultiPolygon, offset: tuple[int, int]) -> dict[str, Any]:
    """An outline as GeoJSON, moved and rounded, outer rings counter-clockwise in GeoJSON's sense.

    Parameters
    ----------
    polygon
        Valid, in level-0 pixels.
    offset
        Subtracted from x and y.

    Raises
    ------
    ResultError
        The polygon is empty, invalid or not finite, which QuPath would refuse with the whole file.
    """
    import numpy as np
    import shapely
    from shapely.geometry.polygon import orient

    if polygon.is_empty or not polygon.is_valid:
        raise ResultError("A region's outline is empty or crosses itself and cannot be exported.")
    moved = shapely.transform(polygon, lambda xy: np.round(xy - np.asarray(offset, float), DECIMALS))
    if not moved.is_valid:  # rounding moved a corner onto another line
        exact = shapely.transform(polygon, lambda xy: xy - np.asarray(offset, float))
        moved = shapely.set_precision(exact, 10.0**-DECIMALS)
    parts = [
        [
            [[number(x, DECIMALS), number(y, DECIMALS)] for x, y in ring.coords]
            for ring in (part.exterior, *part.interiors)
        ]
        for part in (orient(p) for p in shapely.get_parts(moved) if p.area > 0)
    ]
    if not parts:
        raise ResultError(f"A region is narrower than {10.0**-DECIMALS} px and cannot be exported.")
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def made_valid(polygon: Polygon | MultiPolygon) -> tuple[Polygon | MultiPolygon, bool]:
    """What an outline encloses, and whether it had to be repaired, as one drawn by hand may.

    Raises
    ------
    ResultError
        A coordinate is not finite, or the outline encloses nothing.
    """
    import numpy as np
    import shapely

    if not np.isfinite(shapely.get_coordinates(polygon)).all():
        raise ResultError("A corner of a region's outline is not finite, and it cannot be exported.")
    valid = polygon.is_valid
    whole = polygon if valid else _areas(polygon)
    if not whole.area > 0:
        raise ResultError("A region's outline is empty or encloses nothing and cannot be exported.")
    return whole, not valid


def _areas(geometry: BaseGeometry) -> Polygon | MultiPolygon:
    """The areas that an outline encloses, without the lines that folded parts leave behind."""
    import shapely

    repaired = shapely.make_valid(geometry)
    return shapely.union_all([part for part in shapely.get_parts(repaired) if part.area > 0])


def geometry_from_json(plain: Any, offset: tuple[int, int]) -> tuple[BaseGeometry, bool]:
    """A GeoJSON geometry as a valid shapely one, moved.

    Parameters
    ----------
    plain
        As parsed from the file; anything.
    offset
        Added to x and y.

    Returns
    -------
    geometry
        Two-dimensional; an area stays an area.
    repaired
        Whether its outline crossed itself.

    Raises
    ------
    ValueError
        Saying why it cannot be used.
    """
    import numpy as np
    import shapely
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    if not isinstance(plain, Mapping) or not isinstance(plain.get("type"), str):
        raise ValueError("it has no geometry")
    try:
        with np.errstate(invalid="ignore"):  # what is not finite is refused below, in words
            geometry = shapely.force_2d(shape(plain))
    except (
        *(ValueError, TypeError, AttributeError, LookupError),  # raised for malformed coordinates
        *(OverflowError, RecursionError, ShapelyError),
    ) as err:
        raise ValueError(f"its geometry cannot be read ({err})") from err
    coordinates = shapely.get_coordinates(geometry)
    if not len(coordinates):
        raise ValueError("its geometry is empty")
    if not (np.abs(coordinates) <= FARTHEST).all():  # written so that NaN fails too
        raise ValueError("a coordinate is not finite or lies outside any slide")
    if any(offset):
        geometry = shapely.transform(geometry, lambda xy: xy + np.asarray(offset, float))
    if geometry.is_valid:
        return geometry, False
    if geometry.geom_type not in AREAS:
        return shapely.make_valid(geometry), True
    repaired = _areas(geometry)
    if repaired.is_empty:
        raise ValueError("its outline encloses nothing")
    return repaired, True


def number(value: float, digits: int = 6) -> float | int:
    """A finite number, rounded; whole ones as integers.

    Raises
    ------
    ResultError
        The value is not finite, which JSON cannot hold.
    """
    if not isfinite(value):
        raise ResultError(f"A measurement is {value}, which GeoJSON cannot hold.")
    rounded = round(float(value), digits)
    return int(rounded) if rounded.is_integer() else rounded
