"""TransCLIP against loops over its equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from tissue import Tissue, make_tissue, near_tie

from napari_histoalign.alignment.transductive import TransductiveResult, transclip
from napari_histoalign.alignment.transductive.neighbours import spread


def neighbours_by_loops(features: list[np.ndarray], k: int) -> np.ndarray:
    """Cosines of each tile's k most similar others, dense, not symmetric."""
    n = len(features[0])
    cosines = np.mean([f.astype(np.float64) @ f.T.astype(np.float64) for f in features], axis=0)
    w = np.zeros((n, n))
    for i in range(n):
        others = sorted((j for j in range(n) if j != i), key=lambda j: -cosines[i, j])[:k]
        for j in others:
            w[i, j] = max(cosines[i, j], 0)
    return w


def solved_by_loops(tissue: Tissue, iterations: int, k: int = 3) -> tuple[np.ndarray, list, list]:
    """The published equations, one tile, class and channel at a time where that is bearable."""
    n, classes = tissue.logits.shape
    y = softmax(tissue.logits.astype(np.float64), axis=1)
    w = neighbours_by_loops(tissue.features, k)
    x = [f.astype(np.float64) for f in tissue.features]
    z = y.copy()
    mu = []
    for f in x:
        means = []
        for c in range(classes):
            surest = sorted(range(n), key=lambda i: -z[i, c])[:8]
            m = sum(z[i, c] * f[i] for i in surest) / 8
            means.append(m / np.linalg.norm(m))
        mu.append(np.array(means))
    sigma = [np.full(f.shape[1], 1 / f.shape[1]) for f in x]
    for step in range(iterations + 1):
        log_n = np.zeros((n, classes))
        for f, m, s in zip(x, mu, sigma, strict=True):
            for i in range(n):
                for c in range(classes):
                    log_n[i, c] += -0.5 * sum((f[i] - m[c]) ** 2 / s) / len(x)
        for _ in range(5):
            new = np.empty_like(z)
            for i in range(n):
                pull = (w[i] @ z + w[:, i] @ z) / (2 * k)
                row = np.log(y[i]) + log_n[i] / 50 + pull
                new[i] = softmax(row)
            z = new
        if step == iterations:
            return z, mu, sigma
        for e, f in enumerate(x):
            for c in range(classes):
                m = sum(z[i, c] * f[i] for i in range(n)) / sum(z[:, c])
                mu[e][c] = m / np.linalg.norm(m)
            sigma[e] = sum(z[i, c] * (f[i] - mu[e][c]) ** 2 for i in range(n) for c in range(classes)) / n
    raise AssertionError


@pytest.mark.parametrize("iterations", [1, 4])
@pytest.mark.parametrize("encoders", [1, 2])
def test_its_equations_by_loops(encoders: int, iterations: int) -> None:
    tissue = make_tissue(n=60, encoders=encoders, width=10, signal=1.5)

    got = transclip(*tissue.arguments(), iterations=iterations)

    assert isinstance(got, TransductiveResult)
    np.testing.assert_allclose(got.probabilities, solved_by_loops(tissue, iterations)[0], atol=1e-5)
    assert got.iterations == iterations


