"""Smoothing over neighbouring tiles against a loop over all pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment import spatial
from napari_histoalign.alignment.spatial import smooth
from napari_histoalign.errors import AlignmentError


def a_slide(seed: int, stride: float, share: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Logits and corners, in whole pixels, of a part of the tiles of a grid of 9 x 7."""
    rng = np.random.default_rng(seed)
    cells = np.stack(np.meshgrid(np.arange(9), np.arange(7)), axis=-1).reshape(-1, 2)
    cells = cells[rng.random(len(cells)) < share]
    return rng.normal(size=(len(cells), 3)).astype(np.float32), np.round(cells * stride + 1000)


def by_loops(logits: np.ndarray, cells: np.ndarray, sigma: float, radius: float) -> np.ndarray:
    out = np.empty(logits.shape)
    for i in range(len(cells)):
        total, weights = np.zeros(3), 0.0
        for j in range(len(cells)):
            d = math.dist(cells[i], cells[j])
            if d <= radius + 1e-9:
                w = math.exp(-(d**2) / (2 * sigma**2))
                total += w * logits[j]
                weights += w
        out[i] = total / weights
    return out


@pytest.mark.parametrize(("sigma", "radius"), [(1.0, 2), (0.4, 1), (3.0, 4)])
@pytest.mark.parametrize("stride", [224.0, 447.3])
def test_it_is_the_weighted_mean_of_the_tiles_within_the_radius(
    stride: float, sigma: float, radius: float
) -> None:
    logits, xy = a_slide(0, stride)
    cells = np.round((xy - 1000) / stride)

    got = smooth(logits, xy, stride, sigma_tiles=sigma, radius=radius)

    assert got.dtype == np.float32
    np.testing.assert_allclose(got, by_loops(logits, cells, sigma, radius), atol=0.01)


def test_a_worked_example() -> None:
    w = math.exp(-0.5)
    got = smooth([[1.0, 0.0], [0.0, 0.0], [0.0, 9.0]], [[0, 0], [10, 0], [0, 1000]], 10)

    np.testing.assert_allclose(got, [[1 / (1 + w), 0], [w / (1 + w), 0], [0, 9]], rtol=1e-6)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, xy = a_slide(1, 100.0, share=1.0)
    whole = smooth(logits, xy, 100)
    monkeypatch.setattr(spatial, "BLOCK_PAIRS", 50)

    np.testing.assert_allclose(smooth(logits, xy, 100), whole, rtol=1e-6)


def test_without_a_radius_nothing_changes() -> None:
    logits, xy = a_slide(2, 100.0)

    np.testing.assert_array_equal(smooth(logits, xy, 100, radius=0), logits)


def test_a_very_narrow_gaussian_changes_nothing() -> None:
    logits, xy = a_slide(2, 100.0)

    np.testing.assert_allclose(smooth(logits, xy, 100, sigma_tiles=1e-3), logits, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_offset_and_a_constant_do_what_they_must(seed: int) -> None:
    logits, xy = a_slide(seed, 447.3)
    order = np.random.default_rng(seed).permutation(len(logits))
    got = smooth(logits, xy, 447.3)

    np.testing.assert_allclose(smooth(logits[order], xy[order], 447.3), got[order], atol=1e-5)
    np.testing.assert_allclose(
        smooth(2 * logits + 3, xy + np.array([7e4, -5]), 447.3), 2 * got + 3, atol=1e-4
    )
    assert (got <= logits.max(axis=0) + 1e-5).all()
    assert (got >= logits.min(axis=0) - 1e-5).all()


def test_no_tiles_are_no_tiles() -> None:
    assert smooth(np.empty((0, 4)), np.empty((0, 2)), 224).shape == (0, 4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"xy": np.zeros((4, 2))}, "shape"),
        ({"xy": np.full((3, 2), np.nan)}, "finite"),
        ({"logits": np.full((3, 2), np.inf)}, "finite"),
        ({"logits": np.zeros((3, 1))}, "two classes"),
        ({"stride_px": 0.0}, "stride"),
        ({"sigma_tiles": math.nan}, "width"),
        ({"radius": -1}, "radius"),
        ({"radius": 1e6}, "radius"),
    ],
)
def test_nonsense_is_refused(change: dict, says: str) -> None:
    given = {"logits": np.zeros((3, 2)), "xy": np.zeros((3, 2)), "stride_px": 224.0} | change
    with pytest.raises(AlignmentError, match=says):
        smooth(**given)
