"""Measures under wrong labels, and a measure that does not move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from a_world import world

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.intervals import PatientBootstrap
from napari_histoalign.evaluation.label_checks import TURNED, permuted_labels_check, shuffled_labels_check
from napari_histoalign.evaluation.measures import Judged
from napari_histoalign.evaluation.slicing import Truth


@pytest.mark.parametrize("positive", [0, 1, None])
def test_turned_labels_turn_measures(positive) -> None:
    truth, p = world()
    p[:7] = np.nan
    found = permuted_labels_check(replace(truth, positive=positive), p)
    assert tuple(check.measure for check in found) == TURNED
    judged = Judged(truth.labels[7:], p[7:], truth.bootstrap.index[7:], truth.bootstrap.count, 1)
    for check in found:
        assert check.ok and check.value > 0.6
        assert check.value == pytest.approx(judged.measures()[check.measure][0])
        assert check.changed == pytest.approx(1 - check.value) == pytest.approx(check.expected)


def test_one_class_alone_has_no_auroc_to_turn() -> None:
    truth, p = world()
    found = permuted_labels_check(replace(truth, labels=np.zeros_like(truth.labels)), p)
    assert [check.measure for check in found] == list(TURNED[:-1])
    assert all(check.ok for check in found)


@pytest.mark.parametrize("check", [permuted_labels_check, shuffled_labels_check])
def test_a_measure_that_ignores_labels_is_found_out(check, monkeypatch) -> None:
    truth, p = world()
    measures = Judged.measures

    def stuck(self, weights=None):
        return measures(self, weights) | {"AUROC": np.array([0.9])}

    monkeypatch.setattr(Judged, "measures", stuck)
    monkeypatch.setattr(Judged, "auroc", lambda self, weights, c: np.array([0.9]))
    found = {one.measure: one.ok for one in check(truth, p)}
    assert found == {name: name != "AUROC" for name in found}
    assert "AUROC" in found


@pytest.mark.parametrize("classes", [2, 3])
def test_shuffled_labels_leave_nothing(classes: int) -> None:
    """Classes of unequal size, answers that are right and favour one class."""
    rng = np.random.default_rng(5)
    labels = rng.choice(classes, 400, p=[0.7, 0.3] if classes == 2 else [0.6, 0.3, 0.1])
    logits = 3 * np.eye(classes)[labels] + rng.normal(size=(400, classes)) + np.arange(classes)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = tuple("abc"[:classes])
    truth = Truth(labels, ("",) * 400, names, None, PatientBootstrap([str(i // 8) for i in range(400)]))
    found = {check.measure: check for check in shuffled_labels_check(truth, p)}
    assert all(check.ok and check.value > 0.8 for check in found.values())
    assert found["AUROC"].changed == pytest.approx(0.5, abs=0.03)
    assert found["balanced accuracy"].expected == pytest.approx(1 / classes)
    assert found["balanced accuracy"].changed == pytest.approx(1 / classes, abs=0.03)
    assert found["AUROC"] == shuffled_labels_check(truth, p)[1]


def test_labels_that_were_not_shuffled_are_found_out(monkeypatch) -> None:
    truth, p = world()
    monkeypatch.setattr("napari_histoalign.evaluation.label_checks._with", lambda judged, labels: judged)
    assert not any(check.ok for check in shuffled_labels_check(truth, p))


def test_what_cannot_be_checked_is_refused() -> None:
    truth, p = world()
    with pytest.raises(DatasetError, match="No image was judged"):
        permuted_labels_check(truth, np.full_like(p, np.nan))
    with pytest.raises(DatasetError, match="two classes"):
        permuted_labels_check(replace(truth, class_names=("a", "b", "c")), p)
    with pytest.raises(DatasetError, match="10 times"):
        shuffled_labels_check(truth, p, shuffles=9)
    with pytest.raises(DatasetError, match="every class"):
        shuffled_labels_check(replace(truth, labels=np.zeros_like(truth.labels)), p)
