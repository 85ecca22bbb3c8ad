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
from napari_histoalign.alignment.screening import SCREENINGS, Screening, screened
from napari_histoalign.errors import AlignmentError


def scores_by_loops(how: str, cosines: np.ndarray, index: list[int]) -> list[float]:
    """One classifier a prompt: the prompt itself for its class, the mean of their prompts for the others."""
    d = [[s - np.mean(row) for s in row] for row in cosines.tolist()]
    classes, tiles = range(max(index) + 1), range(cosines.shape[1])
    scores = []
    for k, own in enumerate(index):
        found = []
        for n in tiles:
            of = {c: [d[j][n] for j, at in enumerate(index) if at == c and j != k] for c in classes}
            answers = [np.mean(of[c]) for c in classes if c != own]
            if how == "margin":
                first, second = sorted([*answers, d[k][n]])[:-3:-1]
                found.append(first - second)
            elif of[own] and np.mean(of[own]) > max(answers):
                found.append(d[k][n])
        scores.append(np.mean(found) if found else 0.0)
    return scores


def weights_by_loops(how: str, cosines: np.ndarray, index: list[int], scale: float) -> list[float]:
    odds = [math.exp(scale * s) for s in scores_by_loops(how, cosines, index)]
    return [
        o / sum(p for p, at in zip(odds, index, strict=True) if at == index[k]) for k, o in enumerate(odds)
    ]


def by_loops(case, how: str, tiles) -> list[float]:
    rows = [[np.mean([dot(v, t) for v in case.images[0][n]]) for n in tiles] for t in case.texts[0]]
    return weights_by_loops(how, np.array(rows), case.class_index.tolist(), 30.0)


def weights_of(how: str, cosines: np.ndarray, index: np.ndarray, scale: float) -> np.ndarray:
    counted = Screening(how, index, cosines.sum(axis=1, dtype=float) / max(cosines.shape[1], 1), scale)
    counted.add(cosines)
    return counted.weights()


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


BOTH = [how for how in SCREENINGS if how != "none"]
INDEX = np.array([0, 1, 0, 2, 1, 0, 2])


def cosines_of(seed: int, n: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.2, 0.05, (len(INDEX), n)).astype(np.float32)


@pytest.mark.parametrize("how", BOTH)
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_any_number_of_classes_by_loops(how: str, classes: int) -> None:
    rng = np.random.default_rng(classes)
    index = rng.permutation(np.concatenate([np.arange(classes), rng.integers(0, classes, 6)]))
    cosines = rng.normal(0.2, 0.05, (len(index), 60))
    np.testing.assert_allclose(
        weights_of(how, cosines, index, 40.0), weights_by_loops(how, cosines, index.tolist(), 40.0), rtol=1e-4
    )


def test_a_margin_is_between_the_first_and_the_second_class() -> None:
    """Where a prompt's class is third, the margin is the others', however far below it lies."""
    rivals = np.array([[0.1, -0.1], [0.3, -0.3]])
    for low in (-0.4, -0.9):
        counted = Screening("margin", np.array([0, 1, 2]), np.zeros(3), 1.0)
        counted.add(np.concatenate([[[low, -0.2]], rivals]))
        # first tile: 0.3 - 0.1 whatever `low`; second: -0.1 - -0.2
        assert counted.scores()[0] == pytest.approx((0.2 + 0.1) / 2)


def test_noise_does_not_vouch_for_itself() -> None:
    """A prompt that swings widely and knows nothing; the largest answer, or its own, would favour it."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 4000)
    index = np.repeat([0, 1], 4)
    cosines = 0.02 * (truth == index[:, None]) + 0.01 * rng.normal(size=(8, 4000))
    cosines[[3, 7]] = 0.04 * rng.normal(size=(2, 4000))
    counted = Screening("zpe", index, cosines.mean(axis=1), 100.0)
    counted.add(cosines)
    scores = counted.scores()
    assert np.abs(scores[[3, 7]]).max() < 0.2 * np.delete(scores, [3, 7]).min()
    d = cosines - cosines.mean(axis=1, keepdims=True)
    largest = np.maximum(d[:4], d[4:].mean(axis=0)).mean(axis=1)
    assert largest.argmax() == 3  # the published rule


@pytest.mark.parametrize("how", BOTH)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_orders_do_not_matter(how: str, seed: int) -> None:
    """Of prompts, of tiles, of classes."""
    cosines, rng = cosines_of(seed), np.random.default_rng(seed)
    weights = weights_of(how, cosines, INDEX, 40.0)
    k, n, names = rng.permutation(7), rng.permutation(40), rng.permutation(3)
    np.testing.assert_allclose(
        weights_of(how, cosines[k][:, n], names[INDEX][k], 40.0), weights[k], rtol=1e-4
    )
    np.testing.assert_allclose([weights[c == INDEX].sum() for c in range(3)], 1, rtol=1e-5)
    assert (weights > 0).all()


@pytest.mark.parametrize("how", BOTH)
def test_blocks_count_as_the_whole(how: str) -> None:
    cosines = cosines_of(1).astype(np.float64)
    counted = Screening(how, INDEX, cosines.mean(axis=1), 40.0)
    for start in range(0, 40, 7):
        counted.add(cosines[:, start : start + 7])
    np.testing.assert_allclose(counted.weights(), weights_of(how, cosines, INDEX, 40.0), rtol=1e-5)


@pytest.mark.parametrize("how", BOTH)
def test_what_is_added_to_a_prompts_similarities_is_no_merit(how: str) -> None:
    cosines = cosines_of(2).astype(np.float64)
    higher = cosines + np.arange(7)[:, None] / 10
    np.testing.assert_allclose(
        weights_of(how, higher, INDEX, 40.0), weights_of(how, cosines, INDEX, 40.0), rtol=1e-5
    )


@pytest.mark.parametrize("how", BOTH)
def test_a_prompt_given_twice_weighs_the_same_both_times(how: str) -> None:
    cosines = cosines_of(3)
    weights = weights_of(how, np.concatenate([cosines, cosines[:1]]), np.append(INDEX, 0), 40.0)
    assert weights[0] == pytest.approx(weights[7])


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("how", BOTH)
def test_where_nothing_is_known_weights_are_even(how: str) -> None:
    even = 1 / np.bincount(INDEX)[INDEX]
    np.testing.assert_allclose(weights_of(how, np.zeros((7, 0)), INDEX, 40.0), even, rtol=1e-6)
    np.testing.assert_allclose(weights_of(how, np.full((7, 9), 0.25), INDEX, 40.0), even, rtol=1e-6)
    assert np.isfinite(weights_of(how, cosines_of(4), INDEX, 1e6)).all()


def test_screening_refuses_what_it_cannot_judge() -> None:
    cosines = cosines_of(0)
    for how, s, index in (
        ("best", cosines, INDEX),
        ("zpe", cosines[:3], INDEX),
        ("zpe", cosines, np.zeros(7, int)),
        ("zpe", cosines, np.where(INDEX == 1, 3, INDEX)),
        ("margin", cosines, INDEX - 1),
    ):
        with pytest.raises(AlignmentError, match="creening"):
            weights_of(how, s, index, 40.0)
