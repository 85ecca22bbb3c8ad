"""Measures against scikit-learn, by hand, and under weights against images that are there as often."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from napari_histoalign.alignment.calibration import brier, ece
from napari_histoalign.evaluation.measures import MEASURES, Judged, per_class


def case(seed: int, n: int = 120, classes: int = 3, patients: int = 9, decimals: int = 2):
    """Probabilities with ties, which rounding makes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[labels]
    p = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), decimals) + 1e-3
    # rows are float32; in float64, 1/3 would stand on the other side of the edge of a bin
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
    return labels, p, rng.integers(0, patients, n)


def by_sklearn(labels, p, positive=None, *, ranked: bool = True) -> dict[str, float]:
    said = p.argmax(axis=1)
    found = {
        "accuracy": metrics.accuracy_score(labels, said),
        "balanced accuracy": metrics.balanced_accuracy_score(labels, said),
    }
    for average in ("macro", "weighted"):
        numbers = metrics.precision_recall_fscore_support(labels, said, average=average, zero_division=0)
        found |= {
            f"{average} {n}": v for n, v in zip(("precision", "recall", "F1"), numbers[:3], strict=True)
        }
    if not ranked:
        return found
    looked_for = range(p.shape[1]) if positive is None else [positive]
    found["AUROC"] = np.mean([metrics.roc_auc_score(labels == c, p[:, c]) for c in looked_for])
    found["AUPRC"] = np.mean([metrics.average_precision_score(labels == c, p[:, c]) for c in looked_for])
    return found


@pytest.mark.parametrize(("classes", "positive"), [(2, 1), (2, 0), (2, None), (3, None), (8, None)])
@pytest.mark.parametrize("seed", range(3))
def test_measures_are_those_of_scikit_learn(seed: int, classes: int, positive) -> None:
    labels, p, patients = case(seed, classes=classes)
    found = Judged(labels, p, patients, 9, positive).measures()
    for name, value in by_sklearn(labels, p, positive).items():
        assert found[name][0] == pytest.approx(value, abs=1e-12), name
    assert found["ECE"][0] == pytest.approx(ece(p, labels), abs=1e-6)
    assert found["Brier"][0] == pytest.approx(brier(p, labels), abs=1e-6)
    assert set(found) == set(MEASURES)


def test_the_patient_recognition_rate_by_hand() -> None:
    """Spanhol et al.: the mean of 3/4, 1/2 and 0, not 4/8 images."""
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    said = np.array([1, 1, 1, 0, 0, 1, 1, 1])
    patients = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    found = Judged(labels, np.eye(2)[said], patients, 3).measures()
    assert found["patient recognition rate"][0] == pytest.approx((0.75 + 0.5 + 0) / 3)
    assert found["accuracy"][0] == pytest.approx(0.5)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_weights_count_as_repeated_images(seed: int) -> None:
    labels, p, patients = case(seed, n=60)
    weights = np.random.default_rng(seed).multinomial(9, [1 / 9] * 9, size=4)
    found = Judged(labels, p, patients, 9).measures(weights)
    big = Judged(labels, p, patients, 1000).measures(np.pad(weights, ((0, 0), (0, 991))))
    np.testing.assert_allclose(big["AUROC"], found["AUROC"], atol=1e-12)  # image by image
    for r, row in enumerate(weights):
        images = np.repeat(np.arange(60), row[patients])
        if len(set(labels[images])) < 3:
            continue
        for name, value in by_sklearn(labels[images], p[images]).items():
            assert found[name][r] == pytest.approx(value, abs=1e-9), name
        assert found["ECE"][r] == pytest.approx(ece(p[images], labels[images]), abs=1e-6)


