"""Labels, margins and entropies against scipy and plain Python; maps against their definition."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from napari_histoalign.errors import ResultError
from napari_histoalign.results import ProbabilityMap, TileScores


def test_label_margin_and_entropy_agree_with_sorting_and_scipy(scores: TileScores) -> None:
    for i, row in enumerate(scores.probabilities.tolist()):
        first, second, _ = sorted(row, reverse=True)
        assert scores.label[i] == row.index(first)
        assert scores.labels[i] == scores.class_names[row.index(first)]
        assert scores.margin[i] == pytest.approx(first - second, abs=1e-6)
        assert scores.entropy[i] == pytest.approx(stats.entropy(row, base=3), abs=1e-6)


def test_entropy_goes_from_0_to_1_and_equals_give_the_first_label(scores: TileScores) -> None:
    ends = dataclasses.replace(
        scores, xy=scores.xy[:2], probabilities=np.array([[0, 1, 0], [1 / 3, 1 / 3, 1 / 3]], np.float32)
    )
    np.testing.assert_allclose(ends.entropy, [0, 1], atol=1e-6)
    np.testing.assert_allclose(ends.margin, [1, 0], atol=1e-6)
    assert ends.label.tolist() == [1, 0]


def test_one_class_and_no_tiles_are_no_special_case() -> None:
    one = TileScores(
        np.zeros((1, 2), np.int64), 8, 8, ("a",), ("#000000",), ("lesion",), np.ones((1, 1), np.float32)
    )
    assert (one.margin.tolist(), one.entropy.tolist(), one.labels) == ([1.0], [0.0], ["a"])
    none = dataclasses.replace(one, xy=one.xy[:0], probabilities=one.probabilities[:0])
    assert (len(none), none.labels, none.margin.shape) == (0, [], (0,))
    assert not ProbabilityMap.from_tiles(none, (0, 0), 3, 2).scored().any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"probabilities": np.full((40, 3), np.nan, np.float32)}, "between 0 and 1", id="nan"),
        pytest.param({"probabilities": np.full((40, 3), 1.5, np.float32)}, "between 0 and 1", id="above 1"),
        pytest.param({"probabilities": np.zeros((39, 3), np.float32)}, "39, 3", id="a row short"),
        pytest.param({"class_names": ("a", "a", "b")}, "differ", id="same name twice"),
        pytest.param({"roles": ("lesion",)}, "roles", id="too few roles"),
        pytest.param({"colors": ("#000000",)}, "colours", id="too few colours"),
        pytest.param({"stride_px": 0}, "covers nothing", id="no stride"),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    scores: TileScores, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ResultError, match=message):
        dataclasses.replace(scores, **change)


def test_each_tile_fills_the_pixel_in_its_middle(scores: TileScores) -> None:
    map = ProbabilityMap.from_tiles(scores, (100, 52), 10, 6)
    assert (map.data.shape, map.data.dtype, map.step) == ((3, 6, 10), np.float32, 16.0)
    for (x, y), p, label in zip(scores.xy.tolist(), scores.probabilities, scores.label, strict=True):
        column, row = (x - 100) // 16, (y - 52) // 16
        np.testing.assert_array_equal(map.data[:, row, column], p)
        assert map.label_map()[row, column] == label
        centre = (map.origin[0] + (column + 0.5) * map.step, map.origin[1] + (row + 0.5) * map.step)
        assert centre == (x + 10, y + 10)  # the middle of the tile
    assert map.scored().sum() == len(scores)
    np.testing.assert_array_equal(map.label_map() == -1, np.isnan(map.data[0]))
    np.testing.assert_array_equal(np.isnan(map.margin_map()), ~map.scored())


@pytest.mark.parametrize(
    "grid", [((101, 52), 10, 6), ((116, 52), 10, 6), ((100, 52), 9, 6), ((100, 52), 10, 5)]
)
def test_tiles_off_the_grid_are_refused(scores: TileScores, grid: tuple[tuple[int, int], int, int]) -> None:
    with pytest.raises(ResultError, match="does not lie on the grid"):
        ProbabilityMap.from_tiles(scores, *grid)
