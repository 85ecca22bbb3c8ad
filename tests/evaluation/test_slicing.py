"""Intervals over patients, means over magnifications, and tests that are paired by patient."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histoalign.evaluation.comparing import compare, holm
from napari_histoalign.evaluation.intervals import PatientBootstrap
from napari_histoalign.evaluation.measures import Judged
from napari_histoalign.evaluation.outcome import ALL
from napari_histoalign.evaluation.slicing import Truth, slice_results


def world(seed: int = 0, patients: int = 24, each: int = 10, skill: float = 1.0, magnified: bool = True):
    """Patients differ; images of one are alike."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"p{i}" for i in range(patients)], each)
    labels = np.repeat(np.arange(patients) % 2, each)
    trouble = np.repeat(rng.normal(size=patients), each)
    logit = skill * (2 * labels - 1) + trouble + 0.3 * rng.normal(size=len(labels))
    p = 1 / (1 + np.exp(-logit))
    magnifications = tuple(np.tile(["40X", "100X"], len(labels) // 2)) if magnified else ("",) * len(labels)
    truth = Truth(labels, magnifications, ("benign", "malignant"), 1, PatientBootstrap(list(names)))
    return truth, np.stack([1 - p, p], axis=1).astype(np.float32)


def test_all_is_the_mean_over_magnifications() -> None:
    truth, p = world()
    found = slice_results(truth, p)
    assert list(found) == ["40X", "100X", ALL]
    for name in ("accuracy", "AUROC", "ECE"):
        parts = [found[m].measures[name].value for m in ("40X", "100X")]
        assert found[ALL].measures[name].value == pytest.approx(np.mean(parts))
    assert found[ALL].images == 240 and found["40X"].images == 120
    np.testing.assert_array_equal(found[ALL].confusion, found["40X"].confusion + found["100X"].confusion)


def test_images_that_were_not_judged_do_not_count() -> None:
    truth, p = world()
    p[:10] = np.nan
    found = slice_results(truth, p)
    assert found[ALL].images == 230 and found[ALL].patients == 23


def test_intervals_are_wider_than_if_images_were_independent() -> None:
    truth, p = world(magnified=False)
    found = slice_results(truth, p)[ALL].measures["accuracy"]
    assert found.low < found.value < found.high
    independent = 2 * 1.96 * np.sqrt(found.value * (1 - found.value) / 240)
    assert found.high - found.low > 1.5 * independent


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Of a mean over patients, whose truth is known by simulation."""
    truth_value = np.mean(
        [slice_value(*world(seed=1000 + s, patients=400, each=2, magnified=False)) for s in range(5)]
    )
    held = 0
    for seed in range(60):
        truth, p = world(seed, patients=30, each=4, magnified=False)
        judged = Judged(truth.labels, p, truth.bootstrap.index, 30, 1)
        estimate = truth.bootstrap.estimate(
            judged.measures()["accuracy"][0], judged.measures(truth.bootstrap.weights)["accuracy"]
        )
        held += estimate.low <= truth_value <= estimate.high
    assert 50 <= held <= 60


def slice_value(truth: Truth, p: np.ndarray) -> float:
    return float(
        Judged(truth.labels, p, truth.bootstrap.index, truth.bootstrap.count, 1).measures()["accuracy"][0]
    )


def test_few_patients_have_no_interval() -> None:
    truth, p = world(patients=4, magnified=False)
    found = slice_results(truth, p)[ALL].measures["accuracy"]
    assert np.isfinite(found.value) and np.isnan(found.low) and np.isnan(found.high)


def test_the_same_draws_every_time_and_whatever_the_order() -> None:
    truth, p = world(magnified=False)
    order = np.random.default_rng(0).permutation(240)
    names = [f"p{i}" for i in np.repeat(np.arange(24), 10)[order]]
    shuffled = Truth(truth.labels[order], truth.magnifications, truth.class_names, 1, PatientBootstrap(names))
    for name, value in slice_results(truth, p)[ALL].measures.items():
        other = slice_results(shuffled, p[order])[ALL].measures[name]
        assert (value.low, value.high) == pytest.approx((other.low, other.high)), name


def test_a_row_against_itself_and_against_a_worse_one() -> None:
    truth, p = world()
    same = compare(truth, p, p, "itself")
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    worse = p[:, ::-1].copy()
    worse[truth.bootstrap.index < 12] = p[truth.bootstrap.index < 12]
    found = compare(truth, p, worse, "worse")
    back = compare(truth, worse, p, "better")
    assert found.difference == pytest.approx(-back.difference)
    assert found.p == pytest.approx(back.p)
    assert found.low < found.difference < found.high


def test_swaps_of_few_patients_are_counted_exactly() -> None:
    """Four patients, one row right on all: only swaps of all and of none go as far, two of sixteen."""
    truth = Truth(np.array([0, 1, 0, 1]), ("",) * 4, ("a", "b"), 1, PatientBootstrap(list("wxyz")))
    right = np.eye(2, dtype=np.float32)[truth.labels]
    found = compare(truth, right, 1 - right, "wrong")
    assert found.difference == 1 and found.p == pytest.approx(2 / 16)
    assert np.isnan(found.low)


def test_rows_of_equal_skill_are_seldom_told_apart() -> None:
    low = 0
    for seed in range(40):
        truth, p = world(seed, patients=20, each=4)
        _, other = world(seed + 500, patients=20, each=4)
        low += compare(truth, p, other, "other", seed).p < 0.05
    assert low <= 6  # 2 are expected


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.7, 0.9]) == [1.0, 1.0]
