"""Screening against loops, and what it does to a prompt that knows nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from cases import dot, make_case, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.screening import Screening, margin_weights, screened, zpe_weights
from napari_histoalign.errors import AlignmentError


def by_loops(case, how: str, tiles) -> list[float]:
    d = [[np.mean([dot(v, t) for v in case.images[0][n]]) for n in tiles] for t in case.texts[0]]
    d = [[s - np.mean(row) for s in row] for row in d]
    index = case.class_index.tolist()
    m = [[np.mean([d[k][n] for k in range(9) if index[k] == c]) for n in range(len(tiles))] for c in range(3)]
    scores = []
    for k in range(9):
        if how == "zpe":
            mine = [n for n in range(len(tiles)) if max(range(3), key=lambda c: m[c][n]) == index[k]]
            scores.append(np.mean([d[k][n] for n in mine]) if mine else 0.0)
        else:
            others = [max(m[c][n] for c in range(3) if c != index[k]) for n in range(len(tiles))]
            scores.append(np.mean([abs(d[k][n] - o) for n, o in enumerate(others)]))
    odds = [math.exp(30 * s) for s in scores]
    return [o / sum(odds[j] for j in range(9) if index[j] == index[k]) for k, o in enumerate(odds)]


@pytest.mark.parametrize("how", ["zpe", "margin"])
@pytest.mark.parametrize("reference", [None, np.arange(10, 40)])
def test_weights_by_loops(how: str, reference) -> None:
    case = make_case()
    tensor = similarity_tensor(*case.arguments(), reference=reference)
    weights = screened(tensor, how).prompt_weights[0, 0]
    np.testing.assert_allclose(
        weights, by_loops(case, how, range(50) if reference is None else reference), rtol=1e-3
    )
    np.testing.assert_allclose(screened(tensor.held(), how).prompt_weights[0, 0], weights, rtol=1e-3)


@pytest.mark.parametrize("how", ["zpe", "margin"])
def test_a_prompt_that_knows_nothing_of_the_tiles_loses_weight(how: str) -> None:
    rng = np.random.default_rng(0)
    axes = np.eye(16, dtype=np.float32)
    images = axes[np.arange(200) % 2] + 0.5 * unit(rng, 200, 16)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    texts = np.stack([axes[0], axes[0] + 0.2 * axes[5], axes[9], axes[1], axes[1] + 0.2 * axes[6]])
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    tensor = similarity_tensor([images[:, None]], [texts], np.array([0, 0, 0, 1, 1]), 2, [20.0])
    weights = screened(tensor, how).prompt_weights[0, 0]
    assert weights[2] < 0.1 * weights[0]
    assert weights[:3].sum() == pytest.approx(1)


def test_without_screening_or_tiles_nothing_changes() -> None:
    case = make_case()
    tensor = similarity_tensor(*case.arguments())
    assert screened(tensor, "none") is tensor
    empty = similarity_tensor(*replace(case, images=[i[:0] for i in case.images]).arguments())
    assert screened(empty, "zpe") is empty


BY_NAME = {"zpe": zpe_weights, "margin": margin_weights}
INDEX = np.array([0, 1, 0, 2, 1, 0, 2])


def cosines_of(seed: int, n: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.2, 0.05, (len(INDEX), n)).astype(np.float32)


@pytest.mark.parametrize("how", BY_NAME)
def test_arrays_alone_give_what_a_tensor_gives(how: str) -> None:
    case = make_case(views=1)
    tensor = similarity_tensor(*case.arguments())
    cosines = case.texts[0] @ case.images[0][:, 0].T
    weights = screened(tensor, how).prompt_weights[0, 0]
    np.testing.assert_allclose(BY_NAME[how](cosines, case.class_index, 30.0), weights, rtol=1e-3)


@pytest.mark.parametrize("how", BY_NAME)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_orders_do_not_matter(how: str, seed: int) -> None:
    """Of prompts, of tiles, of classes."""
    cosines, rng = cosines_of(seed), np.random.default_rng(seed)
    weights = BY_NAME[how](cosines, INDEX, 40.0)
    k, n, names = rng.permutation(7), rng.permutation(40), rng.permutation(3)
    np.testing.assert_allclose(BY_NAME[how](cosines[k][:, n], names[INDEX][k], 40.0), weights[k], rtol=1e-4)
    np.testing.assert_allclose([weights[c == INDEX].sum() for c in range(3)], 1, rtol=1e-5)
    assert (weights > 0).all()


@pytest.mark.parametrize("how", BY_NAME)
def test_blocks_count_as_the_whole(how: str) -> None:
    cosines = cosines_of(1).astype(np.float64)
    counted = Screening(how, INDEX, cosines.mean(axis=1), 40.0)
    for start in range(0, 40, 7):
        counted.add(cosines[:, start : start + 7])
    np.testing.assert_allclose(counted.weights(), BY_NAME[how](cosines, INDEX, 40.0), rtol=1e-5)


@pytest.mark.parametrize("how", BY_NAME)
def test_what_is_added_to_a_prompts_similarities_is_no_merit(how: str) -> None:
    cosines = cosines_of(2).astype(np.float64)
    higher = cosines + np.arange(7)[:, None] / 10
    np.testing.assert_allclose(
        BY_NAME[how](higher, INDEX, 40.0), BY_NAME[how](cosines, INDEX, 40.0), rtol=1e-5
    )


@pytest.mark.parametrize("how", BY_NAME)
def test_a_prompt_given_twice_weighs_the_same_both_times(how: str) -> None:
    cosines = cosines_of(3)
    weights = BY_NAME[how](np.concatenate([cosines, cosines[:1]]), np.append(INDEX, 0), 40.0)
    assert weights[0] == pytest.approx(weights[7])


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("how", BY_NAME)
def test_where_nothing_is_known_weights_are_even(how: str) -> None:
    even = 1 / np.bincount(INDEX)[INDEX]
    np.testing.assert_allclose(BY_NAME[how](np.zeros((7, 0)), INDEX, 40.0), even, rtol=1e-6)
    np.testing.assert_allclose(BY_NAME[how](np.full((7, 9), 0.25), INDEX, 40.0), even, rtol=1e-6)
    assert np.isfinite(BY_NAME[how](cosines_of(4), INDEX, 1e6)).all()


def test_screening_refuses_what_it_cannot_judge() -> None:
    cosines = cosines_of(0)
    for how, s, index in (
        ("best", cosines, INDEX),
        ("zpe", cosines[:3], INDEX),
        ("zpe", cosines * np.float32(np.inf), INDEX),
        ("zpe", cosines, np.zeros(7, int)),
        ("zpe", cosines, np.where(INDEX == 1, 3, INDEX)),
        ("margin", cosines, INDEX - 1),
    ):
        with pytest.raises(AlignmentError, match="creening"):
            BY_NAME.get(how, lambda s, i, g: Screening("best", i, s.mean(axis=1), g))(s, index, 40.0)
