"""Curves against scikit-learn, by hand, and with fewer points."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from napari_histoalign.evaluation.outcome import Estimate
from napari_histoalign.evaluation.report.charts import scale_for
from napari_histoalign.evaluation.report.curves import precision_recall, reliability, roc, simplified
from napari_histoalign.evaluation.report.drawing import Drawing

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture
def judged() -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    rng = np.random.default_rng(2)
    truth = rng.random(500) < 0.3
    return truth, np.round(rng.normal(truth * 0.8), 1)  # rounded: many are equal


def test_roc_is_that_of_scikit_learn(judged: tuple[NDArray[np.bool_], NDArray[np.float64]]) -> None:
    points = roc(*judged)
    false_rate, true_rate, _ = roc_curve(*judged, drop_intermediate=False)

    assert points is not None
    np.testing.assert_allclose(points, np.column_stack([false_rate, true_rate]))
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(roc_auc_score(*judged))


def test_area_under_steps_is_the_average_precision(
    judged: tuple[NDArray[np.bool_], NDArray[np.float64]],
) -> None:
    points = precision_recall(*judged)

    assert points is not None
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(average_precision_score(*judged))
    assert points[-1, 0] == 1


@pytest.mark.parametrize("truth", [[], [True, True], [False]])
def test_one_class_alone_has_no_curve(truth: list[bool]) -> None:
    score = np.arange(len(truth), dtype=np.float64)

    assert roc(np.array(truth, bool), score) is None
    assert precision_recall(np.array(truth, bool), score) is None


@settings(max_examples=50, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60),
    tolerance=st.floats(0.001, 0.2),
)
def test_a_simplified_line_keeps_its_ends_and_stays_near(
    points: list[tuple[float, float]], tolerance: float
) -> None:
    line = np.array(points)

    fewer = simplified(line, tolerance)

    np.testing.assert_array_equal(fewer[[0, -1]], line[[0, -1]])
    for point in line:
        nearest = min(
            _distance(point, a, b)
            for a, b in zip(fewer, fewer[1:] if len(fewer) > 1 else fewer, strict=False)
        )
        assert nearest <= tolerance + 1e-12


def _distance(point: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if (a == b).all():
        return float(np.hypot(*(point - a)))
    share = min(max(float((point - a) @ (b - a) / ((b - a) @ (b - a))), 0.0), 1.0)
    return float(np.hypot(*(point - a - share * (b - a))))


def test_ten_thousand_images_need_few_points() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(10_000) < 0.5
    points = roc(truth, rng.normal(truth * 1.0))

    assert points is not None
    assert len(simplified(points)) < 200


def test_reliability_by_hand() -> None:
    probabilities = np.array([[0.55, 0.45], [0.45, 0.55], [0.97, 0.03], [0.05, 0.95], [0.0, 1.0]])
    labels = np.array([0, 0, 0, 1, 0])

    found = reliability(labels, probabilities)

    np.testing.assert_array_equal(found.images, [2, 3])
    np.testing.assert_allclose(found.confidence, [0.55, (0.97 + 0.95 + 1.0) / 3])
    np.testing.assert_allclose(found.accuracy, [1 / 2, 2 / 3])


def test_no_text_breaks_out_of_a_drawing() -> None:
    drawing = Drawing(10, 10, '"><script>\u202e')
    drawing.text(1, 2, "</text><script>", "tick")

    root = ElementTree.fromstring(str(drawing.markup()))

    assert root.attrib["aria-label"] == '"><script>\\u202e'
    assert [(part.tag, part.text) for part in root] == [("text", "</text><script>")]


@pytest.mark.parametrize(
    ("estimates", "low", "high"),
    [
        ([Estimate(0.62, 0.53, 0.71)], 0.5, 0.75),
        ([Estimate(-0.1, -0.2, 0.1), Estimate(0.9, float("nan"), float("nan"))], -0.2, 1.0),
        ([Estimate(0.5, 0.5, 0.5)], 0.5, 0.51),
        ([Estimate(float("nan"), float("nan"), float("nan"))], 0.0, 1.0),
    ],
)
def test_an_axis_has_round_ends_that_hold_all(estimates: list[Estimate], low: float, high: float) -> None:
    scale = scale_for(estimates)

    assert (scale.low, scale.high) == (low, high)
    assert scale.x(low) < scale.x(high)
