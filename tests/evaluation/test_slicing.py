"""Results of each slice, and of all as the mean over magnifications."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from a_world import world

from napari_histoalign.evaluation.outcome import ALL
from napari_histoalign.evaluation.slicing import slice_results


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


def test_a_slice_of_few_patients_has_no_interval_and_neither_has_a_mean_over_it() -> None:
    truth, p = world()
    first = np.array(truth.magnifications) == "40X"
    p[first & (truth.bootstrap.index > 3)] = np.nan
    found = slice_results(truth, p)
    assert found["40X"].patients == 4 and found["100X"].patients == 24
    for name, known in (("40X", False), ("100X", True), (ALL, False)):
        estimate = found[name].measures["accuracy"]
        assert np.isfinite(estimate.value)
        assert np.isfinite([estimate.low, estimate.high]).all() == known


def test_a_slice_nobody_judged_is_left_out() -> None:
    truth, p = world()
    p[np.array(truth.magnifications) == "40X"] = np.nan
    found = slice_results(truth, p)
    assert list(found) == ["100X", ALL]
    assert found[ALL].measures == found["100X"].measures
    assert slice_results(truth, np.full_like(p, np.nan)) == {}


def test_a_mean_leaves_out_magnifications_where_a_measure_is_not_defined() -> None:
    truth, p = world()
    labels = np.where(np.array(truth.magnifications) == "40X", 0, truth.labels)
    found = slice_results(replace(truth, labels=labels), p)
    assert np.isnan(found["40X"].measures["AUROC"].value)
    assert found[ALL].measures["AUROC"] == found["100X"].measures["AUROC"]
