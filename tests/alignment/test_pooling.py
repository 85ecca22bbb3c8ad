"""Pooling a bag: worked examples, and the limits of the soft maximum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import make_case

from napari_histoalign.alignment import Alignment
from napari_histoalign.alignment.pooling import POOLINGS, pool

BAG = np.array([[0.1], [0.4], [0.3], [0.2]], np.float32)


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
