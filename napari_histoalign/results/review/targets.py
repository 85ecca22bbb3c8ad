"""What an act is about: a tile, or an outline with an identity."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_histoalign.errors import ResultError

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

TileKey: TypeAlias = tuple[str, int]
"""Key of the grid, and index of the tile in it."""
AREAS = {"Polygon": 3, "MultiPolygon": 4}
"""Geometries that are areas, and how deep their coordinates are nested."""


@dataclass(frozen=True)
class TileTarget:
    """A tile of a grid.

    Attributes
    ----------
    grid, index
        Key of the `TileGrid`, and number of the tile in it.
    xy, tile_px
        Top-left corner and side in level-0 pixels: the tile can be found without its grid.
    """

    grid: str
    index: int
    xy: tuple[int, int]
    tile_px: int

    def __post_init__(self) -> None:
        numbers = (self.index, *self.xy, self.tile_px)
        if not isinstance(self.grid, str) or not all(type(n) is int for n in numbers) or len(numbers) != 4:
            raise ResultError("A tile is named by the key of its grid and whole numbers.")
        if self.index < 0 or self.tile_px < 1:
            raise ResultError(f"There is no tile {self.index} of {self.tile_px} px.")

    @property
    def key(self) -> TileKey:
        """What tells it from other tiles."""
        return self.grid, self.index


@dataclass(frozen=True)
class AreaTarget:
    """A region of the model's, or an area that a person drew.

    Attributes
    ----------
    uuid
        Its identity, which stays when the outline changes.
    geometry
        GeoJSON Polygon or MultiPolygon in level-0 pixels, as it was when the act was done.
    """

    uuid: str
    geometry: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not isinstance(self.uuid, str) or not self.uuid:
            raise ResultError("A region or area needs an id.")
        object.__setattr__(self, "geometry", check_geometry(self.geometry))

    @classmethod
    def of(cls, polygon: Polygon | MultiPolygon, identity: str = "") -> AreaTarget:
        """From a shapely polygon in level-0 pixels; with a new id unless one is given."""
        return cls(identity or str(uuid.uuid4()), geometry_of(polygon))

    @property
    def key(self) -> str:
        """What tells it from others."""
        return self.uuid

    @property
    def polygon(self) -> Polygon | MultiPolygon:
        """The outline as shapely has it, valid; empty where it encloses nothing."""
        from shapely.geometry import shape

        return _valid(shape(self.geometry))


Target: TypeAlias = TileTarget | AreaTarget


def geometry_of(polygon: Polygon | MultiPolygon) -> dict[str, Any]:
    """A polygon as GeoJSON; one that crosses itself, as drawn by hand, as what it encloses.

    Raises
    ------
    ResultError
        It is no area, or encloses nothing.
    """
    from shapely.geometry import mapping

    if polygon.geom_type not in AREAS:
        raise ResultError(f"A {polygon.geom_type} is no outline of a region.")
    valid = _valid(polygon)
    if valid.is_empty:
        raise ResultError("The outline encloses nothing. Draw it again.")
    return check_geometry(mapping(valid))


def _valid(polygon: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    """The areas that a polygon encloses."""
    import shapely

    if polygon.is_valid:
        return polygon
    # repairing leaves lines where an outline folds back on itself
    areas = [part for part in shapely.get_parts(shapely.make_valid(polygon)) if part.area > 0]
    repaired: Polygon | MultiPolygon = shapely.union_all(areas) if areas else shapely.Polygon()
    return repaired


def check_geometry(value: Any) -> dict[str, Any]:
    """A GeoJSON area with lists for coordinates.

    Raises
    ------
    ResultError
        It is none.
    """
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in AREAS:
        raise ResultError("The outline of a region must be a GeoJSON Polygon or MultiPolygon.")
    return {"type": kind, "coordinates": _nested(value.get("coordinates"), AREAS[kind])}


def _nested(value: Any, depth: int) -> list[Any]:
    """Coordinates, `depth` lists deep: rings of at least four closed points of finite numbers."""
    if not isinstance(value, list | tuple) or not value:
        raise ResultError("The outline of a region is empty or malformed.")
    if depth > 1:
        parts = [_nested(part, depth - 1) for part in value]
        if depth == 2 and (len(parts) < 4 or parts[0] != parts[-1]):
            raise ResultError("The outline of a region is not closed.")
        return parts
    if len(value) < 2 or not all(type(n) in (int, float) and math.isfinite(n) for n in value):
        raise ResultError("The outline of a region has a point that is no pair of numbers.")
    return list(value[:2])


def target_to_plain(target: Target) -> dict[str, Any]:
    """As it stands in the log."""
    if isinstance(target, AreaTarget):
        return {"uuid": target.uuid, "geometry": target.geometry}
    return {"grid": target.grid, "index": target.index, "xy": list(target.xy), "tile_px": target.tile_px}


def target_from_plain(value: Any) -> Target:
    """What `target_to_plain` gave.

    Raises
    ------
    ResultError
        It is neither a tile nor an area.
    """
    try:
        if "uuid" in value:
            return AreaTarget(value["uuid"], value["geometry"])
        x, y = value["xy"]
        return TileTarget(value["grid"], value["index"], (x, y), value["tile_px"])
    except (TypeError, ValueError, KeyError) as err:
        raise ResultError("An act does not say which tile or region it is about.") from err