@pytest.mark.parametrize("seed", range(3))
def test_it_mends_noisy_labels_of_clusters(seed: int) -> None:
    tissue = make_tissue(seed, n=600)
    before = tissue.accuracy(tissue.logits)

    got = transclip(*tissue.arguments())

    assert isinstance(got, TransductiveResult)
    assert before < 0.7
    assert tissue.accuracy(got.probabilities) > before + 0.12
    moved = got.probabilities.argmax(axis=1) != tissue.logits.argmax(axis=1)
    assert got.changed == pytest.approx(moved.mean())
    np.testing.assert_allclose(got.probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(softmax(got.logits, axis=1), got.probabilities, atol=1e-6)
    assert got.details["tiles_solved"] == 600


def test_tiles_outside_the_solved_ones_are_judged_like_them() -> None:
    tissue = make_tissue(n=900)
    whole, part = transclip(*tissue.arguments()), transclip(*tissue.arguments(), most=450)

    assert isinstance(whole, TransductiveResult)
    assert isinstance(part, TransductiveResult)
    assert part.details["tiles_solved"] == 450
    same = (whole.probabilities.argmax(axis=1) == part.probabilities.argmax(axis=1)).mean()
    assert same > 0.95
    assert tissue.accuracy(part.probabilities) > tissue.accuracy(tissue.logits) + 0.12


def test_a_tile_outside_gets_what_the_first_equation_gives_it() -> None:
    tissue = make_tissue(n=80, signal=2, encoders=1)
    got = transclip(*tissue.arguments(), most=79, iterations=2)
    assert isinstance(got, TransductiveResult)
    order = np.lexsort(tissue.logits.T[::-1])
    kept = np.sort(order[np.arange(79) * 80 // 79])
    out = int(np.setdiff1d(np.arange(80), kept)[0])
    part = Tissue([tissue.features[0][kept]], tissue.labels[kept], tissue.logits[kept], [])
    z, (mu,), (sigma,) = solved_by_loops(part, 2)
    x = tissue.features[0].astype(np.float64)
    alike = x[kept] @ x[out]
    near = np.argsort(-alike)[:3]
    log_n = [-0.5 * sum((x[out] - m) ** 2 / sigma) for m in mu]
    row = tissue.logits[out] + np.array(log_n) / 50 + alike[near] @ z[near] / 3

    np.testing.assert_allclose(got.probabilities[kept], z, atol=1e-5)
    np.testing.assert_allclose(got.probabilities[out], softmax(row), atol=1e-5)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.sampled_from([60, 100]))
def test_order_of_tiles_names_of_classes_and_lengths_do_not_matter(seed: int, most: int) -> None:
    tissue = make_tissue(seed, n=100, signal=3)
    assume(not any(near_tie(tissue, spread(tissue.logits, m), 3) for m in (most, 100)))
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(100), rng.permutation(3)
    got = transclip(*tissue.arguments(), most=most)
    shuffled = transclip(
        [5 * f[order] for f in tissue.features],
        tissue.logits[order],
        [r[order] for r in tissue.raters],
        most=most,
    )

    assert isinstance(got, TransductiveResult)
    assert isinstance(shuffled, TransductiveResult)
    np.testing.assert_allclose(shuffled.probabilities, got.probabilities[order], atol=1e-4)
    renamed = transclip(tissue.features, tissue.logits[:, names], [r[:, names] for r in tissue.raters])
    named = transclip(*tissue.arguments())
    np.testing.assert_allclose(renamed.probabilities, named.probabilities[:, names], atol=1e-4)


def test_a_channel_that_never_varies_and_logits_that_are_certain_do_no_harm() -> None:
    tissue = make_tissue(n=100, signal=3)
    constant = [
        np.concatenate([f, np.full((100, 1), 0.5), np.zeros((100, 1))], axis=1) for f in tissue.features
    ]

    for scale in (1.0, 1e3):
        got = transclip(constant, tissue.logits * np.float32(scale), tissue.raters)
        assert isinstance(got, TransductiveResult)
        assert np.isfinite(got.probabilities).all()
        assert tissue.accuracy(got.probabilities) >= tissue.accuracy(tissue.logits) - 0.01


def test_a_class_that_no_tile_is_of_stays_empty() -> None:
    tissue = make_tissue(n=200, signal=3)
    logits = np.concatenate([tissue.logits, np.full((200, 1), -1e4)], axis=1)
    raters = [np.concatenate([r, np.full((200, 1), -1e4)], axis=1) for r in tissue.raters]

    got = transclip(tissue.features, logits, raters)

    assert isinstance(got, TransductiveResult)
    assert got.probabilities[:, 3].max() == 0


def test_half_precision_is_close() -> None:
    tissue = make_tissue(n=100, signal=3)
    half = [f.astype(np.float16) for f in tissue.features]
    a, b = transclip(*tissue.arguments()), transclip(half, tissue.logits, tissue.raters)

    assert (a.probabilities.argmax(axis=1) == b.probabilities.argmax(axis=1)).mean() > 0.97
