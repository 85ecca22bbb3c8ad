"""ZLaP against a dense solve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from tissue import Tissue, make_tissue, near_tie

from napari_histoalign.alignment.transductive import TransductiveResult, zlap
from napari_histoalign.alignment.transductive.neighbours import spread
from napari_histoalign.errors import AlignmentError


def by_dense_solve(tissue: Tissue, k: int = 5, alpha: float = 0.3, gamma: float = 1.0) -> np.ndarray:
    n, classes = tissue.logits.shape
    cosines = np.mean([f.astype(np.float64) @ f.T.astype(np.float64) for f in tissue.features], axis=0)
    w = np.zeros((n + classes, n + classes))
    p = softmax(tissue.logits.astype(np.float64), axis=1) ** gamma
    for i in range(n):
        for j in sorted((j for j in range(n) if j != i), key=lambda j: -cosines[i, j])[:k]:
            w[classes + i, classes + j] = max(cosines[i, j], 0)
        for c in sorted(range(classes), key=lambda c: -p[i, c])[:k]:
            w[classes + i, c] = p[i, c]
    w = w + w.T
    root = 1 / np.sqrt(w.sum(axis=1))
    s = root[:, None] * w * root
    z = np.linalg.solve(np.eye(n + classes) - alpha * s, np.eye(n + classes)[:, :classes])[classes:]
    return z / z.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    "more", [{}, {"alpha": 0.9}, {"gamma": 3.0}, {"neighbours": 2}, {"neighbours": 9, "alpha": 0.05}]
)
@pytest.mark.parametrize("encoders", [1, 2])
def test_against_a_dense_solve(encoders: int, more: dict) -> None:
    tissue = make_tissue(n=80, encoders=encoders, signal=2)
    got = zlap(*tissue.arguments(), **more)
    names = {"neighbours": "k"}

    assert isinstance(got, TransductiveResult)
    expected = by_dense_solve(tissue, **{names.get(name, name): value for name, value in more.items()})
    np.testing.assert_allclose(got.probabilities, expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_it_mends_noisy_labels_of_clusters(seed: int) -> None:
    tissue = make_tissue(seed, n=600)
    before = tissue.accuracy(tissue.logits)

    got = zlap(*tissue.arguments())

    assert isinstance(got, TransductiveResult)
    assert before < 0.7
    assert tissue.accuracy(got.probabilities) > before + 0.04
    moved = got.probabilities.argmax(axis=1) != tissue.logits.argmax(axis=1)
    assert got.changed == pytest.approx(moved.mean())


def test_a_tile_outside_the_solved_ones_gets_what_its_own_equation_gives() -> None:
    """Row i of ``Z = alpha S Z``, with the solved tiles and classes as they are."""
    tissue = make_tissue(n=120, signal=2, encoders=1)
    most, k, alpha = 119, 5, 0.3
    got = zlap(*tissue.arguments(), most=most)
    assert isinstance(got, TransductiveResult)
    order = np.lexsort(tissue.logits.T[::-1])
    out = np.setdiff1d(np.arange(120), order[np.arange(most) * 120 // most])
    kept = np.setdiff1d(np.arange(120), out)
    part = Tissue([tissue.features[0][kept]], tissue.labels[kept], tissue.logits[kept], [])
    f, p = part.features[0].astype(np.float64), softmax(part.logits.astype(np.float64), axis=1)
    w = np.zeros((122, 122))
    cosines = f @ f.T - 9 * np.eye(most)
    for i in range(most):
        near = np.argsort(-cosines[i])[:k]
        w[3 + i, 3 + near], w[3 + i, :3] = cosines[i, near], p[i]
    w = w + w.T
    d = w.sum(axis=1)
    s = w / np.sqrt(d)[:, None] / np.sqrt(d)
    z = np.linalg.solve(np.eye(122) - alpha * s, np.eye(122)[:, :3])
    own = np.zeros(122)
    alike = f @ tissue.features[0][out[0]].astype(np.float64)
    near = np.argsort(-alike)[:k]
    own[3 + near], own[:3] = alike[near], softmax(tissue.logits[out[0]].astype(np.float64))
    row = (own / np.sqrt(d)) @ z

    np.testing.assert_allclose(got.probabilities[kept], by_dense_solve(part), atol=1e-5)
    np.testing.assert_allclose(got.probabilities[out[0]], row / row.sum(), atol=1e-5)


def test_tiles_outside_the_solved_ones_are_judged_like_them() -> None:
    tissue = make_tissue(n=900)
    whole, part = zlap(*tissue.arguments()), zlap(*tissue.arguments(), most=450)

    assert part.details["tiles_solved"] == 450
    assert (whole.probabilities.argmax(axis=1) == part.probabilities.argmax(axis=1)).mean() > 0.85
    assert tissue.accuracy(part.probabilities) > tissue.accuracy(tissue.logits) + 0.03


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.sampled_from([60, 100]))
def test_order_of_tiles_names_of_classes_and_lengths_do_not_matter(seed: int, most: int) -> None:
    tissue = make_tissue(seed, n=100, signal=3)
    assume(not any(near_tie(tissue, spread(tissue.logits, m), 5) for m in (most, 100)))
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(100), rng.permutation(3)
    got = zlap(*tissue.arguments(), most=most)
    shuffled = zlap(
        [5 * f[order] for f in tissue.features],
        tissue.logits[order],
        [r[order] for r in tissue.raters],
        most=most,
    )
    renamed = zlap(tissue.features, tissue.logits[:, names], [r[:, names] for r in tissue.raters])

    np.testing.assert_allclose(shuffled.probabilities, got.probabilities[order], atol=1e-4)
    np.testing.assert_allclose(
        renamed.probabilities, zlap(*tissue.arguments()).probabilities[:, names], atol=1e-4
    )


def test_a_class_that_no_tile_is_of_stays_empty() -> None:
    tissue = make_tissue(n=200, signal=3)
    logits = np.concatenate([tissue.logits, np.full((200, 1), -1e4)], axis=1)
    raters = [np.concatenate([r, np.full((200, 1), -1e4)], axis=1) for r in tissue.raters]

    got = zlap(tissue.features, logits, raters)

    assert isinstance(got, TransductiveResult)
    assert got.probabilities[:, 3].max() == 0
    assert np.isfinite(got.probabilities).all()


@pytest.mark.parametrize("more", [{"alpha": 0.0}, {"alpha": 1.0}, {"gamma": 0.0}, {"gamma": float("nan")}])
def test_parameters_that_make_no_sense_are_refused(more: dict) -> None:
    with pytest.raises(AlignmentError, match="alpha"):
        zlap(*make_tissue().arguments(), **more)
