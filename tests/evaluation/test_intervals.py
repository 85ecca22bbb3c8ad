"""Intervals over patients: the same draws for all, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from a_world import world

from napari_histoalign.evaluation.intervals import LEAST_REPLICATES, PatientBootstrap
from napari_histoalign.evaluation.measures import Judged
from napari_histoalign.evaluation.outcome import ALL
from napari_histoalign.evaluation.slicing import Truth, slice_results


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


def test_draws_are_seeded_and_take_as_many_patients_as_there_are() -> None:
    names = ["b", "a", "a", "c", "b"]
    one, again, other = (PatientBootstrap(names, replicates=300, seed=s) for s in (3, 3, 4))
    assert one.weights.shape == (300, 3) and (one.weights.sum(axis=1) == 3).all()
    np.testing.assert_array_equal(one.index, [1, 0, 0, 2, 1])
    np.testing.assert_array_equal(one.weights, again.weights)
    assert (one.weights != other.weights).any()


def test_very_many_patients_are_drawn_less_often() -> None:
    many = PatientBootstrap([str(i) for i in range(90_000)])
    assert len(many.weights) == 222 >= LEAST_REPLICATES


def test_limits_are_percentiles_of_what_is_defined() -> None:
    bootstrap = PatientBootstrap(list("abcdef"))
    drawn = np.concatenate([np.full(1000, np.nan), np.linspace(0, 1, 1001)])
    found = bootstrap.estimate(0.4, drawn)
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.025, 0.975))
    assert found.undefined == pytest.approx(1000 / 2001)
    assert bootstrap.estimate(0.4, drawn[1000:]).undefined == 0


def test_draws_without_a_class_are_counted_by_measure() -> None:
    """Of six patients one is malignant: (5/6)^6 of the draws lack it, and then there is no AUROC."""
    truth = Truth(np.array([1, 0, 0, 0, 0, 0]), ("",) * 6, ("b", "m"), 1, PatientBootstrap(list("abcdef")))
    p = np.linspace(0.1, 0.9, 6)
    found = slice_results(truth, np.stack([p, 1 - p], axis=1))[ALL].measures
    lacking = np.mean(truth.bootstrap.weights[:, 0] == 0)
    only = np.mean(truth.bootstrap.weights[:, 0] == 6)
    assert lacking == pytest.approx((5 / 6) ** 6, abs=0.04)
    assert found["AUROC"].undefined == pytest.approx(lacking + only)
    assert found["AUPRC"].undefined == pytest.approx(lacking)
    assert found["accuracy"].undefined == 0


@pytest.mark.parametrize(("undefined", "patients"), [(1002, None), (0, 4)])
def test_no_limits_of_too_few_draws_or_patients(undefined: int, patients) -> None:
    drawn = np.concatenate([np.full(undefined, np.nan), np.linspace(0, 1, 1001)])
    found = PatientBootstrap(list("abcdef")).estimate(0.4, drawn, patients)
    assert found.value == 0.4 and np.isnan(found.low) and np.isnan(found.high)
