"""Pooling a bag: worked examples, and the limits of the soft maximum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import make_case

from napari_histoalign.alignment import Alignment
from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.pooling import POOLINGS, Pooling, crop_weights

BAG = np.array([[0.1], [0.4], [0.3], [0.2]], np.float32)


def pool(bag: np.ndarray, how: str, beta: float, top_k: int, weights=None) -> np.ndarray:
    """One class's bag of prompts seen with one view, shape (prompts, n)."""
    even = np.full(len(bag), 1 / len(bag), np.float32) if weights is None else np.array(weights, np.float32)
    pooling = Pooling(how, [slice(0, len(bag))], even, beta, 1.0, top_k)
    return pooling.pool(bag[:, None], np.ones((1, bag.shape[1]), np.float32))[0]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("mean", 0.25),
        ("max", 0.4),
        ("top-k", 0.35),
        ("log-mean-exp", math.log((math.e + math.e**4 + math.e**3 + math.e**2) / 4) / 10),
    ],
)
def test_a_worked_example(how: str, expected: float) -> None:
    np.testing.assert_allclose(pool(BAG, how, beta=10.0, top_k=2), [expected], rtol=1e-5)


@pytest.mark.parametrize("how", POOLINGS)
def test_a_bag_of_one_is_its_similarity(how: str) -> None:
    np.testing.assert_allclose(pool(BAG[1:2], how, beta=100.0, top_k=3), [0.4], rtol=1e-6)


@pytest.mark.parametrize("beta", [100.0, 1e4, 1e7])
def test_a_sharp_soft_maximum_is_the_maximum_of_every_bag(beta: float) -> None:
    """The bag's own: against the best of all classes, every other class would underflow alike."""
    low, high = BAG - 0.9, BAG + 0.5
    for bag in (low, high):
        got = pool(bag, "log-mean-exp", beta, 1)
        assert abs(got[0] - bag.max()) <= math.log(4) / beta + 1e-6


def test_many_to_many_tells_classes_apart_that_lie_far_below_the_best() -> None:
    case = make_case(n=20)
    sharp = Alignment(sharpness=1000.0).score(*case.arguments())
    hard = Alignment(pooling="max").score(*case.arguments())

    np.testing.assert_allclose(sharp.logits, hard.logits, atol=0.02)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("mean", 0.5 * 0.1 + 0.1 * 0.4 + 0.3 * 0.3 + 0.1 * 0.2),
        ("max", 0.3),  # the best one has too little weight
        ("top-k", 0.2),
        ("weighted-crops", 0.2),
        ("optimal-transport", 0.2),  # one view: every prompt gets its own weight of it
        (
            "log-mean-exp",
            math.log(0.5 * math.e + 0.1 * math.e**4 + 0.3 * math.e**3 + 0.1 * math.e**2) / 10,
        ),
    ],
)
def test_prompts_may_weigh_differently(how: str, expected: float) -> None:
    got = pool(BAG, how, 10.0, 2, [0.5, 0.1, 0.3, 0.1])
    np.testing.assert_allclose(got, [expected], rtol=1e-5)


@pytest.mark.parametrize("how", POOLINGS)
def test_what_is_added_to_a_bag_is_added_to_what_it_comes_to(how: str) -> None:
    rng = np.random.default_rng(0)
    bag = rng.uniform(-0.2, 0.5, (5, 3, 7)).astype(np.float32)
    crops = rng.dirichlet(np.ones(3), 7).T.astype(np.float32)
    pooling = Pooling(how, [slice(0, 2), slice(2, 5)], np.array([0.5, 0.5, 0.2, 0.3, 0.5], np.float32), 20.0)
    np.testing.assert_allclose(pooling.pool(bag + 0.25, crops), pooling.pool(bag, crops) + 0.25, atol=2e-3)
    assert (pooling.pool(bag, crops) <= np.array([bag[:2].max((0, 1)), bag[2:].max((0, 1))]) + 1e-6).all()


def test_crops_near_the_whole_tile_weigh_more() -> None:
    images = np.array([[[2.0, 0], [math.sqrt(3), 1], [0, 1]]])
    odds = np.exp([0, 10 * (math.sqrt(3) / 2 - 1), -10])
    np.testing.assert_allclose(crop_weights(images, 10.0)[:, 0], odds / odds.sum(), rtol=1e-5)


def test_prompts_near_their_class_weigh_more_in_wca() -> None:
    case = make_case(encoders=1)
    tensor = similarity_tensor(*case.arguments())
    pooling = Pooling.of(tensor, (0, 0), how="weighted-crops", sharpness=1.0, top_k=3)
    texts = case.texts[0][:3]
    label = texts.mean(axis=0) / np.linalg.norm(texts.mean(axis=0))
    odds = np.exp(30 * (texts @ label))
    np.testing.assert_allclose(pooling.weights[:3], odds / odds.sum(), rtol=1e-3)
    assert [pooling.weights[c].sum() for c in tensor.classes] == pytest.approx([1, 1, 1])


def test_weighted_crops_by_loops() -> None:
    """Views by each image encoder's scale, prompts by each text encoder's, in all four pairs."""
    case = make_case(n=10, views=3)
    got = Alignment(pooling="weighted-crops").score(*case.arguments())

    def soft(odds: np.ndarray) -> np.ndarray:
        return np.exp(odds) / np.exp(odds).sum()

    expected = np.zeros((10, 3))
    for i in (0, 1):
        for j in (0, 1):
            scale = math.sqrt(case.scales[i] * case.scales[j])
            block = np.empty((10, 3))
            for n, tile in enumerate(case.images[i].astype(float)):
                w = soft(case.scales[i] * tile @ tile[0])
                for c in range(3):
                    texts = case.texts[j][case.class_index == c].astype(float)
                    label = texts.mean(axis=0) / np.linalg.norm(texts.mean(axis=0))
                    block[n, c] = w @ (tile @ texts.T) @ soft(case.scales[j] * texts @ label)
            expected += scale * (block - block.mean(axis=1, keepdims=True)) / 4
    np.testing.assert_allclose(got.logits, expected, atol=1e-3)
