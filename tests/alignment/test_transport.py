"""Plans of optimal transport against loops in double precision, and where only one plan is possible."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from cases import dot, make_case
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment import Alignment, transport
from napari_histoalign.alignment.transport import (
    CLOSE,
    SMOOTHING,
    entropy_weights,
    prompt_weights,
    transport_plan,
    transport_pool,
    view_weights,
)
from napari_histoalign.errors import AlignmentError


def bag_of(seed: int, prompts: int = 4, views: int = 3, n: int = 6):
    rng = np.random.default_rng(seed)
    cosines = rng.uniform(-0.1, 0.6, (prompts, views, n)).astype(np.float32)
    a = rng.dirichlet(np.ones(views), n).T.astype(np.float32)
    b = rng.dirichlet(np.ones(prompts)).astype(np.float32)
    return cosines, a, b


def sinkhorn(cosines: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """One tile, until nothing moves."""
    kernel = [[math.exp((s - 1) / SMOOTHING) for s in row] for row in cosines.tolist()]
    u, v = [1.0] * len(b), [1.0] * len(a)
    for _ in range(3000):
        u = [b[k] / sum(kernel[k][m] * v[m] for m in range(len(v))) for k in range(len(u))]
        v = [a[m] / sum(kernel[k][m] * u[k] for k in range(len(u))) for m in range(len(v))]
    return np.array([[u[k] * kernel[k][m] * v[m] for m in range(len(v))] for k in range(len(u))])


@pytest.mark.parametrize("seed", range(3))
def test_plans_are_those_of_sinkhorn(seed: int) -> None:
    cosines, a, b = bag_of(seed)
    plan = transport_plan(cosines, a, b)
    for tile in range(cosines.shape[2]):
        wanted = sinkhorn(cosines[:, :, tile], a[:, tile].astype(float), b.astype(float))
        np.testing.assert_allclose(plan[:, :, tile], wanted, atol=CLOSE / 3)


def test_a_tiles_plan_depends_on_no_other_tile() -> None:
    cosines, a, b = bag_of(5, n=40)
    alone = [transport_plan(cosines[:, :, t : t + 1], a[:, t : t + 1], b)[:, :, 0] for t in range(40)]
    np.testing.assert_allclose(transport_plan(cosines, a, b), np.stack(alone, axis=2), atol=1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_weights_are_met(seed: int) -> None:
    cosines, a, b = bag_of(seed)
    plan = transport_plan(cosines, a, b)
    np.testing.assert_allclose(plan.sum(axis=(0, 1)), 1, rtol=1e-5)
    np.testing.assert_allclose(plan.sum(axis=1), np.repeat(b[:, None], 6, axis=1), atol=CLOSE)
    np.testing.assert_allclose(plan.sum(axis=0), a, atol=CLOSE)


def test_one_view_goes_to_prompts_by_their_weights_and_one_prompt_takes_views_by_theirs() -> None:
    cosines, a, b = bag_of(0)
    np.testing.assert_allclose(
        transport_plan(cosines[:, :1], np.ones((1, 6), np.float32), b)[:, 0, 2], b, rtol=1e-5
    )
    np.testing.assert_allclose(
        transport_plan(cosines[:1], a, np.ones(1, np.float32))[0], a, rtol=1e-2, atol=1e-6
    )


def test_what_fits_gets_more() -> None:
    cosines = np.array([[[0.9], [0.1]], [[0.1], [0.9]]], np.float32)
    even = np.full((2, 1), 0.5, np.float32)
    plan = transport_plan(cosines, even, even[:, 0])
    assert plan[0, 0, 0] > 0.49 and plan[0, 1, 0] < 0.01


def test_views_that_are_sure_of_a_class_weigh_more() -> None:
    means = np.array([[[0.3], [0.2]], [[0.1], [0.2]]], np.float32)  # the second view: even odds
    p = 1 / (1 + math.exp(-0.2 * 10))
    entropies = [-(p * math.log(p) + (1 - p) * math.log(1 - p)), math.log(2)]
    odds = np.exp(np.array(entropies) / -0.5)
    np.testing.assert_allclose(view_weights(means, 10.0)[:, 0], odds / odds.sum(), rtol=1e-5)


def entropy(logits: list[float]) -> float:
    odds = [math.exp(x - max(logits)) for x in logits]
    p = [o / sum(odds) for o in odds]
    return -sum(x * math.log(x) for x in p)


def test_prompts_that_leave_a_tile_sure_of_a_class_weigh_more() -> None:
    rng = np.random.default_rng(0)
    cosines = rng.uniform(0, 0.4, (7, 5)).astype(np.float32)
    classes, index = [slice(0, 4), slice(4, 6), slice(6, 7)], [0, 0, 0, 0, 1, 1, 2]
    prior = np.array([0.4, 0.3, 0.2, 0.1, 0.5, 0.5, 1.0], np.float32)
    got = prompt_weights(cosines, prior, classes, 20.0)
    for n in range(5):
        means = [float(prior[c] @ cosines[c, n]) for c in classes]
        odds = []
        for k, own in enumerate(index):
            logits = [20 * (float(cosines[k, n]) if c == own else means[c]) for c in range(3)]
            odds.append(float(prior[k]) * math.exp(-entropy(logits) / 0.5))
        total = [sum(o for o, c in zip(odds, index, strict=True) if c == own) for own in index]
        np.testing.assert_allclose(got[:, n], np.array(odds) / total, rtol=1e-4)
    alike = np.full((7, 5), 0.3, np.float32)
    np.testing.assert_allclose(prompt_weights(alike, prior, classes, 20.0), np.repeat(prior[:, None], 5, 1))


def test_a_whole_tile_as_awt_scores_it() -> None:
    """Its two weightings and its plan by loops: views of one image against descriptions of three classes."""
    case = make_case(n=6, views=3, classes=(4, 4, 4), encoders=1)
    got = Alignment(pooling="optimal-transport").score(*case.arguments())
    for n in range(6):
        s = np.array([[dot(v, t) for v in case.images[0][n]] for t in case.texts[0]])
        bags = s.reshape(3, 4, 3)  # class, description, view
        doubts = [entropy([30 * bags[c, :, v].mean() for c in range(3)]) for v in range(3)]
        a = np.exp(np.array(doubts) / -0.5)
        a /= a.sum()
        logits = []
        for c in range(3):
            doubts = [
                entropy([30 * (bags[c, k, 0] if d == c else bags[d, :, 0].mean()) for d in range(3)])
                for k in range(4)
            ]
            b = np.exp(np.array(doubts) / -0.5)
            b /= b.sum()
            logits.append(30 * (sinkhorn(bags[c], a, b) * bags[c]).sum())
        np.testing.assert_allclose(got.logits[n], np.array(logits) - np.mean(logits), atol=0.06)


def test_prompts_may_weigh_differently_for_each_tile() -> None:
    cosines, a, _ = bag_of(0)
    each = np.random.default_rng(1).dirichlet(np.ones(4), 6).T.astype(np.float32)
    got = transport_pool(cosines, a, each)
    for n in range(6):
        one = transport_pool(cosines[:, :, n : n + 1], a[:, n : n + 1], each[:, n])
        np.testing.assert_allclose(got[n], one[0], atol=1e-5)
    np.testing.assert_allclose(
        transport_pool(cosines[:, :1], None, each), (each * cosines[:, 0]).sum(axis=0), rtol=1e-5
    )
    with pytest.raises(AlignmentError, match="Weights of prompts"):
        transport_pool(cosines, a, each[:, :5])


def pooled_by_loops(cosines: np.ndarray, a: np.ndarray, b: np.ndarray, smoothing: float) -> list[float]:
    """One tile after another, in double precision, until nothing moves."""
    out = []
    for tile in range(cosines.shape[2]):
        kernel = np.exp((cosines[:, :, tile].astype(float) - 1) / smoothing)
        right = np.ones(cosines.shape[1])
        for _ in range(4000):
            left = b / (kernel @ right)
            right = a[:, tile] / (kernel.T @ left)
        out.append(float((left[:, None] * kernel * right * cosines[:, :, tile]).sum()))
    return out


@pytest.mark.parametrize(("smoothing", "within"), [(0.03, 4e-3), (0.1, 2e-3), (1.0, 1e-3)])
def test_pooling_is_the_sum_over_the_plan(smoothing: float, within: float) -> None:
    cosines, a, b = bag_of(1, prompts=5, views=4)
    got = transport_pool(cosines, a, b, smoothing=smoothing)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, pooled_by_loops(cosines, a, b, smoothing), atol=within)


def test_much_smoothing_is_the_weighted_mean_and_little_the_best_match() -> None:
    cosines, a, b = bag_of(2)
    mean = np.einsum("k,vn,kvn->n", b, a, cosines)
    np.testing.assert_allclose(transport_pool(cosines, a, b, smoothing=1e4), mean, atol=1e-4)

    square = np.random.default_rng(0).permutation(np.linspace(0.0, 0.8, 9)).reshape(3, 3)
    best = max(sum(square[k, m] for k, m in enumerate(order)) / 3 for order in permutations(range(3)))
    got = transport_pool(square[:, :, None].astype(np.float32), smoothing=0.01)[0]
    assert got == pytest.approx(best, abs=2e-3)
    assert transport_pool(square[:, :, None].astype(np.float32), smoothing=1.0)[0] < best - 0.02


@pytest.mark.filterwarnings("error::RuntimeWarning")
@given(seed=st.integers(0, 10_000), smoothing=st.sampled_from([0.01, 0.05, 0.1, 10.0]))
@settings(max_examples=25, deadline=None)
def test_pooling_whatever_the_cosines(seed: int, smoothing: float) -> None:
    _, a, b = bag_of(seed)
    cosines = np.random.default_rng(seed).uniform(-1, 1, (4, 3, 6)).astype(np.float32)
    got = transport_pool(cosines, a, b, smoothing=smoothing)
    assert (got >= cosines.min((0, 1)) - 1e-6).all() and (got <= cosines.max((0, 1)) + 1e-6).all()
    np.testing.assert_allclose(
        transport_pool(cosines + np.float32(0.5), a, b, smoothing=smoothing), got + 0.5, atol=1e-3
    )
    rng = np.random.default_rng(seed)
    k, v, n = rng.permutation(4), rng.permutation(3), rng.permutation(6)
    moved = transport_pool(cosines[k][:, v][:, :, n], a[v][:, n], b[k], smoothing=smoothing)
    np.testing.assert_allclose(moved, got[n], atol=1e-3)


def test_a_prompt_given_twice_with_half_its_weight_changes_nothing() -> None:
    cosines, a, b = bag_of(3)
    twice = np.concatenate([cosines, cosines[:1]])
    halves = np.concatenate([[b[0] / 2], b[1:], [b[0] / 2]]).astype(np.float32)
    np.testing.assert_allclose(transport_pool(twice, a, halves), transport_pool(cosines, a, b), atol=1e-5)


def test_the_only_plan_is_met_exactly() -> None:
    cosines, a, b = bag_of(4)
    np.testing.assert_allclose(transport_pool(cosines[:1], a), (a * cosines[0]).sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(transport_pool(cosines[:, :1], None, b), b @ cosines[:, 0], rtol=1e-5)
    # near enough to even weights for the steps to stop at once
    nearly = np.array([[0.335], [0.333], [0.332]], np.float32)
    alike = np.full((1, 3, 1), 0.3, np.float32)
    np.testing.assert_array_equal(transport_plan(alike, nearly, np.ones(1, np.float32))[0], nearly)


def test_tiles_are_pooled_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cosines, a, b = bag_of(6, n=50)
    whole = transport_pool(cosines, a, b)
    monkeypatch.setattr(transport, "AT_ONCE", 12 * 7)
    np.testing.assert_allclose(transport_pool(cosines, a, b), whole, atol=1e-6)
    assert transport_pool(cosines[:, :, :0], a[:, :0], b).shape == (0,)


def test_entropy_weights_by_hand() -> None:
    p = np.array([[0.5, 0.9, 1.0], [0.5, 0.1, 1e-30]])  # two classes, three members
    entropies = np.array([math.log(2), -(0.9 * math.log(0.9) + 0.1 * math.log(0.1)), 0.0])
    odds = np.exp(-entropies / 0.5)
    got = entropy_weights(np.log(p).astype(np.float32))
    np.testing.assert_allclose(got, odds / odds.sum(), rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.001, -1.0, float("nan"), float("inf")])
def test_smoothing_that_cannot_be(smoothing: float) -> None:
    with pytest.raises(AlignmentError, match=r"at least 0\.01"):
        transport_pool(bag_of(0)[0], smoothing=smoothing)


def test_arrays_that_do_not_fit() -> None:
    cosines, a, b = bag_of(0)
    for arguments, complaint in (
        ((cosines[0],), "shape"),
        ((cosines * np.float32(np.nan),), "finite"),
        ((cosines, a[:2], b), "Weights of views"),
        ((cosines, a, b[:2]), "Weights of prompts"),
        ((cosines, a, 2 * b), "sum 1"),
    ):
        with pytest.raises(AlignmentError, match=complaint):
            transport_pool(*arguments)
