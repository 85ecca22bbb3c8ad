"""Scores on the raster of their grid, against sums done by hand and against the results' own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_histoalign.errors import ResultError
from napari_histoalign.plugin.rasters import Rasters, rasters
from napari_histoalign.results import ProbabilityMap, TileScores
from napari_histoalign.slides import TileGrid

GRID = TileGrid(origin=(7, 3), tile_px=10, stride_px=10, columns=4, rows=3, input_px=10, mpp=None)
INDICES = np.array([1, 2, 6, 11])
PROBABILITIES = np.float32([[0.7, 0.3], [0.5, 0.5], [0.0, 1.0], [0.45, 0.55]])
OTHER = np.float32([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0], [0.45, 0.55]])
CELLS = [(0, 1), (0, 2), (1, 2), (2, 3)]


def scored(probabilities=PROBABILITIES, indices=INDICES, names=("a", "b"), parts=2):
    """What a scoring returns, as far as rasters look at it."""
    tiles = TileScores(
        GRID.xy(indices), 10, 10, names, ("#d55e00", "#0072b2"), ("lesion", "tissue"), probabilities
    )
    disagree = np.linspace(0, 1, len(indices)).astype(np.float32)
    return SimpleNamespace(
        indices=indices,
        tiles=tiles,
        scores=SimpleNamespace(parts=(None,) * parts),
        disagreement=lambda: disagree,
    )


def at(raster):
    """Values at the scored cells; all others have to be unknown."""
    elsewhere = np.ones(raster.shape, bool)
    elsewhere[tuple(np.transpose(CELLS))] = False
    assert np.isnan(raster[elsewhere]).all()
    return raster[tuple(np.transpose(CELLS))]


def test_each_tile_is_one_pixel_and_the_rest_is_unknown():
    made = rasters(GRID, scored(), scored())
    np.testing.assert_array_equal(at(made.shown.data[0]), PROBABILITIES[:, 0])
    assert made.shown.origin == (7, 3) and made.shown.step == 10
    bits = [-(p * np.log2(p)).sum() if p.min() > 0 else 0.0 for p in PROBABILITIES.astype(float)]
    np.testing.assert_allclose(at(made.uncertainty), bits, atol=1e-6)
    np.testing.assert_allclose(at(made.disagreement), [0, 1 / 3, 2 / 3, 1], atol=1e-6)
    assert made.other is None and made.difference is None


def test_the_difference_is_signed_and_unknown_where_one_is():
    fewer = scored(OTHER[:3], INDICES[:3])
    made = rasters(GRID, scored(), scored(), fewer)
    np.testing.assert_allclose(at(made.difference[0]), [0.5, 0, -1, np.nan], atol=1e-6)
    np.testing.assert_allclose(at(made.difference[1]), [-0.5, 0, 1, np.nan], atol=1e-6)
    np.testing.assert_array_equal(at(made.other.data[0]), [*OTHER[:3, 0], np.nan])


def test_uncertainty_is_of_what_is_shown_and_disagreement_of_the_judgements_behind_it():
    refined = scored(np.float32([[1, 0]] * 4), parts=2)
    made = rasters(GRID, refined, scored())
    np.testing.assert_array_equal(at(made.uncertainty), np.zeros(4))
    assert at(made.disagreement)[-1] == 1


def test_where_no_two_pairs_spoke_nothing_is_said_of_their_disagreement():
    assert rasters(GRID, scored(), scored(parts=1)).disagreement is None
    assert rasters(GRID, scored(), scored(parts=0)).disagreement is None


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.6, 1.0])
def test_classes_at_a_threshold_are_the_most_probable_ones_that_reach_it(threshold):
    made = rasters(GRID, scored(), scored())
    labels = made.shown.label_map() + 1
    top = np.nan_to_num(made.shown.data, nan=-1).max(axis=0)
    expected = np.where(top >= threshold, labels, 0)
    assert made.classes(threshold).dtype == np.uint8
    np.testing.assert_array_equal(made.classes(threshold), expected)
    np.testing.assert_array_equal(Rasters.of_map(made.shown).classes(threshold), expected)


def test_a_threshold_that_is_met_exactly_counts():
    made = rasters(GRID, scored(np.float32([[0.7, 0.3]] * 4)), scored())
    assert made.classes(0.7).max() == 1, "0.7 in single precision is below 0.7 in double"


def test_classes_of_a_bare_map_know_what_was_not_scored():
    data = np.float32([[[0.6, 0.45, np.nan]], [[0.3, 0.5, np.nan]], [[0.1, 0.05, np.nan]]])
    bare = Rasters.of_map(ProbabilityMap(data, (0, 0), 1, ("a", "b", "c"), ("#000000",) * 3))
    assert bare.classes(0.0).tolist() == [[1, 2, 0]]
    assert bare.classes(0.55).tolist() == [[1, 0, 0]]


def test_scores_of_other_classes_are_not_compared():
    with pytest.raises(ResultError, match="a, c cannot be compared"):
        rasters(GRID, scored(), scored(), scored(names=("a", "c")))
