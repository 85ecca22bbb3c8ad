"""Fewer corners, within the tolerance, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outlines import valid
from shapely import MultiPolygon, Point, Polygon, box, get_num_coordinates, get_parts
from shapely.affinity import scale

from napari_histoalign.errors import ResultError
from qupath_bridge.simplification import simplified


def holes(outline: Polygon | MultiPolygon) -> list[int]:
    return sorted(len(part.interiors) for part in get_parts(outline))


@given(valid(), st.floats(0.1, 400), st.sampled_from([(0.25, 0.25), (0.5, 0.25), (1.0, 1.0)]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_parts_holes_place_and_area_stay(
    outline: Polygon | MultiPolygon, tolerance_um: float, mpp: tuple[float, float]
) -> None:
    fewer = simplified(outline, tolerance_um, mpp)

    assert fewer.is_valid
    assert holes(fewer) == holes(outline)
    assert abs(fewer.area - outline.area) <= 0.02 * outline.area
    assert get_num_coordinates(fewer) <= get_num_coordinates(outline)
    exact_um, fewer_um = (scale(o, *mpp, origin=(0, 0)) for o in (outline, fewer))
    assert exact_um.boundary.hausdorff_distance(fewer_um.boundary) <= tolerance_um * 1.001


def test_a_round_outline_loses_most_of_its_corners() -> None:
    disc = Point(500, 500).buffer(400, quad_segs=200)

    fewer = simplified(disc, 2.0, (0.5, 0.5))

    assert get_num_coordinates(fewer) < 0.1 * get_num_coordinates(disc)
    assert disc.boundary.hausdorff_distance(fewer.boundary) <= 4.0 + 1e-6


def test_the_tolerance_is_a_length_on_the_glass() -> None:
    notched = Polygon([(0, 0), (500, 0), (500, 400), (250, 394), (0, 400)])  # a notch of 6 px

    assert get_num_coordinates(simplified(notched, 1.0, (0.25, 0.25))) == 6
    assert get_num_coordinates(simplified(notched, 2.0, (0.25, 0.25))) == 5
    assert get_num_coordinates(simplified(notched, 2.0, (1.0, 1.0))) == 6


def test_a_hole_smaller_than_the_tolerance_stays() -> None:
    outline = Polygon(box(0, 0, 900, 900).exterior.coords, [box(400, 400, 402, 402).exterior.coords])

    assert holes(simplified(outline, 100.0, (0.5, 0.5))) == [1]


def test_what_cannot_lose_a_corner_stays_as_it_was() -> None:
    tile = box(0, 0, 224, 224)

    assert simplified(tile, 1000.0, (0.5, 0.5)).equals(tile)
    assert simplified(tile, 0.0, None) is tile


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_no_length_is_a_sentence(tolerance: float) -> None:
    with pytest.raises(ResultError, match="is no length"):
        simplified(box(0, 0, 9, 9), tolerance, (0.5, 0.5))


def test_without_the_size_of_a_pixel_it_says_what_to_do() -> None:
    with pytest.raises(ResultError, match="how large a pixel is"):
        simplified(box(0, 0, 9, 9), 2.0, None)
