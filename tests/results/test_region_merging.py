"""Regions against a flood fill written here, cell by cell, and by hand."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from napari_histoalign.errors import ResultError
from napari_histoalign.results import ProbabilityMap, Region, regions_from_map

ROLES = ("lesion", "tissue", "background")
Painter = Callable[..., ProbabilityMap]
Cell = tuple[int, int]
SURE = [float(np.float32(p)) for p in (0.4, 0.5, 0.9)]


def merge(map: ProbabilityMap, **options: object) -> list[Region]:
    size = (int(map.columns * map.step), int(map.rows * map.step))
    return regions_from_map(map, **{"roles": ROLES, "slide_size": size, **options})


def flood(wanted: dict[Cell, int]) -> list[tuple[int, frozenset[Cell]]]:
    """Class and cells of each 4-connected component."""
    left, found = dict(wanted), []
    while left:
        start, label = left.popitem()
        reached, todo = {start}, [start]
        while todo:
            row, column = todo.pop()
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if left.get(near) == label:
                    del left[near]
                    reached.add(near)
                    todo.append(near)
        found.append((label, frozenset(reached)))
    return found


def covered(region: Region, map: ProbabilityMap) -> frozenset[Cell]:
    """Cells whose centre lies in a region's polygon."""
    row, column = np.mgrid[: map.rows, : map.columns]
    x, y = (map.origin[i] + (n + 0.5) * map.step for i, n in enumerate((column, row)))
    inside = shapely.contains_xy(region.polygon, x, y)
    return frozenset(zip(*(n.tolist() for n in np.nonzero(inside)), strict=True))


@st.composite
def maps(draw: st.DrawFn) -> ProbabilityMap:
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    label = draw(arrays(np.int8, (rows, columns), elements=st.sampled_from([-1, 0, 0, 0, 1, 2])))
    sure = draw(arrays(np.float32, (rows, columns), elements=st.sampled_from(SURE)))
    data = np.broadcast_to((1 - sure) / 2, (3, rows, columns)).copy()
    for i in range(3):
        data[i][label == i] = sure[label == i]
    data[:, label < 0] = np.nan
    origin = (draw(st.sampled_from([0.0, -3.0, 8.5])), draw(st.sampled_from([0.0, -7.5, 11.0])))
    return ProbabilityMap(data, origin, 10.0, ("a", "b", "glass"), ("#000000",) * 3)


@settings(max_examples=200, deadline=None)
@given(map=maps(), threshold=st.sampled_from([0.0, 0.5, 0.6]))
def test_regions_are_the_components_that_a_flood_fill_finds(map: ProbabilityMap, threshold: float) -> None:
    regions = regions_from_map(map, roles=ROLES, threshold=threshold, slide_size=(200, 200))
    wanted = {}
    for row, column in itertools.product(range(map.rows), range(map.columns)):
        p = map.data[:, row, column]
        if not np.isnan(p).any() and p.argmax() != 2 and p.max() >= np.float32(threshold):
            wanted[row, column] = int(p.argmax())
    box = shapely.box(0, 0, 200, 200)
    squares = {
        (row, column): shapely.box(
            *(map.origin[0] + 10 * column, map.origin[1] + 10 * row),
            *(map.origin[0] + 10 * column + 10, map.origin[1] + 10 * row + 10),
        ).intersection(box)
        for row, column in wanted
    }
    expected = flood({cell: label for cell, label in wanted.items() if squares[cell].area > 0})

    assert len(regions) == len(expected)
    shapes = [
        (map.class_names[i], cells, shapely.union_all([squares[c] for c in cells])) for i, cells in expected
    ]
    for region in regions:
        assert region.polygon.is_valid and region.polygon.geom_type == "Polygon"
        match = [
            cells
            for name, cells, shape in shapes
            if name == region.class_name and shape.equals(region.polygon)
        ]
        assert len(match) == 1
        cells = match[0]
        of_class = map.data[map.class_names.index(region.class_name)]
        lead = [np.subtract(*np.sort(map.data[:, r, c])[:0:-1]) for r, c in cells]
        assert region.tiles == len(cells)
        assert region.area_px == pytest.approx(sum(squares[c].area for c in cells))
        assert region.polygon.area == pytest.approx(region.area_px)
        assert region.probability == pytest.approx(np.mean([of_class[c] for c in cells]), abs=1e-6)
        assert region.margin == pytest.approx(np.mean(lead), abs=1e-6)
    for one, other in itertools.combinations(regions, 2):
        assert one.polygon.intersection(other.polygon).area == 0


