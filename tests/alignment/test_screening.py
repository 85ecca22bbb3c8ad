"""Screening against loops, and what it does to a prompt that knows nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from cases import dot, make_case, unit

from napari_histoalign.alignment.making import similarity_tensor
from napari_histoalign.alignment.screening import screened


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
