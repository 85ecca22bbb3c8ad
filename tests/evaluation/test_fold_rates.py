"""Rates over folds, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.fold_rates import fold_rates
from napari_histoalign.evaluation.intervals import PatientBootstrap
from napari_histoalign.evaluation.outcome import ALL
from napari_histoalign.evaluation.records import Fold
from napari_histoalign.evaluation.slicing import Truth

RIGHT = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 1])
"""Of patients a a a a b b c c d d: 3/4, 1/2, 0 and 1 of their images."""


def case(magnifications: tuple[str, ...] = ("",) * 10) -> tuple[Truth, np.ndarray]:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    truth = Truth(labels, magnifications, ("b", "m"), 1, PatientBootstrap(list("aaaabbccdd"), replicates=10))
    return truth, np.eye(2, dtype=np.float32)[np.where(RIGHT, labels, 1 - labels)]


def fold(name: str, *test: int) -> Fold:
    return Fold(name, np.setdiff1d(np.arange(10), test), np.array(test), True)


def test_rates_of_two_folds_by_hand() -> None:
    truth, p = case()
    found = fold_rates(truth, p, [fold("1", *range(6)), fold("2", 6, 7, 8, 9, 0, 1, 2, 3)])[ALL]
    # fold 1 tests a and b, fold 2 a, c and d
    image, patient = (4 / 6, 5 / 8), ((3 / 4 + 1 / 2) / 2, (3 / 4 + 0 + 1) / 3)
    assert found["image level"].by_fold == pytest.approx(image)
    assert found["patient level"].by_fold == pytest.approx(patient)
    for rate, values in (("image level", image), ("patient level", patient)):
        assert found[rate].mean == pytest.approx(sum(values) / 2)
        assert found[rate].std == pytest.approx(abs(values[0] - values[1]) / np.sqrt(2))


def test_each_magnification_alone_and_all_as_their_mean() -> None:
    truth, p = case(("40X", "100X") * 5)
    found = fold_rates(truth, p, [fold("1", *range(10))])
    assert list(found) == ["40X", "100X", ALL]
    # a has 2 of 2 at 40X and 1 of 2 at 100X; b 1 and 0; c 0 and 0; d 1 and 1
    assert found["40X"]["patient level"].mean == pytest.approx((1 + 1 + 0 + 1) / 4)
    assert found["100X"]["patient level"].mean == pytest.approx((0.5 + 0 + 0 + 1) / 4)
    assert found[ALL]["patient level"].mean == pytest.approx((3 / 4 + 1.5 / 4) / 2)
    assert np.isnan(found[ALL]["patient level"].std)


def test_a_model_for_each_fold_and_images_that_it_does_not_judge() -> None:
    truth, p = case()
    models = np.stack([p, 1 - p, np.full_like(p, np.nan)])
    found = fold_rates(truth, models, [fold("1", 0, 1, 3), fold("2", 0, 1, 3), fold("3", 4, 5)])[ALL]
    assert found["image level"].by_fold[:2] == pytest.approx((2 / 3, 1 / 3))
    assert np.isnan(found["image level"].by_fold[2])
    assert found["image level"].mean == pytest.approx(0.5)


@pytest.mark.parametrize("folds", [[], [fold("1", 0)]])
def test_no_folds_and_other_shapes_are_refused(folds: list[Fold]) -> None:
    truth, p = case()
    with pytest.raises(DatasetError, match="Rates over"):
        fold_rates(truth, np.stack([p, p]) if folds else p, folds)
