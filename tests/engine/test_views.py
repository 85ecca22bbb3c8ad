"""Views are the tile as it is, turned, mirrored or magnified."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histoalign.engine import VIEWS
from napari_histoalign.engine.views import FIVE_CROPS, check_image_views, fields_of, make_view
from napari_histoalign.errors import AlignmentError

IMAGES = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("full", (0, 1)),
        ("hflip", (0, 2)),
        ("vflip", (3, 1)),
        ("rot180", (3, 2)),
        ("rot90", (1, 3)),
        ("rot270", (2, 0)),
    ],
)
def test_the_first_rows_second_pixel_comes_from_where_it_should(name: str, place: tuple[int, int]) -> None:
    view = make_view(name, IMAGES)

    assert view.flags.c_contiguous
    np.testing.assert_array_equal(view[:, 0, 1], IMAGES[:, place[0], place[1]])


def test_the_centre_is_the_middle_half() -> None:
    np.testing.assert_array_equal(make_view("centre", IMAGES), IMAGES[:, 1:3, 1:3])


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("top-left", slice(0, 2), slice(0, 2)),
        ("top-right", slice(0, 2), slice(2, 4)),
        ("bottom-left", slice(2, 4), slice(0, 2)),
        ("bottom-right", slice(2, 4), slice(2, 4)),
    ],
)
def test_corners_are_quarters(name: str, rows: slice, columns: slice) -> None:
    np.testing.assert_array_equal(make_view(name, IMAGES), IMAGES[:, rows, columns])


def test_corners_of_odd_sides_cover_the_tile() -> None:
    odd = IMAGES[:, :3, :3]
    for name in FIVE_CROPS[1:]:
        assert make_view(name, odd).shape == (2, 2, 2, 3)


def test_views_that_are_no_crops_keep_every_pixel() -> None:
    for name in set(VIEWS) - set(FIVE_CROPS):
        assert sorted(make_view(name, IMAGES[:1]).ravel()) == sorted(IMAGES[:1].ravel())


def test_each_field_is_read_once() -> None:
    assert fields_of(("full", "hflip", "wide2", "zoom2", "wide4")) == (0.5, 1.0, 2.0, 4.0)


def test_an_image_by_itself_has_nothing_around_it() -> None:
    assert check_image_views(("full", "centre")) == ("full", "centre")
    with pytest.raises(AlignmentError, match="'wide2' is read from a slide"):
        check_image_views(("full", "wide2"))
