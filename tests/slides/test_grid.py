"""Where the tiles are: the same for a view, a region and the whole slide."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.errors import SlideError
from napari_histoalign.slides import TileGrid, TissueMask

EIGHTHS = st.integers(-4000, 12_000).map(lambda n: n / 8)
"""Numbers with which the test can calculate exactly."""


def slide(width: int = 1000, height: int = 700, mpp=(0.25, 0.25), bounds=None) -> SimpleNamespace:
    """What a grid looks at of a slide."""
    return SimpleNamespace(dimensions=(width, height), mpp=mpp, bounds=bounds or (0, 0, width, height))


def corners(grid: TileGrid) -> np.ndarray:
    """Corners of all tiles, counted out one by one."""
    x, y = grid.origin
    s = grid.stride_px
    return np.array([(x + c * s, y + r * s) for r in range(grid.rows) for c in range(grid.columns)])


def test_tile_and_stride_are_in_pixels_of_the_wanted_resolution() -> None:
    grid = TileGrid.over(slide(10_000, 5_000, (0.2527, 0.2531)))
    assert (grid.tile_px, grid.stride_px, grid.input_px) == (443, 443, 224)
    assert grid.mpp == pytest.approx(443 * 0.2529 / 224)

    half = TileGrid.over(slide(), stride=112)
    assert (half.tile_px, half.stride_px) == (448, 224)
    fine = TileGrid.over(slide(mpp=(0.5, 0.5)), mpp=0.25)
    assert (fine.tile_px, fine.mpp) == (112, 0.25)


def test_without_a_pixel_size_tiles_are_cut_at_level_0() -> None:
    grid = TileGrid.over(slide(mpp=None), mpp=0.5, tile=100, stride=50)
    assert (grid.tile_px, grid.stride_px, grid.input_px, grid.mpp) == (100, 50, 100, None)


@given(
    width=st.integers(1, 3000),
    height=st.integers(1, 3000),
    tile=st.integers(1, 400),
    stride=st.integers(1, 500),
    at=st.tuples(st.integers(0, 90), st.integers(0, 90)),
)
@settings(max_examples=150, deadline=None)
def test_the_bounds_are_covered_and_no_tile_lies_outside(width, height, tile, stride, at) -> None:
    grid = TileGrid.over(slide(mpp=None, bounds=(*at, width, height)), tile=tile, stride=stride)
    last = grid.xy([grid.count - 1])[0] - at

    assert grid.origin == at
    assert (last < (width, height)).all()
    if stride <= tile:
        assert (last + tile >= (width, height)).all()
        before_last = last - stride  # one tile fewer would not do
        assert (before_last + tile < (width, height)).all() or 1 in (grid.columns, grid.rows)


def test_a_slide_smaller_than_a_tile_has_one() -> None:
    assert TileGrid.over(slide(50, 60, mpp=None)).count == 1


def test_numbers_go_along_the_rows() -> None:
    grid = TileGrid.over(slide(1000, 700, mpp=None), tile=100)
    assert (grid.columns, grid.rows, grid.count) == (10, 7, 70)
    assert grid.index(3, 2) == 23
    np.testing.assert_array_equal(grid.column_row([23, 69]), [[3, 2], [9, 6]])
    np.testing.assert_array_equal(grid.xy(np.arange(70)), corners(grid))
    assert grid.xy([5]).dtype == np.int64


@given(
    x=EIGHTHS,
    y=EIGHTHS,
    w=EIGHTHS,
    h=EIGHTHS,
    tile=st.integers(20, 300),
    stride=st.integers(20, 300),
)
@settings(max_examples=200, deadline=None)
def test_within_is_every_tile_that_shares_area(x, y, w, h, tile, stride) -> None:
    grid = TileGrid.over(slide(mpp=None, bounds=(30, 40, 900, 600)), tile=tile, stride=stride)
    at = corners(grid)
    wide = np.minimum(at[:, 0] + tile, x + w) - np.maximum(at[:, 0], x)
    high = np.minimum(at[:, 1] + tile, y + h) - np.maximum(at[:, 1], y)

    np.testing.assert_array_equal(
        grid.within(x, y, w, h), np.flatnonzero((wide > 0) & (high > 0) & (w > 0) & (h > 0))
    )


def test_touching_edges_share_no_area_and_infinity_is_everything() -> None:
    grid = TileGrid.over(slide(mpp=None), tile=100)
    np.testing.assert_array_equal(grid.within(100, 100, 100, 100), [11])
    assert len(grid.within(-1e300, -1e300, 2e300, 2e300)) == grid.count
    assert len(grid.within(float("nan"), 0, 10, 10)) == 0


def test_inside_takes_tiles_whose_centre_lies_inside() -> None:
    grid = TileGrid.over(slide(mpp=None), tile=100)
    ring = shapely.Point(500, 350).buffer(300).difference(shapely.Point(500, 350).buffer(120))
    distance = np.hypot(*(corners(grid) + 50 - (500, 350)).T)

    np.testing.assert_array_equal(grid.inside(ring), np.flatnonzero((distance < 300) & (distance > 120)))


def test_inside_takes_all_tiles_that_a_small_geometry_touches() -> None:
    grid = TileGrid.over(slide(mpp=None), tile=100)
    np.testing.assert_array_equal(grid.inside(shapely.box(190, 190, 210, 210)), [11, 12, 21, 22])
    np.testing.assert_array_equal(grid.inside(shapely.box(120, 120, 140, 140)), [11])
    np.testing.assert_array_equal(grid.inside(shapely.box(200, 120, 220, 140)), [12])  # 11 touches only
    np.testing.assert_array_equal(grid.inside(shapely.Point(420, 30)), [4])
    assert len(grid.inside(shapely.box(5000, 0, 5100, 100))) == 0
    assert len(grid.inside(shapely.Polygon())) == 0


def test_a_bow_tie_is_mended() -> None:
    grid = TileGrid.over(slide(mpp=None), tile=100)
    bow_tie = shapely.Polygon([(0, 0), (1000, 700), (1000, 0), (0, 700)])
    x, y = (corners(grid) + 50).T
    slope = 700 / 1000
    inside = (np.minimum(slope * x, 700 - slope * x) < y) & (y < np.maximum(slope * x, 700 - slope * x))
    np.testing.assert_array_equal(grid.inside(bow_tie), np.flatnonzero(inside))


def test_on_counts_the_share_of_each_tile() -> None:
    grid = TileGrid.over(slide(400, 200, mpp=None), tile=100)
    mask = np.zeros((20, 40), bool)
    mask[:10, :1] = True  # a tenth of tile 0
    mask[10:, 10:30] = True  # tiles 5 and 6
    tissue = TissueMask(mask, (10.0, 10.0), (0.0, 0.0), 0.1)

    np.testing.assert_array_equal(grid.on(tissue), [0, 5, 6])
    np.testing.assert_array_equal(grid.on(tissue, 0.11), [5, 6])
    np.testing.assert_array_equal(grid.on(tissue, 0.0), [0, 5, 6])


def test_a_patch_smaller_than_a_tile_is_on_tissue() -> None:
    grid = TileGrid.over(slide(50, 50, mpp=None), tile=224)
    tissue = TissueMask(np.ones((50, 50), bool), (1.0, 1.0), (0.0, 0.0), 0.1)
    np.testing.assert_array_equal(grid.on(tissue), [0])


def test_keys_tell_geometries_apart() -> None:
    wanted = [{}, {"tile": 225}, {"stride": 112}, {"mpp": 0.4}]
    grids = [TileGrid.over(slide(), **w) for w in wanted]
    grids += [TileGrid.over(slide(bounds=(8, 0, 992, 700))), TileGrid.over(slide(5000, 700))]
    assert len({grid.key for grid in grids}) == len(grids)
    assert TileGrid.over(slide()).key == grids[0].key


@pytest.mark.parametrize(
    "wanted", [{"mpp": 0}, {"mpp": -1}, {"mpp": float("nan")}, {"tile": 0}, {"stride": 0}, {"stride": -5}]
)
def test_nonsense_is_refused(wanted) -> None:
    with pytest.raises(SlideError):
        TileGrid.over(slide(), **wanted)


def test_two_hundred_thousand_tiles_take_no_time() -> None:
    grid = TileGrid.over(slide(100_000, 100_000, mpp=(0.5, 0.5)))
    assert grid.count > 199_000
    mask = np.random.default_rng(0).random((1250, 1250)) < 0.3
    tissue = TissueMask(mask, (80.0, 80.0), (0.0, 0.0), 0.1)
    wavy = shapely.Point(50_000, 50_000).buffer(45_000, quad_segs=500)

    start = time.perf_counter()
    everything = len(grid.within(0, 0, 1e5, 1e5)), len(grid.on(tissue)), len(grid.inside(wavy))
    assert time.perf_counter() - start < 3.0
    assert everything[0] == grid.count
    assert everything[2] / grid.count == pytest.approx(np.pi * 0.45**2, rel=0.01)
