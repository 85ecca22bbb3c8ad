"""Views are the tile as it is, turned, mirrored or magnified."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histoalign.engine import VIEWS
from napari_histoalign.engine.views import make_view

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


def test_all_views_but_the_magnified_one_keep_every_pixel() -> None:
    for name in set(VIEWS) - {"centre"}:
        assert sorted(make_view(name, IMAGES[:1]).ravel()) == sorted(IMAGES[:1].ravel())
