"""Prior corrections against linear programming and hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, linprog

from napari_histoalign.alignment.priors import PriorShift, content_free, frolic, otter
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.errors import AlignmentError


def random_logits(seed: int = 0, n: int = 60, classes: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, classes)) * 3 + [2.0, 0.0, -1.0][:classes]).astype(np.float32)


@pytest.mark.parametrize("target", [None, (0.5, 0.3, 0.2)])
@pytest.mark.parametrize("seed", range(3))
def test_otter_assigns_as_optimal_transport_does(seed: int, target) -> None:
    logits = random_logits(seed).astype(np.float64)
    n, classes = logits.shape
    shares = np.full(classes, 1 / classes) if target is None else np.array(target)
    rows = np.kron(np.eye(n), np.ones(classes))
    columns = np.kron(np.ones(n), np.eye(classes))
    best = linprog(
        -logits.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([np.full(n, 1 / n), shares])
    )

    found = otter(logits, target)
    label = (logits + found.shift).argmax(axis=1)

    np.testing.assert_allclose(np.bincount(label, minlength=classes) / n, shares, atol=1.01 / n)
    dual = (logits + found.shift).max(axis=1).mean() - shares @ found.shift
    assert dual == pytest.approx(-best.fun, abs=2e-3)
    assert found.shift.sum() == pytest.approx(0, abs=1e-9)


def test_two_classes_are_cut_at_the_quantile() -> None:
    logits = np.stack([np.linspace(0, 10, 100), np.zeros(100)], axis=1).astype(np.float32)
    label = (logits + otter(logits, (0.25, 0.75)).shift).argmax(axis=1)
    np.testing.assert_array_equal(label, np.repeat([1, 0], [75, 25]))


def test_otter_is_quick_for_many_tiles_and_equivariant() -> None:
    logits = random_logits(1, 50_000)
    found = otter(logits)
    label = (logits + found.shift).argmax(axis=1)
    np.testing.assert_allclose(np.bincount(label) / len(label), 1 / 3, atol=0.01)
    order = [2, 0, 1]
    np.testing.assert_allclose(otter(logits[:, order]).shift, found.shift[order], atol=0.02)


@pytest.mark.parametrize("target", [(0.5, 0.5), (1.0, 0.0, 0.0), (0.5, 0.3, 0.3), (np.nan, 0.5, 0.5)])
def test_shares_that_are_none(target) -> None:
    with pytest.raises(AlignmentError, match="sum 1"):
        otter(random_logits(), target)


def test_frolics_prior_is_what_its_own_answers_leave_as_it_is() -> None:
    """Two classes: S = [[.9, .1], [.3, .7]] has the prior (.75, .25)."""
    p = np.array([[0.9, 0.1]] * 5 + [[0.3, 0.7]] * 2)
    found = frolic(np.log(p).astype(np.float32))
    np.testing.assert_allclose(found.prior, [0.75, 0.25], atol=1e-5)
    np.testing.assert_allclose(found.shift, [-np.log(3) / 2, np.log(3) / 2], atol=1e-5)


def test_frolic_leaves_even_answers_alone() -> None:
    p = np.array([[0.8, 0.2], [0.2, 0.8]])
    np.testing.assert_allclose(frolic(np.log(p).astype(np.float32)).shift, 0, atol=1e-6)
    assert np.isfinite(frolic(np.array([[50.0, -50.0]], np.float32)).shift).all()


@given(seed=st.integers(0, 100_000), spread=st.sampled_from([0.01, 1.0, 30.0]))
@settings(max_examples=40, deadline=None)
def test_otters_assignment_is_the_best_there_is(seed: int, spread: float) -> None:
    """Whole numbers of tiles a class: the assignment problem, solved by another method."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 15, rng.integers(2, 7))
    n = int(counts.sum())
    logits = (spread * rng.normal(size=(n, len(counts))) + 2 * rng.normal(size=len(counts))).astype(
        np.float32
    )

    label = (logits + otter(logits, counts / n).shift).argmax(axis=1)

    np.testing.assert_array_equal(np.bincount(label, minlength=len(counts)), counts)
    wide = np.repeat(logits.astype(np.float64), counts, axis=1)
    best = wide[linear_sum_assignment(wide, maximize=True)].sum()
    assert logits.astype(np.float64)[np.arange(n), label].sum() == pytest.approx(best, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("n", [3, 47, 20_000])
def test_shares_that_are_no_whole_tiles_are_met_to_within_one(n: int) -> None:
    logits = random_logits(4, n).astype(np.float64)
    shares = np.array([0.61, 0.13, 0.26])
    label = (logits + otter(logits, shares).shift).argmax(axis=1)
    assert (np.abs(np.bincount(label, minlength=3) - n * shares) < 1).all()


def test_many_tiles_meet_their_shares_exactly_and_in_any_order() -> None:
    logits = random_logits(5, 30_000)
    found = otter(logits)
    label = (logits.astype(np.float64) + found.shift).argmax(axis=1)
    np.testing.assert_array_equal(np.bincount(label), [10_000] * 3)
    order = [1, 2, 0]
    np.testing.assert_allclose(otter(logits[::-1, order]).shift, found.shift[order], atol=1e-9)


@pytest.mark.parametrize("distinct", [1, 7])
def test_tiles_that_tie_go_together(distinct: int) -> None:
    """They cannot be told apart by a shift; the shift is still one of the best."""
    logits = np.repeat(np.random.default_rng(0).normal(size=(distinct, 4)), 200, axis=0).astype(np.float32)
    shift = otter(logits).shift
    label = (logits + shift).argmax(axis=1).reshape(distinct, 200)
    assert (label == label[:, :1]).all()
    wanted = [[200] * distinct, [50 * distinct] * 4]
    rows, columns = np.kron(np.eye(distinct), np.ones(4)), np.kron(np.ones(distinct), np.eye(4))
    few = logits[::200].astype(np.float64)
    best = linprog(-few.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate(wanted))
    dual = 200 * (few + shift).max(axis=1).sum() - 50 * distinct * shift.sum()
    assert dual == pytest.approx(-best.fun, abs=1e-4)


def test_a_class_too_small_for_a_tile_gets_none_but_nearly() -> None:
    logits = random_logits(6, 20).astype(np.float64)
    shift = otter(logits, (0.59, 0.4, 0.01)).shift
    label = (logits + shift).argmax(axis=1)
    assert (np.bincount(label, minlength=3) == 0).sum() <= 1
    assert (np.abs(np.bincount(label, minlength=3) - [11.8, 8, 0.2]) < 1).all()


def test_what_an_input_without_content_gets_is_taken_off() -> None:
    found = content_free(np.array([1.0, 2.0, 6.0]))
    np.testing.assert_allclose(found.shift, [2.0, 1.0, -3.0])
    np.testing.assert_allclose(found.prior, softmax(np.array([1.0, 2.0, 6.0])), rtol=1e-6)
    assert found.tiles == 0
    np.testing.assert_allclose(np.ptp(np.array([1.0, 2.0, 6.0]) + found.shift), 0, atol=1e-12)
    for wrong in ([], [np.nan, 0], [[1, 2]]):
        with pytest.raises(AlignmentError, match="one finite logit a class"):
            content_free(np.array(wrong, np.float64))


def test_each_says_what_it_assumed() -> None:
    logits = random_logits()
    notes: dict[str, PriorShift] = {
        f.method: f for f in (content_free(logits[0]), frolic(logits), otter(logits))
    }
    assert "favour no class" in notes["content-free"].note
    assert "own answers" in notes["frolic"].note
    assert "even shares" in notes["otter"].note and "not measured" in notes["otter"].note
    assert "the given shares" in otter(logits, (0.5, 0.3, 0.2)).note
    assert otter(logits).to_dict()["note"] == notes["otter"].note


@pytest.mark.parametrize("method", [frolic, otter])
@pytest.mark.parametrize("logits", [np.zeros((0, 3)), np.full((4, 3), np.nan)])
def test_no_prior_from_no_tiles(method, logits: np.ndarray) -> None:
    with pytest.raises(AlignmentError, match="at least one tile"):
        method(logits)