@given(seed=st.integers(0, 10_000), classes=st.integers(2, 5), n=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:y_pred contains classes:UserWarning")
@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
def test_classes_without_images_are_counted_as_scikit_learn_does(seed: int, classes: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(rng.permutation(classes)[: rng.integers(1, classes + 1)], n)
    p = np.round(rng.dirichlet(np.ones(classes), n), 1) + 0.01
    found = Judged(labels, p, rng.integers(0, 4, n), 4).measures()
    absent = len(set(labels)) < classes
    for name, value in by_sklearn(labels, p, ranked=not absent).items():
        assert found[name][0] == pytest.approx(value, abs=1e-9), name
    assert absent == np.isnan(found["AUROC"][0]) == np.isnan(found["AUPRC"][0])


def test_auroc_of_many_classes_is_scikit_learns_one_against_the_rest() -> None:
    labels, p, patients = case(4, classes=5, decimals=6)
    found = Judged(labels, p, patients, 9).measures()["AUROC"][0]
    assert found == pytest.approx(metrics.roc_auc_score(labels, p, multi_class="ovr", average="macro"))


def test_auroc_of_a_few_images_pair_by_pair() -> None:
    labels, p, patients = case(2, n=30, classes=2, decimals=1)
    own, others = p[labels == 1, 1], p[labels == 0, 1]
    wins = sum((a > b) + (a == b) / 2 for a in own for b in others)
    found = Judged(labels, p, patients, 9, 1)
    twice = np.full((2, 9), 2)
    assert found.measures()["AUROC"][0] == pytest.approx(wins / len(own) / len(others))
    np.testing.assert_allclose(found.measures(twice)["AUROC"], wins / len(own) / len(others))


def test_weights_in_blocks_give_what_they_give_together(monkeypatch) -> None:
    labels, p, patients = case(3)
    weights = np.random.default_rng(3).multinomial(9, [1 / 9] * 9, size=7)
    whole = Judged(labels, p, patients, 9).measures(weights)
    monkeypatch.setattr("napari_histoalign.evaluation.measures.MOST_NUMBERS", 2 * len(labels))
    monkeypatch.setattr("napari_histoalign.evaluation.measures.MOST_PAIRED", 0)
    for name, values in Judged(labels, p, patients, 9).measures(weights).items():
        np.testing.assert_allclose(values, whole[name], atol=1e-12, err_msg=name)


def test_average_precision_is_that_of_every_draw() -> None:
    """As many as are asked for, each that of the images repeated."""
    labels, p, patients = case(5, n=80, classes=2)
    weights = np.random.default_rng(5).multinomial(9, [1 / 9] * 9, size=1500)

    found = Judged(labels, p, patients, 9, 1).measures(weights)["AUPRC"]

    assert found.shape == (1500,)
    for r in (0, 399, 400, 777, 1499):
        images = np.repeat(np.arange(80), weights[r][patients])
        wanted = metrics.average_precision_score(labels[images] == 1, p[images, 1])
        assert found[r] == pytest.approx(wanted, abs=1e-12)


def test_average_precision_where_only_some_draws_hold_the_class() -> None:
    """Patient 0 alone is of the class, ranked second of two scores."""
    judged = Judged(np.array([1, 0, 0]), np.array([[0.5, 0.5], [0.2, 0.8], [0.5, 0.5]]), np.arange(3), 3, 1)
    weights = np.array([[1, 1, 1], [0, 2, 1], [2, 1, 0], [3, 0, 0], [1, 0, 2]])
    found = judged.measures(weights)["AUPRC"]
    np.testing.assert_allclose(found, [1 / 3, np.nan, 2 / 3, 1, 1 / 3])


def test_what_is_not_defined_is_no_number() -> None:
    labels, p, patients = case(0, classes=2)
    found = Judged(np.zeros_like(labels), p, patients, 9, 1).measures()
    assert np.isnan(found["AUROC"][0]) and np.isnan(found["AUPRC"][0])
    assert found["balanced accuracy"][0] == pytest.approx((p.argmax(axis=1) == 0).mean())


def test_each_class_by_scikit_learn() -> None:
    labels, p, patients = case(1)
    found = per_class(Judged(labels, p, patients, 9), ["a", "b", "c"])
    wanted = metrics.precision_recall_fscore_support(labels, p.argmax(axis=1), zero_division=0)
    for c, name in enumerate("abc"):
        assert found[name]["precision"] == pytest.approx(wanted[0][c])
        assert found[name]["recall"] == pytest.approx(wanted[1][c])
        assert found[name]["F1"] == pytest.approx(wanted[2][c])
        assert found[name]["support"] == wanted[3][c]
        assert found[name]["AUROC"] == pytest.approx(metrics.roc_auc_score(labels == c, p[:, c]))


@pytest.mark.parametrize("seed", range(3))
def test_labels_the_other_way_round_turn_measures_round(seed: int) -> None:
    labels, p, patients = case(seed, classes=2, decimals=6)
    right = Judged(labels, p, patients, 9, 1).measures()
    wrong = Judged(1 - labels, p, patients, 9, 1).measures()
    for name in ("accuracy", "balanced accuracy", "AUROC", "patient recognition rate"):
        assert wrong[name][0] == pytest.approx(1 - right[name][0])
