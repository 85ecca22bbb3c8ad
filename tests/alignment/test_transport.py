"""Plans of optimal transport against loops in double precision, and where only one plan is possible."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import unit
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment.transport import (
    CLOSE,
    SMOOTHING,
    prompt_weights,
    transport_plan,
    view_weights,
)


def case(seed: int, prompts: int = 4, views: int = 3, n: int = 6):
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
    cosines, a, b = case(seed)
    plan = transport_plan(cosines, a, b)
    for tile in range(cosines.shape[2]):
        wanted = sinkhorn(cosines[:, :, tile], a[:, tile].astype(float), b.astype(float))
        np.testing.assert_allclose(plan[:, :, tile], wanted, atol=CLOSE / 3)


def test_a_tiles_plan_depends_on_no_other_tile() -> None:
    cosines, a, b = case(5, n=40)
    alone = [transport_plan(cosines[:, :, t : t + 1], a[:, t : t + 1], b)[:, :, 0] for t in range(40)]
    np.testing.assert_allclose(transport_plan(cosines, a, b), np.stack(alone, axis=2), atol=1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_weights_are_met(seed: int) -> None:
    cosines, a, b = case(seed)
    plan = transport_plan(cosines, a, b)
    np.testing.assert_allclose(plan.sum(axis=(0, 1)), 1, rtol=1e-5)
    np.testing.assert_allclose(plan.sum(axis=1), np.repeat(b[:, None], 6, axis=1), atol=CLOSE)
    np.testing.assert_allclose(plan.sum(axis=0), a, atol=CLOSE)


def test_one_view_goes_to_prompts_by_their_weights_and_one_prompt_takes_views_by_theirs() -> None:
    cosines, a, b = case(0)
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


def test_prompts_that_could_mean_another_class_weigh_less() -> None:
    rng = np.random.default_rng(0)
    axes = np.eye(8, dtype=np.float32)
    first = axes[0] + 0.1 * unit(rng, 4, 8)
    first[3] = axes[0] + axes[1]  # as near to the other class
    second = axes[1] + 0.1 * unit(rng, 3, 8)
    texts = np.concatenate([first, second])
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    weights = prompt_weights(texts.astype(np.float32), [slice(0, 4), slice(4, 7)], 10.0)
    assert weights[:4].argmin() == 3
    assert weights[:4].sum() == pytest.approx(1) and weights[4:].sum() == pytest.approx(1)
    assert prompt_weights(texts[:2].astype(np.float32), [slice(0, 1), slice(1, 2)], 10.0).tolist() == [1, 1]
