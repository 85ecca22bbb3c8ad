"""Disagreement between pairs against scipy's entropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from napari_histoalign.alignment import uncertainty
from napari_histoalign.alignment.uncertainty import disagreement
from napari_histoalign.errors import AlignmentError


def blocks(seed: int, pairs: int = 4, classes: int = 5, n: int = 30) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(scale=3, size=(n, classes)).astype(np.float32) for _ in range(pairs)]


@pytest.mark.parametrize("weights", [None, [0.1, 0.2, 0.3, 0.4], [0.0, 2.0, 2.0, 1.0]])
@pytest.mark.parametrize("classes", [2, 5])
def test_against_scipy(weights: list[float] | None, classes: int) -> None:
    logits = blocks(0, classes=classes)
    w = np.full(4, 0.25) if weights is None else np.array(weights) / sum(weights)
    p = np.array([softmax(block.astype(np.float64), axis=1) for block in logits])
    expected = entropy(np.tensordot(w, p, 1), axis=1) - w @ entropy(p, axis=2)
    expected /= min(entropy(w), math.log(classes))

    np.testing.assert_allclose(disagreement(logits, weights), expected, atol=2e-6)
    np.testing.assert_allclose(disagreement(list(p), weights, probabilities=True), expected, atol=2e-6)


def test_certain_of_different_classes_is_one_and_equally_unsure_is_none() -> None:
    certain = [[[1.0, 0, 0]], [[0, 1.0, 0]], [[0, 0, 1.0]]]
    unsure = [[[1 / 3, 1 / 3, 1 / 3]]] * 3

    assert disagreement(certain, probabilities=True) == pytest.approx([1])
    assert disagreement(certain[:2], probabilities=True) == pytest.approx([1])
    assert disagreement(unsure, probabilities=True) == pytest.approx([0], abs=1e-6)


def test_three_pairs_of_two_classes_are_measured_by_the_classes() -> None:
    two_to_one = [[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]]

    expected = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)) / math.log(2)
    assert disagreement(two_to_one, probabilities=True) == pytest.approx([expected])


def test_one_pair_or_all_the_weight_on_one_never_disagrees() -> None:
    assert not disagreement(blocks(1, pairs=1)).any()
    assert not disagreement(blocks(1, pairs=3), [0, 1, 0]).any()


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = disagreement(blocks(2))
    monkeypatch.setattr(uncertainty, "BLOCK_ROWS", 7)

    np.testing.assert_allclose(disagreement(blocks(2)), whole, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), pairs=st.integers(2, 6), classes=st.integers(2, 6))
def test_bounds_and_orders(seed: int, pairs: int, classes: int) -> None:
    logits = blocks(seed, pairs, classes)
    rng = np.random.default_rng(seed)
    weights = 0.2 + rng.random(pairs)
    got = disagreement(logits, weights)
    p, c, n = rng.permutation(pairs), rng.permutation(classes), rng.permutation(30)

    assert got.dtype == np.float32
    assert ((got >= 0) & (got <= 1)).all()
    shuffled = disagreement([logits[i][n][:, c] for i in p], weights[p])
    np.testing.assert_allclose(shuffled, got[n], atol=1e-5)
    doubled = disagreement(logits + logits)
    assert (doubled >= 0).all()
    if pairs >= classes:  # the bound is that of the classes before and after
        np.testing.assert_allclose(doubled, disagreement(logits), atol=1e-5)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (([],), "same tiles"),
        (([np.zeros((2, 3)), np.zeros((3, 3))],), "same tiles"),
        (([np.zeros((2, 3))] * 2, [1.0]), "weight"),
        (([np.zeros((2, 3))] * 2, [1.0, -1.0]), "weight"),
        (([np.zeros((2, 3))] * 2, [0.0, 0.0]), "weight"),
        (([np.full((2, 3), np.nan)] * 2,), "finite"),
    ],
)
def test_nonsense_is_refused(given: tuple, says: str) -> None:
    with pytest.raises(AlignmentError, match=says):
        disagreement(*given)


def test_what_does_not_sum_to_one_is_no_probability() -> None:
    with pytest.raises(AlignmentError, match="sum to 1"):
        disagreement([np.ones((2, 3))] * 2, probabilities=True)
