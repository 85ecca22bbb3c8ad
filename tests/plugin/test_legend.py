"""What the legend says of classes and colours, against the areas that are exported."""

from __future__ import annotations

import doctest
from dataclasses import replace

import numpy as np
import pytest

from napari_histoalign.plugin import legend as module
from napari_histoalign.plugin.legend import UNSURE, color_bar, legend
from napari_histoalign.plugin.rasters import Rasters
from napari_histoalign.plugin.result_plan import CLASSES, LayerKey
from napari_histoalign.results import ProbabilityMap, area_by_class

NAMES, COLORS = ("a", "b", "c"), ("#d55e00", "#009e73", "#f0e442")
SIZE, MPP = (5000, 3210), (0.25, 0.5)


@pytest.fixture
def made():
    """A map that hangs over the slide on all sides, with holes."""
    data = np.random.default_rng(0).dirichlet(np.ones(3), (8, 12)).astype(np.float32)
    data[2:4, 3:7] = np.nan
    return ProbabilityMap(np.moveaxis(data, -1, 0).copy(), (-210.0, -33.5), 450.5, NAMES, COLORS)


@pytest.mark.parametrize("threshold", [0.0, 0.55, 0.8, 1.0])
def test_areas_are_those_that_are_exported_of_what_reaches_the_threshold(made, threshold):
    rows = legend(Rasters.of_map(made), threshold, SIZE, MPP)
    top = np.nan_to_num(made.data, nan=-1).max(axis=0)
    sure = replace(made, data=np.where(top >= threshold, made.data, np.nan).astype(np.float32))
    expected = area_by_class(sure, SIZE, MPP)
    assert [row.name for row in rows] == [*NAMES, UNSURE]
    assert [row.tiles for row in rows[:-1]] == [area.tiles for area in expected]
    np.testing.assert_allclose([r.area_mm2 for r in rows[:-1]], [a.area_mm2 for a in expected], rtol=1e-9)
    every = area_by_class(made, SIZE, MPP)
    assert sum(row.tiles for row in rows) == sum(area.tiles for area in every)
    assert sum(row.area_mm2 for row in rows) == pytest.approx(sum(area.area_mm2 for area in every))
    assert sum(row.share for row in rows) == pytest.approx(1)


def test_without_a_pixel_size_there_are_shares_and_no_areas(made):
    rows = legend(Rasters.of_map(made), 0.5, SIZE, None)
    assert {row.area_mm2 for row in rows} == {None}
    assert sum(row.share for row in rows) == pytest.approx(1)


def test_where_nothing_was_scored_all_is_nought():
    empty = ProbabilityMap(np.full((3, 2, 2), np.nan, np.float32), (0, 0), 10.0, NAMES, COLORS)
    rows = legend(Rasters.of_map(empty), 0.5, (20, 20), MPP)
    assert {(row.tiles, row.area_mm2, row.share) for row in rows} == {(0, 0.0, 0.0)}


def test_each_layer_has_the_bar_of_its_own_colours():
    colors = dict(zip(NAMES, COLORS, strict=True))
    assert color_bar(None, colors) is None and color_bar(CLASSES, colors) is None
    shown, other = (color_bar(LayerKey(kind, "b"), colors) for kind in ("probability", "other"))
    assert shown.ramp == other.ramp and shown.title != other.title
    for key in (LayerKey("uncertainty"), LayerKey("disagreement"), LayerKey("difference", "a")):
        bar = color_bar(key, colors)
        assert bar.ramp.name == key.kind and bar.low and bar.high


def test_areas_in_words():
    assert doctest.testmod(module).failed == 0
    assert module.area_text(None) == ""
