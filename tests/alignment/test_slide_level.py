"""From tiles to a slide: worked examples, and loops."""

from __future__ import annotations

import numpy as np
import pytest
from cases import soft
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment.slide_level import mean_of_tiles, top_j, tumour_share
from napari_histoalign.errors import AlignmentError

LOGITS = np.array([[1.0, 4.0, 0.0], [2.0, 0.0, 0.0], [3.0, 2.0, 1.0]])


def test_the_mean_by_hand() -> None:
    got = mean_of_tiles(LOGITS)

    np.testing.assert_allclose(got.logits, [2, 2, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(got.probabilities, soft([2, 2, 1 / 3]), rtol=1e-6)
    assert (got.how, got.tiles) == ("mean", 3)


def test_weights_count_tiles_more_than_once() -> None:
    weighted = mean_of_tiles(LOGITS, [2, 0, 1])

    np.testing.assert_allclose(weighted.logits, mean_of_tiles(LOGITS[[0, 0, 2]]).logits, rtol=1e-6)
    assert weighted.label == 1


def test_top_j_by_hand() -> None:
    got = top_j(LOGITS, 2)

    np.testing.assert_allclose(got.logits, [2.5, 3, 0.5], rtol=1e-6)
    np.testing.assert_allclose(got.probabilities, soft([2.5, 3, 0.5]), rtol=1e-6)
    assert (got.label, got.tiles) == (1, 2)
    np.testing.assert_allclose(top_j(LOGITS, 1).logits, [3, 4, 1])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), j=st.integers(1, 80))
def test_top_j_against_sorting(seed: int, n: int, j: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 4))
    expected = [np.mean(sorted(column, reverse=True)[:j]) for column in logits.T]

    got = top_j(logits, j)

    np.testing.assert_allclose(got.logits, expected, atol=1e-5)
    np.testing.assert_allclose(top_j(rng.permutation(logits), j).logits, got.logits, atol=1e-6)
    assert got.tiles == min(j, n)
    if j >= n:
        np.testing.assert_allclose(got.logits, mean_of_tiles(logits).logits, atol=1e-5)


# stroma, tumour, in situ, background
TILES = np.array(
    [
        [0.1, 0.8, 0.1, 0.0],  # lesion
        [0.3, 0.3, 0.3, 0.1],  # lesion only with both classes
        [0.7, 0.2, 0.1, 0.0],  # stroma
        [0.0, 0.1, 0.1, 0.8],  # background
    ]
)


@pytest.mark.parametrize(
    ("lesions", "threshold", "found", "area"),
    [([1], 0.5, 1, 1 / 7), ([1, 2], 0.5, 2, 3 / 7), ([1, 2], 0.95, 0, 0), ([2, 1, 1], 0.6, 2, 3 / 7)],
)
def test_the_share_of_tumour_by_hand(lesions: list[int], threshold: float, found: int, area: float) -> None:
    got = tumour_share(TILES, lesions, [3], threshold=threshold, areas=[1, 2, 4, 8])

    assert (got.lesion_tiles, got.tissue_tiles, got.threshold) == (found, 3, threshold)
    assert got.share == pytest.approx(found / 3)
    assert got.area_share == pytest.approx(area)


def test_without_a_background_all_tiles_are_tissue_and_count_alike() -> None:
    got = tumour_share(TILES, [1])

    assert (got.share, got.area_share, got.tissue_tiles) == (0.25, 0.25, 4)


def test_a_slide_of_background_has_no_tumour() -> None:
    got = tumour_share(TILES[3:], [1], [3])

    assert (got.share, got.area_share, got.tissue_tiles) == (0, 0, 0)


def test_single_precision_reaches_its_threshold() -> None:
    p = np.array([[0.1, 0.7, 0.2]], np.float32)

    assert tumour_share(p, [1], threshold=0.7).share == 1
    assert tumour_share(p, [0, 1, 2], threshold=1.0).share == 1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_share_falls_with_the_threshold(seed: int) -> None:
    p = np.random.default_rng(seed).dirichlet(np.ones(4), 50)
    shares = [tumour_share(p, [1], [3], threshold=t).share for t in (0.2, 0.4, 0.6, 0.8)]

    assert shares == sorted(shares, reverse=True)
    assert 0 <= shares[-1] <= shares[0] <= 1


@pytest.mark.parametrize("pooled", [mean_of_tiles, top_j])
def test_a_slide_without_tiles_is_refused(pooled: object) -> None:
    with pytest.raises(AlignmentError, match="without tiles"):
        pooled(np.empty((0, 3)))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (([],), {}),
        (([4],), {}),
        (([-1],), {}),
        (([1], [1]), {}),
        (([1],), {"threshold": 0.0}),
        (([1],), {"threshold": float("nan")}),
        (([1],), {"areas": [1, 2]}),
        (([1],), {"areas": [1, 2, 3, -1]}),
    ],
)
def test_nonsense_is_refused(arguments: tuple, more: dict) -> None:
    with pytest.raises(AlignmentError):
        tumour_share(TILES, *arguments, **more)


def test_weights_and_j_that_are_none_are_refused() -> None:
    with pytest.raises(AlignmentError, match="above 0"):
        mean_of_tiles(LOGITS, [0, 0, 0])
    with pytest.raises(AlignmentError, match="at least one"):
        top_j(LOGITS, 0)
