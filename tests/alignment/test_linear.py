"""The linear strategies against plain loops, and the identity that shows why they are linear."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import Case, make_case, mean_cosine, soft

from napari_histoalign.alignment import Alignment
from napari_histoalign.alignment.making import similarity_tensor


def by_loops(case: Case, logit) -> np.ndarray:
    return np.array([soft([logit(n, c) for c in range(case.n_classes)]) for n in range(len(case.images[0]))])


@pytest.mark.parametrize("encoder", [0, 1])
def test_one_to_one(case: Case, encoder: int) -> None:
    got = Alignment("one-to-one", pair=(encoder, encoder)).score(*case.arguments())

    scale = case.scales[encoder]
    expected = by_loops(case, lambda n, c: scale * mean_cosine(case, encoder, encoder, n, c))
    np.testing.assert_allclose(got.probabilities, expected, atol=2e-5)


@pytest.mark.parametrize("pair", [(0, 1), (1, 0)])
def test_cross_pair_takes_the_geometric_mean_of_the_scales(case: Case, pair: tuple[int, int]) -> None:
    got = Alignment("cross-pair", pair=pair).score(*case.arguments())

    scale = math.sqrt(30.0 * 15.0)
    expected = by_loops(case, lambda n, c: scale * mean_cosine(case, *pair, n, c))
    np.testing.assert_allclose(got.probabilities, expected, atol=2e-5)


def test_joint_fusion(case: Case) -> None:
    got = Alignment("joint-fusion").score(*case.arguments())

    def logit(n: int, c: int) -> float:
        return (30.0 * mean_cosine(case, 0, 0, n, c) + 15.0 * mean_cosine(case, 1, 1, n, c)) / 2

    np.testing.assert_allclose(got.probabilities, by_loops(case, logit), atol=2e-5)


def test_joint_fusion_is_the_inner_product_of_concatenated_vectors() -> None:
    case = make_case(views=1)
    case.scales = [20.0, 20.0]
    got = Alignment("joint-fusion").score(*case.arguments())

    tensor = similarity_tensor(*case.arguments())
    images = np.concatenate([case.images[0][:, 0], case.images[1][:, 0]], axis=1)
    texts = np.concatenate([tensor.shares((e, e)).T @ tensor.texts[e] for e in (0, 1)], axis=1)
    np.testing.assert_allclose(got.logits, 20.0 * images @ texts.T / 2, atol=2e-5)


def test_mean_fusion(case: Case) -> None:
    got = Alignment("mean-fusion").score(*case.arguments())

    def logit(n: int, c: int) -> float:
        blocks = [mean_cosine(case, i, j, n, c) for i in (0, 1) for j in (0, 1)]
        return math.sqrt(30.0 * 15.0) * sum(blocks) / 4

    np.testing.assert_allclose(got.probabilities, by_loops(case, logit), atol=2e-5)


def test_mean_fusion_collapses_to_one_inner_product_of_sums(case: Case) -> None:
    got = Alignment("mean-fusion").score(*case.arguments())

    tensor = similarity_tensor(*case.arguments())
    images = sum(i.mean(axis=1) for i in case.images)
    texts = sum(tensor.shares((e, e)).T @ tensor.texts[e] for e in (0, 1))
    np.testing.assert_allclose(got.logits, math.sqrt(450.0) / 4 * images @ texts.T, atol=2e-5)


def test_temperature_divides_the_logits(case: Case) -> None:
    cold = Alignment("one-to-one", temperature=0.5).score(*case.arguments())
    warm = Alignment("one-to-one", temperature=2.0).score(*case.arguments())

    np.testing.assert_allclose(cold.logits, 4 * warm.logits, rtol=1e-5)


def test_a_worked_example() -> None:
    """Two axes, two classes: the tile lies at 60 degrees to one prompt and 30 to the other."""
    image = np.array([[[0.5, math.sqrt(3) / 2]]], np.float32)
    texts = np.eye(2, dtype=np.float32)
    got = Alignment("one-to-one").score([image], [texts], np.array([0, 1]), 2, [10.0])

    odds = math.exp(10 * (math.sqrt(3) / 2 - 0.5))
    np.testing.assert_allclose(got.probabilities[0], [1 / (1 + odds), odds / (1 + odds)], rtol=1e-5)
    assert got.label.tolist() == [1]
    np.testing.assert_allclose(got.margin, [(odds - 1) / (odds + 1)], rtol=1e-5)
