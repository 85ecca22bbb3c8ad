"""Tests that are paired by patient, against every exchange done for real, and Holm's correction."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from a_world import world
from scipy.stats import rankdata
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.comparing import (
    COMPARED,
    EXACT,
    SWAPS,
    compare,
    compared,
    holm,
    sign_flip_p,
)
from napari_histoalign.evaluation.intervals import PatientBootstrap
from napari_histoalign.evaluation.outcome import Row
from napari_histoalign.evaluation.slicing import Truth, slice_results


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


def row(key: str, truth: Truth, p: np.ndarray) -> Row:
    return Row(key, f"title of {key}", "group", "inductive", slice_results(truth, p), p)


def test_each_measure_has_its_own_best_single_encoder_and_its_own_correction() -> None:
    truth, p = world(patients=30, skill=1.5, magnified=False)
    _, other = world(5, patients=30, skill=1.0, magnified=False)
    # ranks of the first are best, but its threshold is far off
    shifted = np.stack([1 - p[:, 1] ** 0.05, p[:, 1] ** 0.05], axis=1).astype(np.float32)
    third = (p + other) / 2
    given = [row("one-to-one-1", truth, shifted), row("one-to-one-2", truth, other)]
    given += [row("a", truth, p), row("b", truth, third)]

    found = {r.key: r.comparisons for r in compared(given, truth, 3)}

    singles = {"balanced accuracy": "one-to-one-2", "AUROC": "one-to-one-1"}
    probabilities = {r.key: r.probabilities for r in given}
    for measure, single in singles.items():
        of = {k: c for k, many in found.items() for c in many if c.measure == measure}
        assert of.keys() == {r.key for r in given} - {single}
        raw = [
            compare(truth, probabilities[k], probabilities[single], f"title of {single}", 3, measure=measure)
            for k in of
        ]
        for c, alone, corrected in zip(of.values(), raw, holm([c.p for c in raw]), strict=True):
            assert c == replace(alone, p_corrected=corrected)
    assert [c.measure for c in found["a"]] == list(COMPARED)


def test_a_measure_that_no_single_encoder_has_compares_nothing() -> None:
    truth, p = world(magnified=False)
    one_class = replace(truth, labels=np.zeros_like(truth.labels))
    given = [row("one-to-one-1", one_class, p), row("a", one_class, p[:, ::-1])]
    found = compared(given, one_class)
    assert [c.measure for c in found[1].comparisons] == ["balanced accuracy"]
    assert compared([row("a", truth, p)], truth)[0].comparisons == ()


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.7, 0.9]) == [1.0, 1.0]


def measured(measure: str, labels: np.ndarray, p: np.ndarray) -> float:
    if measure == "AUROC":
        return float(roc_auc_score(labels, p[:, 1]))
    return float(balanced_accuracy_score(labels, p.argmax(axis=1)))


def mixed(seed: int, patients: int, each: int) -> tuple[Truth, np.ndarray, np.ndarray]:
    """Patients with images of both classes, and two rows with ties."""
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1, 1, 0, 1], patients * each)[: patients * each]
    q = np.round(1 / (1 + np.exp(-(2 * labels - 1) * 0.4 - rng.normal(size=(2, len(labels))))), 1)
    names = [f"p{i:02}" for i in np.repeat(np.arange(patients), each)]
    truth = Truth(labels, ("",) * len(labels), ("a", "b"), 1, PatientBootstrap(names, replicates=400))
    a, b = (np.stack([1 - one, one], axis=1).astype(np.float32) for one in q)
    return truth, a, b


@pytest.mark.parametrize("measure", COMPARED)
@pytest.mark.parametrize("seed", range(4))
def test_p_is_that_of_every_exchange_done_for_real(measure: str, seed: int) -> None:
    truth, a, b = mixed(seed, 7, 6)
    index, labels = truth.bootstrap.index, truth.labels
    ranks = [np.stack([rankdata(p[:, 0]), rankdata(p[:, 1])], axis=1) for p in (a, b)]
    own, theirs = ranks if measure == "AUROC" else (a, b)
    after = []
    for swapped in product((False, True), repeat=7):
        here = np.array(swapped)[index][:, None]
        one, two = np.where(here, theirs, own), np.where(here, own, theirs)
        after.append(measured(measure, labels, one) - measured(measure, labels, two))
    found = compare(truth, a, b, "b", measure=measure)
    assert found.difference == pytest.approx(measured(measure, labels, a) - measured(measure, labels, b))
    assert found.p == pytest.approx(np.mean(np.abs(after) >= abs(after[0]) - 1e-9))


@pytest.mark.parametrize("measure", COMPARED)
def test_limits_are_those_of_differences_of_drawn_patients(measure: str) -> None:
    truth, a, b = mixed(0, 7, 6)
    drawn = []
    for weights in truth.bootstrap.weights:
        images = np.repeat(np.arange(42), weights[truth.bootstrap.index])
        drawn.append(np.subtract(*(measured(measure, truth.labels[images], p[images]) for p in (a, b))))
    found = compare(truth, a, b, "b", measure=measure)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, (2.5, 97.5))))


@pytest.mark.parametrize("measure", COMPARED)
def test_drawn_exchanges_come_near_all_of_them(measure: str, monkeypatch) -> None:
    truth, a, b = mixed(1, 12, 5)
    exact = compare(truth, a, b, "b", measure=measure).p
    monkeypatch.setattr("napari_histoalign.evaluation.comparing.EXACT", 0)
    drawn = compare(truth, a, b, "b", measure=measure).p
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / SWAPS) + 1 / SWAPS)


@pytest.mark.parametrize("measure", COMPARED)
def test_scales_do_not_matter_to_ranks_and_equal_rows_do_not_differ(measure: str) -> None:
    truth, p = world(patients=20)
    same = compare(truth, p, p, "itself", measure=measure)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    q = p[:, 1] ** 3 / (p[:, 1] ** 3 + p[:, 0] ** 3)
    sharper = np.stack([1 - q, q], axis=1)
    assert compare(truth, p, sharper, "sharper", measure=measure).p == 1


def test_equal_aurocs_of_other_scales_are_seldom_told_apart() -> None:
    low = 0
    for seed in range(60):
        truth, p = world(seed, patients=20, each=4, magnified=False)
        _, other = world(seed + 500, patients=20, each=4, magnified=False)
        other[:, 1] = 0.1 * other[:, 1] ** 2
        other[:, 0] = 1 - other[:, 1]
        low += compare(truth, p, other, "other", seed, measure="AUROC").p < 0.05
    assert low <= 8  # 3 are expected, more than 8 seldom


@pytest.mark.parametrize("measure", COMPARED)
def test_a_better_row_is_found_better(measure: str) -> None:
    truth, p = world(patients=40, skill=4.0)
    _, other = world(1, patients=40, skill=0.3)
    found = compare(truth, p, other, "poor", measure=measure)
    assert found.low > 0 and found.p < 0.001


@pytest.mark.parametrize("measure", COMPARED)
def test_nothing_in_common_is_no_difference_that_is_known(measure: str) -> None:
    truth, p = world()
    first, second = p.copy(), p.copy()
    first[:120], second[120:] = np.nan, np.nan
    found = compare(truth, first, second, "other", measure=measure)
    assert np.isnan([found.difference, found.low, found.high]).all() and found.p == 1


def test_few_patients_in_common_have_no_interval() -> None:
    truth, p = world()
    few = p.copy()
    few[truth.bootstrap.index > 3] = np.nan
    found = compare(truth, few, p[:, ::-1], "other")
    assert np.isfinite(found.difference) and np.isnan(found.low)


def test_a_measure_that_rows_are_not_compared_by() -> None:
    truth, p = world()
    with pytest.raises(DatasetError, match="not by 'ECE'"):
        compare(truth, p, p, "itself", measure="ECE")


def test_signs_of_many_parts_of_one_size_are_a_binomial() -> None:
    """Sixty wins of a hundred: the binomial's two tails."""
    from scipy.stats import binomtest

    parts = np.concatenate([np.full(60, 0.01), np.full(40, -0.01), np.zeros(1000)])
    assert len(parts) > EXACT
    exact = binomtest(60, 100).pvalue
    assert sign_flip_p(parts) == pytest.approx(exact, abs=4 * np.sqrt(exact / SWAPS))


def test_a_hundred_thousand_patients_of_one_image_each_are_no_burden() -> None:
    import tracemalloc

    parts = np.random.default_rng(0).choice([-1e-5, 0.0, 1e-5], 100_000)
    tracemalloc.start()
    assert 0 < sign_flip_p(parts) <= 1
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
