"""How evidence is mixed with words, and how its weight is chosen."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import mark
from scipy.special import softmax
from sklearn.metrics import balanced_accuracy_score

from napari_histoalign.alignment.few_shot.choice import ALPHAS, balanced_accuracy, choose, joined
from napari_histoalign.alignment.few_shot.mixing import centred, mix, spread_of
from napari_histoalign.alignment.few_shot.support import support_of
from napari_histoalign.errors import AlignmentError

NAN = math.nan


def test_a_mix_is_a_weighted_mean() -> None:
    got = mix(np.array([[1.0, 2.0]]), np.array([[4.0, -1.0]]), 0.5)

    np.testing.assert_allclose(got, [[3 / 1.5, 1.5 / 1.5]])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), alpha=st.sampled_from(ALPHAS))
def test_a_class_without_evidence_keeps_its_probability(seed: int, alpha: float) -> None:
    rng = np.random.default_rng(seed)
    words, evidence = rng.normal(scale=4, size=(20, 5)), rng.normal(scale=4, size=(20, 5))
    missing = rng.random((20, 5)) < 0.4
    evidence[missing] = NAN
    before = softmax(words, axis=1)
    after = softmax(mix(words, evidence, alpha), axis=1)

    np.testing.assert_allclose(after[missing], before[missing], atol=1e-12)
    for i in range(20):  # among the others, evidence decides as it would without that class
        seen = ~missing[i]
        if seen.any():
            share = softmax((words[i, seen] + alpha * evidence[i, seen]) / (1 + alpha))
            np.testing.assert_allclose(after[i, seen], before[i, seen].sum() * share, atol=1e-12)


def test_centring_and_spread_by_hand() -> None:
    got = centred(np.array([[1.0, 3.0, NAN], [NAN, 2.0, NAN]]))

    np.testing.assert_array_equal(got, [[-1, 1, NAN], [NAN, 0, NAN]])
    assert spread_of(got) == pytest.approx(math.sqrt(2 / 3))
    assert spread_of(np.full((2, 2), NAN)) == 0
    assert spread_of(np.full((2, 2), 1e-12)) == 0


def test_encoders_count_alike_whatever_their_units() -> None:
    a, b = np.array([[1.0, -1.0], [3.0, -3.0]]), np.array([[-2.0, 2.0], [2.0, -2.0]])
    one = joined([(a, 1.0), (b, 1.0)])

    np.testing.assert_allclose(joined([(50 * a + 7, 50.0), (b, 1.0)]), one)
    np.testing.assert_allclose(joined([(a, 1.0), (b, 0.0)]), a / 2)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_balanced_accuracy_against_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(40, 4)), np.append(rng.integers(0, 2, 39), 3)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # predictions of classes that no label has
        expected = balanced_accuracy_score(labels, logits.argmax(axis=1))
    assert balanced_accuracy(logits, labels) == pytest.approx(expected)


def chosen(words: np.ndarray, evidence: np.ndarray, labels: list[int]) -> object:
    support = support_of([np.eye(len(labels))], labels, words, None)
    return choose(support, {0.0: [evidence]}, 1.0, ALPHAS, 3.0)


def test_of_equally_good_weights_the_smallest_is_taken() -> None:
    words = np.array([[2.0, 0], [2, 0], [0, 2], [0, 2]])

    assert chosen(words, words, [0, 0, 1, 1]).alpha == ALPHAS[0]  # type: ignore[attr-defined]


def test_the_weight_is_the_smallest_that_outvotes_wrong_words() -> None:
    """Words lean to the wrong class by 2, evidence to the right one by 2: more than 1 is needed."""
    right = np.array([[1.0, -1], [1, -1], [-1, 1], [-1, 1]])
    got = chosen(-right, right, [0, 0, 1, 1])

    assert got.alpha == 3.0  # type: ignore[attr-defined]
    assert got.accuracy == 1  # type: ignore[attr-defined]
    assert got.zero_shot_accuracy == 0  # type: ignore[attr-defined]
    np.testing.assert_allclose(got.logits, (-right + 3 * right) / 4)  # type: ignore[attr-defined]


def test_of_several_betas_the_better_is_taken() -> None:
    right = np.array([[1.0, -1], [1, -1], [-1, 1], [-1, 1]])
    support = support_of([np.eye(4)], [0, 0, 1, 1], -right, None)
    got = choose(support, {1.0: [-right], 9.0: [right]}, 1.0, ALPHAS, 3.0)

    assert (got.alpha, got.beta) == (3.0, 9.0)


@pytest.mark.parametrize(
    ("labels", "groups", "judged"),
    [
        ([0, 1], None, []),  # an example left out leaves none of its class
        ([0, 0, 1], None, []),  # and with one class judged, the weight would follow that class
        ([0, 0, 1, 1], None, [0, 1, 2, 3]),
        ([0, 0, 1, 1, 2], None, [0, 1, 2, 3]),
        ([0, 0, 1, 1], [5, 5, 6, 7], []),
        ([0, 0, 0, 1, 1], ["a", "a", "b", "b", "c"], [0, 1, 2, 3, 4]),
        ([0, 0, 1, 1], ["a", "b", "a", "b"], [0, 1, 2, 3]),
    ],
)
def test_who_can_be_judged_by_the_others(labels: list, groups: list | None, judged: list[int]) -> None:
    support = support_of([np.eye(len(labels))], labels, np.zeros((len(labels), 3)), groups)

    assert np.flatnonzero(support.judged).tolist() == judged


def test_folds_keep_groups_whole_and_spread_classes() -> None:
    marked = mark(counts=(40, 40, 40))
    groups = np.repeat(np.arange(60), 2)
    folded = marked.support(groups).folded(10)

    assert folded.groups.max() == 9
    assert (folded.groups[::2] == folded.groups[1::2]).all()
    assert all(np.bincount(folded.labels[folded.groups == f], minlength=3).min() > 0 for f in range(10))
    assert marked.support(groups).folded(60).groups.max() == 59


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"labels": [0, 0, 0]}, "two classes"),
        ({"labels": [0, 1, 3]}, "between 0 and 2"),
        ({"labels": [0, 1]}, "one label"),
        ({"labels": [0.5, 1, 2]}, "one label"),
        ({"features": [np.eye(4)]}, "Image features of the examples"),
        ({"features": []}, "none"),
        ({"features": [np.zeros((3, 4))]}, "zero or not finite"),
        ({"zero_shot": np.full((3, 3), NAN)}, "finite"),
        ({"groups": [1, 2]}, "group"),
    ],
)
def test_examples_that_do_not_fit_together_are_refused(change: dict, says: str) -> None:
    given = {"features": [np.eye(3)], "labels": [0, 1, 2], "zero_shot": np.zeros((3, 3)), "groups": None}
    with pytest.raises(AlignmentError, match=says):
        support_of(**(given | change))
