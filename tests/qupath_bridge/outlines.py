"""Random outlines: with holes, of several parts, drawn by hand, and of tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import assume
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box, get_parts, union_all

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

PLACES = st.floats(0, 5000, allow_nan=False)
SIZES = st.floats(5, 900)


def areas(geometry: BaseGeometry) -> Polygon | MultiPolygon:
    """The areas in a geometry; discards what has none."""
    found = [p for p in get_parts(geometry) if p.geom_type == "Polygon" and p.area > 1]
    assume(found)
    return found[0] if len(found) == 1 else MultiPolygon(found)


@st.composite
def discs(draw: st.DrawFn) -> Polygon | MultiPolygon:
    """Discs, from which others are cut."""
    drawn = draw(st.lists(st.tuples(PLACES, PLACES, SIZES, st.booleans()), min_size=1, max_size=12))
    kept = union_all([Point(x, y).buffer(r) for x, y, r, _ in drawn])
    cut = union_all([Point(x, y).buffer(r / 3) for x, y, r, hole in drawn if hole])
    return areas(kept.difference(cut))


@st.composite
def tiles(draw: st.DrawFn) -> Polygon | MultiPolygon:
    """Neighbouring and not neighbouring tiles of a grid."""
    cells = draw(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=50))
    return areas(union_all([box(x * 224, y * 224, x * 224 + 224, y * 224 + 224) for x, y in cells]))


def drawn_by_hand() -> st.SearchStrategy[Polygon]:
    """Corners in any order: most of these cross themselves."""
    corners = st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=15, unique=True)
    return corners.map(Polygon)


def valid() -> st.SearchStrategy[Polygon | MultiPolygon]:
    """Outlines that cross themselves nowhere."""
    return discs() | tiles()
