"""Any outline goes out, is opened by every version, and comes back where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from outlines import drawn_by_hand, valid
from qupath_rules import check_file
from qupath_versions import SUPPORTED, open_in
from shapely import make_valid
from shapely.affinity import translate
from written import RUN, region

from qupath_bridge import read_geojson, write_regions

if TYPE_CHECKING:
    from shapely import Polygon

OFFSETS = st.tuples(st.integers(0, 20_000), st.integers(0, 20_000))
MOVED = 0.001
"""Farthest that rounding moves a corner, in pixels (half of the last place in x and in y)."""


@given(valid(), OFFSETS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_outlines_come_back_where_they_were(
    tmp_path_factory: Any, outline: Polygon, offset: tuple[int, int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "trip.geojson"

    notes = write_regions(path, [region(outline)], bounds_offset=offset, **RUN)
    back = read_geojson(path, bounds_offset=offset)

    assert notes == back.errors == ()
    (found,) = back.annotations
    assert found.geometry.symmetric_difference(outline).area <= outline.length * MOVED
    check_file(path.read_text(encoding="utf-8"))
    in_qupath = translate(outline, -offset[0], -offset[1])
    for version in SUPPORTED:
        (seen,) = open_in(path.read_bytes(), version)
        assert seen.geometry.symmetric_difference(in_qupath).area <= outline.length * MOVED


@given(drawn_by_hand())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_what_hands_draw_goes_out_as_what_it_encloses(tmp_path_factory: Any, drawn: Polygon) -> None:
    enclosed = make_valid(drawn).area
    assume(enclosed > 1)
    path = tmp_path_factory.getbasetemp() / "hand.geojson"

    notes = write_regions(path, [region(drawn, area_um2=None)], **RUN)

    assert len(notes) == (0 if drawn.is_valid else 1)
    for version in SUPPORTED:
        (seen,) = open_in(path.read_bytes(), version)
        assert abs(seen.geometry.area - enclosed) <= drawn.length * MOVED


@given(valid(), st.floats(0.5, 60), OFFSETS)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_simplified_outlines_keep_their_ids_and_their_numbers(
    tmp_path_factory: Any, outline: Polygon, tolerance: float, offset: tuple[int, int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "fewer.geojson"
    about = {"bounds_offset": offset, **RUN}
    write_regions(path, [region(outline)], **about)
    (exact,) = read_geojson(path, bounds_offset=offset).annotations

    write_regions(path, [region(outline)], simplify_um=tolerance, mpp=(0.5, 0.5), **about)
    (fewer,) = read_geojson(path, bounds_offset=offset).annotations

    assert (fewer.identity, fewer.measurements) == (exact.identity, exact.measurements)
    check_file(path.read_text(encoding="utf-8"))
