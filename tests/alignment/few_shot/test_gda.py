"""GDA against its published formula, against scikit-learn, and against fits without each example."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import mark
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from napari_histoalign.alignment.few_shot import gda
from napari_histoalign.alignment.few_shot.gda import Gda, held_out

SHAPES = pytest.mark.parametrize(
    ("counts", "width"), [((8, 8, 8), 12), ((8, 8, 8), 40), ((3, 9, 5), 12), ((2, 3, 2), 50), ((2, 2), 6)]
)


def as_published(x: np.ndarray, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """``d pinv((n - 1) Cov + tr(Cov) I)``, and what follows from it."""
    means = np.array([x[labels == c].mean(axis=0) for c in range(classes)])
    cov = np.cov((x - means[labels]).T)
    d = x.shape[1]
    inverse = d * np.linalg.pinv((len(x) - 1) * cov + np.trace(cov) * np.eye(d))
    return inverse @ means.T, -np.einsum("cd,de,ce->c", means, inverse, means) / 2


@SHAPES
def test_it_is_the_published_classifier_but_for_a_factor(counts: tuple[int, ...], width: int) -> None:
    support = mark(counts=counts, widths=(width,)).support()
    x = support.features[0]
    weights, offsets = as_published(x, support.labels, len(counts))

    got = Gda.fit(x, support)

    np.testing.assert_allclose(width * got.offsets, offsets, rtol=1e-6)
    rows = np.random.default_rng(1).normal(size=(20, width))  # outside the span of the examples, too
    np.testing.assert_allclose(width * got.score(rows), rows @ weights + offsets, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("width", [12, 40])
def test_it_is_shrunk_linear_discriminant_analysis(width: int) -> None:
    """Equal with as many examples of each class, and shrinkage ``d / (d + m - 1)``."""
    support = mark(counts=(7, 7, 7), widths=(width,)).support()
    x, m = support.features[0], 21
    shrinkage = width / (width + m - 1)
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage, priors=[1 / 3] * 3)
    reference.fit(x, support.labels)
    rows = np.random.default_rng(2).normal(size=(30, width))

    got = Gda.fit(x, support).score(rows) * m / (1 - shrinkage)

    np.testing.assert_allclose(got, reference.decision_function(rows) + np.log(3), rtol=1e-6, atol=1e-8)


@SHAPES
def test_leave_one_out_is_a_fit_without_each_example(counts: tuple[int, ...], width: int) -> None:
    support = mark(counts=counts, widths=(width,)).support()
    x = support.features[0]

    got = held_out(x, support)

    for i in range(len(x)):
        kept = np.arange(len(x)) != i
        weights, offsets = as_published(x[kept], support.labels[kept], len(counts))
        np.testing.assert_allclose(width * got[i], x[i] @ weights + offsets, rtol=1e-6, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    counts=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    width=st.sampled_from([3, 8, 30]),
)
def test_closed_form_and_single_fits_are_one(seed: int, counts: list[int], width: int) -> None:
    """With classes of one example, too, which are not there without it."""
    support = mark(seed, tuple(counts), widths=(width,)).support()
    basis, inside = gda._reduced(support.features[0])

    np.testing.assert_allclose(inside @ basis.T, support.features[0], atol=1e-10)
    fast, slow = gda._one_by_one(inside, support), gda._group_by_group(inside, support)
    np.testing.assert_array_equal(np.isnan(fast), support.left == 0)
    np.testing.assert_allclose(fast, slow, rtol=1e-6, atol=1e-8)


def test_groups_are_left_out_whole() -> None:
    marked = mark(counts=(6, 6, 6), widths=(12,))
    groups = np.tile([4, 4, 9, 9, 2, 7], 3)
    support = marked.support(groups)
    x = support.features[0]

    got = held_out(x, support)

    for i in range(len(x)):
        kept = groups != groups[i]
        weights, offsets = as_published(x[kept], support.labels[kept], 3)
        np.testing.assert_allclose(12 * got[i], x[i] @ weights + offsets, rtol=1e-6, atol=1e-8)


def test_one_example_a_class_is_the_nearest_mean() -> None:
    support = mark(counts=(1, 1, 1), widths=(30,)).support()
    x = support.features[0]
    rows = np.random.default_rng(3).normal(size=(50, 30))
    nearest = ((rows[:, None] - x) ** 2).sum(axis=2).argmin(axis=1)

    np.testing.assert_array_equal(Gda.fit(x, support).score(rows).argmax(axis=1), nearest)


def test_the_same_tile_marked_twice_is_one_example_and_not_a_narrow_class() -> None:
    marked = mark(counts=(1, 1), widths=(10,))
    twice = [np.repeat(f, 2, axis=0) for f in marked.features]
    marked.features, marked.labels = twice, np.repeat(marked.labels, 2)
    marked.zero_shot = np.repeat(marked.zero_shot, 2, axis=0)
    support = marked.support()
    x = support.features[0]
    scores = Gda.fit(x, support).score(x)

    assert np.abs(scores).max() < 10
    np.testing.assert_array_equal(scores.argmax(axis=1), support.labels)
    assert np.abs(held_out(x, support)).max() < 10


def test_a_class_without_examples_has_no_score() -> None:
    marked = mark(counts=(4, 0, 4), widths=(12,))
    support = marked.support()
    x = support.features[0]
    two = mark(counts=(4, 4), widths=(12,))
    two.features, two.zero_shot = marked.features, marked.zero_shot[:, [0, 2]]

    scores, without = Gda.fit(x, support).score(x), Gda.fit(x, two.support()).score(x)

    assert np.isnan(scores[:, 1]).all()
    np.testing.assert_allclose(scores[:, [0, 2]], without)
    np.testing.assert_allclose(held_out(x, support)[:, [0, 2]], held_out(x, two.support()))
