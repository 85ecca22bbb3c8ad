"""What must hold for every strategy, whatever the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import Case, make_case
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment import STRATEGIES, Alignment
from napari_histoalign.alignment import similarity as similarity_module

SEEDS = st.integers(0, 10_000)
EACH = pytest.mark.parametrize("name", STRATEGIES)
FEW = settings(max_examples=15, deadline=None)


def probabilities(name: str, case: Case) -> np.ndarray:
    return Alignment(name).score(*case.arguments()).probabilities


@EACH
@FEW
@given(seed=SEEDS)
def test_the_order_of_prompts_does_not_matter(name: str, seed: int) -> None:
    case = make_case(seed)
    order = np.random.default_rng(seed).permutation(len(case.class_index))
    shuffled = replace(case, texts=[t[order] for t in case.texts], class_index=case.class_index[order])

    np.testing.assert_allclose(probabilities(name, shuffled), probabilities(name, case), atol=1e-4)


@EACH
@FEW
@given(seed=SEEDS)
def test_the_order_of_tiles_does_not_matter(name: str, seed: int) -> None:
    case = make_case(seed)
    order = np.random.default_rng(seed).permutation(len(case.images[0]))
    shuffled = replace(case, images=[i[order] for i in case.images])

    np.testing.assert_allclose(probabilities(name, shuffled), probabilities(name, case)[order], atol=1e-4)


@EACH
@FEW
@given(seed=SEEDS)
def test_renaming_classes_only_moves_columns(name: str, seed: int) -> None:
    case = make_case(seed)
    new = np.array([2, 0, 1])
    renamed = replace(case, class_index=new[case.class_index])

    np.testing.assert_allclose(probabilities(name, renamed)[:, new], probabilities(name, case), atol=1e-4)


@EACH
@FEW
@given(seed=SEEDS, again=st.lists(st.integers(0, 8), min_size=1, max_size=20))
def test_repeating_prompts_wins_nothing(name: str, seed: int, again: list[int]) -> None:
    case = make_case(seed)
    rows = np.concatenate([np.arange(9), again])
    repeated = replace(case, texts=[t[rows] for t in case.texts], class_index=case.class_index[rows])

    np.testing.assert_allclose(probabilities(name, repeated), probabilities(name, case), atol=1e-4)


@EACH
@FEW
@given(seed=SEEDS)
def test_repeating_the_views_wins_nothing(name: str, seed: int) -> None:
    case = make_case(seed)
    repeated = replace(case, images=[np.repeat(i, 2, axis=1) for i in case.images])

    np.testing.assert_allclose(probabilities(name, repeated), probabilities(name, case), atol=1e-4)


@EACH
@FEW
@given(seed=SEEDS, factor=st.floats(0.01, 100))
def test_the_length_of_image_embeddings_does_not_matter(name: str, seed: int, factor: float) -> None:
    case = make_case(seed)
    lengths = np.random.default_rng(seed).uniform(0.5, 2, (50, 2, 1)).astype(np.float32)
    longer = replace(case, images=[i * lengths * np.float32(factor) for i in case.images])

    np.testing.assert_allclose(probabilities(name, longer), probabilities(name, case), atol=1e-4)


@EACH
def test_the_size_of_blocks_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case(n=101)
    whole = probabilities(name, case)
    monkeypatch.setattr(similarity_module, "BLOCK_ROWS", 7)

    np.testing.assert_allclose(probabilities(name, case), whole, atol=1e-5)


@EACH
def test_half_precision_moves_probabilities_by_less_than_a_percent(name: str) -> None:
    case = make_case()
    halved = replace(case, images=[i.astype(np.float16) for i in case.images])

    np.testing.assert_allclose(probabilities(name, halved), probabilities(name, case), atol=1e-2)


@EACH
def test_probabilities_use_the_range_from_0_to_1(name: str) -> None:
    """Clear tiles get their class above 0.9; a bare softmax of cosines would stay near 1/2."""
    axes = np.eye(8, dtype=np.float32)
    truth = np.arange(100) % 2
    images = [np.repeat(axes[truth][:, None], 2, axis=1)] * 2
    case = Case(images, [axes[[0, 0, 1]]] * 2, np.array([0, 0, 1]), 2, [20.0, 20.0])

    p = probabilities(name, case)

    assert p[np.arange(100), truth].min() > 0.9
    assert p[np.arange(100), 1 - truth].max() < 0.1


@EACH
def test_scores_are_a_distribution_and_say_how_sure_they_are(name: str, case: Case) -> None:
    scores = Alignment(name).score(*case.arguments())

    np.testing.assert_allclose(scores.probabilities.sum(axis=1), 1, atol=1e-5)
    ordered = np.sort(scores.probabilities, axis=1)
    np.testing.assert_allclose(scores.margin, ordered[:, -1] - ordered[:, -2], atol=1e-6)
    p = scores.probabilities.astype(np.float64)
    np.testing.assert_allclose(scores.entropy, -(p * np.log(p)).sum(axis=1) / np.log(3), atol=1e-4)
