"""Calibration against plain loops and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from napari_histoalign.alignment.calibration import (
    HOTTEST,
    adaptive_ece,
    brier,
    ece,
    fit_temperature,
    reliability_curve,
    temperature_for_confidence,
)
from napari_histoalign.errors import AlignmentError


def a_case(seed: int, classes: int = 3, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their own softmax at a temperature of 2: they are too sure."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=4, size=(n, classes)).astype(np.float32)
    p = softmax(logits.astype(np.float64) / 2, axis=1)
    return logits, np.array([rng.choice(classes, p=row) for row in p])


@pytest.mark.parametrize("classes", [2, 4])
def test_the_temperature_is_where_scikit_learns_log_loss_is_least(classes: int) -> None:
    logits, labels = a_case(0, classes)

    def loss(t: float) -> float:
        return log_loss(labels, softmax(logits.astype(np.float64) / t, axis=1), labels=range(classes))

    expected = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-8})
    got = fit_temperature(logits, labels)

    assert got.value == pytest.approx(expected.x, rel=1e-4)
    assert got.nll_after == pytest.approx(expected.fun, rel=1e-7)
    assert got.nll_before == pytest.approx(loss(1), rel=1e-6)
    assert got.refused == ""
    assert got.value == pytest.approx(2, rel=0.25)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.2, 5))
def test_the_temperature_follows_the_scale_and_nothing_else(seed: int, scale: float) -> None:
    logits, labels = a_case(seed, n=200)
    rng = np.random.default_rng(seed)
    value = fit_temperature(logits, labels).value
    order, names = rng.permutation(200), rng.permutation(3)
    moved = logits[order][:, names] * np.float32(scale) + rng.normal(size=(200, 1)).astype(np.float32)

    again = fit_temperature(moved, np.argsort(names)[labels[order]])

    assert again.value == pytest.approx(value * scale, rel=1e-3)


def test_examples_that_are_all_right_set_no_temperature() -> None:
    got = fit_temperature([[2.0, 1.0], [0.0, 3.0]], [0, 1])

    assert got.value == 1
    assert (
        got.nll_after
        == got.nll_before
        == pytest.approx((math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-3))) / 2)
    )
    assert "right already" in got.refused


def test_words_worse_than_chance_are_made_as_soft_as_can_be() -> None:
    got = fit_temperature([[2.0, 1.0], [0.0, 3.0]], [1, 0])

    assert got.value == pytest.approx(HOTTEST, rel=1e-3)
    assert got.nll_after == pytest.approx(math.log(2), abs=0.02)


def test_one_class_is_not_enough() -> None:
    with pytest.raises(AlignmentError, match="two classes"):
        fit_temperature([[2.0, 1.0], [0.0, 3.0]], [0, 0])


@pytest.mark.parametrize("target", [0.4, 0.6, 0.95])
def test_a_wanted_confidence_is_had(target: float) -> None:
    logits = a_case(3)[0] * np.float32(50)
    t = temperature_for_confidence(logits, target)

    assert softmax(logits / t, axis=1).max(axis=1).mean() == pytest.approx(target, abs=1e-4)


@pytest.mark.parametrize(
    ("logits", "target"),
    [(np.eye(3), 1.0), (np.eye(3), 1 / 3), (np.zeros((5, 2)), 0.7), (np.empty((0, 2)), 0.7)],
)
def test_a_confidence_that_cannot_be_had_is_refused(logits: np.ndarray, target: float) -> None:
    with pytest.raises(AlignmentError):
        temperature_for_confidence(logits, target)


@pytest.mark.parametrize("classes", [2, 5])
def test_brier_against_scikit_learn(classes: int) -> None:
    logits, labels = a_case(1, classes)
    p = softmax(logits.astype(np.float64), axis=1)

    expected = brier_score_loss(labels, p, labels=range(classes), scale_by_half=False)
    assert brier(p, labels) == pytest.approx(expected, rel=1e-5)
    if classes == 2:
        assert brier(p, labels) == pytest.approx(2 * brier_score_loss(labels, p[:, 1]), rel=1e-5)


def test_brier_by_hand() -> None:
    assert brier([[0.7, 0.2, 0.1]], [1]) == pytest.approx(0.49 + 0.64 + 0.01)
    assert brier([[0.0, 1.0]], [1]) == 0
    assert brier([[1.0, 0.0]], [1]) == 2


def ece_by_loops(p: np.ndarray, labels: np.ndarray, bins: int) -> float:
    total = 0.0
    for b in range(bins):
        inside = [i for i in range(len(p)) if b / bins < max(p[i]) <= (b + 1) / bins]
        if inside:
            sure = sum(float(max(p[i])) for i in inside) / len(inside)
            right = sum(int(p[i].argmax() == labels[i]) for i in inside) / len(inside)
            total += len(inside) / len(p) * abs(right - sure)
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_ece_against_loops(bins: int) -> None:
    logits, labels = a_case(2)
    p = softmax(logits, axis=1).astype(np.float64)

    assert ece(p, labels, bins) == pytest.approx(ece_by_loops(p, labels, bins), abs=1e-6)


def test_adaptive_ece_by_hand() -> None:
    p = [[0.5, 0.5], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8], [0.9, 0.1]]
    labels = [0, 0, 1, 1, 0]

    # two bins: .5 .6 .7 (right: 1 0 1) and .8 .9 (right: 1 1)
    expected = (abs(2 - 1.8) + abs(2 - 1.7)) / 5
    assert adaptive_ece(p, labels, 2) == pytest.approx(expected, abs=1e-6)


def test_adaptive_ece_of_one_bin_is_the_gap_of_the_means() -> None:
    logits, labels = a_case(4)
    p = softmax(logits, axis=1)
    gap = abs(p.max(axis=1).mean() - (p.argmax(axis=1) == labels).mean())

    assert adaptive_ece(p, labels, 1) == pytest.approx(gap, abs=1e-6)
    assert adaptive_ece(p[:5], labels[:5], 50) <= 1  # more bins than tiles


def test_adaptive_ece_does_not_care_for_the_order_of_equals() -> None:
    p = np.array([[0.75, 0.25]] * 10)
    labels = np.array([0] * 5 + [1] * 5)

    for order in (np.arange(10), np.arange(10)[::-1], np.arange(10).reshape(2, 5).T.ravel()):
        assert adaptive_ece(p, labels[order], 5) == pytest.approx(0.25)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_measures_do_not_care_for_order_names_or_repeats(seed: int) -> None:
    logits, labels = a_case(seed, n=60)
    p = softmax(logits, axis=1)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(60), rng.permutation(3)
    shuffled, renamed = p[order][:, names], np.argsort(names)[labels[order]]

    for measure in (brier, ece, adaptive_ece):
        assert measure(shuffled, renamed) == pytest.approx(measure(p, labels), abs=1e-6)
    twice = (np.concatenate([p, p]), np.concatenate([labels, labels]))
    assert brier(*twice) == pytest.approx(brier(p, labels), abs=1e-6)
    assert ece(*twice) == pytest.approx(ece(p, labels), abs=1e-6)
    assert ece(p, labels) >= adaptive_ece(p, labels, 1) - 1e-6  # Jensen


@pytest.mark.parametrize("positive", [None, 1])
def test_the_curve_against_scikit_learn(positive: int | None) -> None:
    logits, labels = a_case(5, classes=2)
    p = softmax(logits, axis=1).astype(np.float64)
    sure = p.max(axis=1) if positive is None else p[:, 1]
    true = (p.argmax(axis=1) == labels) if positive is None else labels == 1
    accuracy, confidence = calibration_curve(true, sure, n_bins=10)

    curve = reliability_curve(p, labels, 10, positive=positive)
    filled = curve.count > 0

    np.testing.assert_allclose(curve.accuracy[filled], accuracy, atol=1e-6)
    np.testing.assert_allclose(curve.confidence[filled], confidence, atol=1e-6)
    assert curve.count.sum() == len(labels)
    assert np.isnan(curve.accuracy[~filled]).all()
    assert curve.edges.tolist() == pytest.approx(np.linspace(0, 1, 11).tolist())


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    curve = reliability_curve([[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]], [0, 0, 0], 4)

    assert curve.count.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(curve.confidence[1:], [0.5, 0.75, 1])
    np.testing.assert_allclose(curve.accuracy[1:], [1, 0, 1])


@pytest.mark.parametrize("measure", [brier, ece, adaptive_ece, reliability_curve])
def test_nothing_to_judge_by_is_refused(measure: object) -> None:
    with pytest.raises(AlignmentError, match="no tiles"):
        measure(np.empty((0, 2)), np.empty(0, int))  # type: ignore[operator]
    with pytest.raises(AlignmentError, match="label"):
        measure([[0.5, 0.5]], [[0]])  # type: ignore[operator]
    with pytest.raises(AlignmentError, match="between 0 and 1"):
        measure([[0.5, 0.5]], [2])  # type: ignore[operator]


def test_bins_and_classes_that_are_none_are_refused() -> None:
    with pytest.raises(AlignmentError, match="bin"):
        ece([[0.5, 0.5]], [0], 0)
    with pytest.raises(AlignmentError, match="no class"):
        reliability_curve([[0.5, 0.5]], [0], positive=2)