def test_a_hole_stays_a_hole_and_what_lies_in_it_is_its_own_region(painted: Painter) -> None:
    map = painted("tttttt", "tsss.t", "ts.t.t", "t.gt.t", "tttttt")
    lesion, stroma = merge(map)

    assert (lesion.class_name, stroma.class_name) == ("tumour", "Stroma, übrig")
    assert len(lesion.polygon.interiors) == 1
    assert covered(lesion, map) == {(r, c) for r, c in np.argwhere(map.label_map() == 0).tolist()}
    assert lesion.area_px == 100 * lesion.tiles == 100 * (map.label_map() == 0).sum()
    assert stroma.polygon.equals(shapely.from_wkt("POLYGON((10 10,40 10,40 20,20 20,20 30,10 30,10 10))"))
    assert len(stroma.polygon.exterior.coords) == 7  # corners only


def test_cells_that_share_a_corner_only_are_apart(painted: Painter) -> None:
    assert [r.tiles for r in merge(painted("ts.", "st.", "..t"))] == [1, 1, 1, 1, 1]


def test_a_region_that_meets_itself_in_a_corner_is_valid(painted: Painter) -> None:
    map = painted("ttt", "t.t", "tt.")
    (region,) = merge(map)

    assert region.polygon.is_valid
    assert region.polygon.area == region.area_px == 700
    assert [shapely.Polygon(h).bounds for h in region.polygon.interiors] == [(10, 10, 20, 20)]


def test_what_overhangs_the_slide_is_cut_off(painted: Painter) -> None:
    map = painted("ttt", "ttt", "ttt", origin=(-4.0, -10.0))
    (region,) = merge(map, slide_size=(23, 15), mpp=(0.5, 0.25))

    assert region.polygon.equals(shapely.box(0, 0, 23, 15))
    assert region.tiles == 6  # the top row lies outside
    assert region.area_px == 23 * 15
    assert region.area_um2 == pytest.approx(23 * 15 * 0.125)


def test_the_threshold_counts_itself_in_and_areas_need_a_scale(painted: Painter) -> None:
    map = painted("ts")
    assert [r.probability for r in merge(map, threshold=0.8)] == pytest.approx([0.8, 0.8])
    assert merge(map, threshold=0.81) == []
    assert [r.area_um2 for r in merge(map)] == [None, None]
    assert [(r.color, r.review) for r in merge(map)] == [("#d62728", "unreviewed"), ("#2ca02c", "unreviewed")]


def test_order_is_by_class_then_size_then_place(painted: Painter) -> None:
    map = painted("s.t.tt.t", "ss......", "..t.....")
    found = [(r.class_name, r.tiles, r.polygon.bounds[:2]) for r in merge(map)]

    assert found == [
        ("tumour", 2, (40, 0)),
        ("tumour", 1, (20, 0)),
        ("tumour", 1, (70, 0)),
        ("tumour", 1, (20, 20)),
        ("Stroma, übrig", 3, (0, 0)),
    ]


def test_shells_run_anticlockwise_and_holes_clockwise(painted: Painter) -> None:
    (region,) = merge(painted("ttt", "t.t", "ttt"))
    assert region.polygon.exterior.is_ccw
    assert not region.polygon.interiors[0].is_ccw


def test_nothing_scored_gives_no_regions(painted: Painter) -> None:
    assert merge(painted("..", "..")) == []
    assert merge(painted("gg")) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [({"roles": ("lesion",)}, "roles"), ({"threshold": 1.5}, "1.5"), ({"threshold": float("nan")}, "nan")],
)
def test_bad_settings_are_refused(painted: Painter, options: dict[str, object], message: str) -> None:
    with pytest.raises(ResultError, match=message):
        merge(painted("t"), **options)


@pytest.mark.parametrize("smoothness", [0, 1, 4])
def test_a_hundred_thousand_cells_take_seconds(smoothness: float) -> None:
    map = noise(400, 250, smoothness)
    started = time.perf_counter()
    regions = regions_from_map(map, roles=ROLES, slide_size=(40_000, 25_000))
    seconds = time.perf_counter() - started

    assert seconds < 5  # about 0.2 s on an idle core
    reached = (map.label_map() != 2) & (map.data.max(axis=0) >= 0.5)
    assert sum(r.tiles for r in regions) == reached.sum()
    assert shapely.is_valid([r.polygon for r in regions]).all()
    np.testing.assert_allclose(shapely.area([r.polygon for r in regions]), [1e4 * r.tiles for r in regions])


def noise(columns: int, rows: int, smoothness: float) -> ProbabilityMap:
    """Patches of three classes, the smoother the larger."""
    z = np.random.default_rng(3).normal(size=(3, rows, columns))
    z = ndimage.gaussian_filter(z, (0, smoothness, smoothness))
    e = np.exp(2 * z / z.std())
    return ProbabilityMap(
        (e / e.sum(axis=0)).astype(np.float32), (0.0, 0.0), 100.0, ("a", "b", "glass"), ("#000000",) * 3
    )
