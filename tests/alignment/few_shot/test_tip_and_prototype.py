"""Tip-Adapter and prototypes against loops, with and without examples that are left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import dot
from marked import mark

from napari_histoalign.alignment.few_shot import prototype, tip_adapter
from napari_histoalign.alignment.few_shot.prototype import Prototypes
from napari_histoalign.alignment.few_shot.tip_adapter import Cache

GROUPS = pytest.mark.parametrize("grouped", [False, True])


def tip_by_loops(row: np.ndarray, keys: np.ndarray, labels: np.ndarray, beta: float) -> list[float]:
    out = []
    for c in range(3):
        mine = [k for k, label in zip(keys, labels, strict=True) if label == c]
        affinities = [math.exp(-beta * (1 - dot(row, k))) for k in mine]
        out.append(sum(affinities) / len(mine) if mine else math.nan)
    return out


def prototype_by_loops(row: np.ndarray, keys: np.ndarray, labels: np.ndarray) -> list[float]:
    out = []
    for c in range(3):
        mine = [k for k, label in zip(keys, labels, strict=True) if label == c]
        total = sum(mine) if mine else np.full(len(row), math.nan)
        out.append(dot(row, total) / math.sqrt(dot(total, total)))
    return out


@pytest.mark.parametrize("beta", [0.5, 5.5, 30.0])
def test_the_cache_by_loops(beta: float) -> None:
    marked = mark(counts=(2, 5, 3), n=20)
    support = marked.support()
    x, rows = support.features[0], marked.query_features[0].astype(np.float64)

    got = Cache.fit(x, support, beta).score(rows)

    expected = [tip_by_loops(row, x, support.labels, beta) for row in rows]
    np.testing.assert_allclose(got, expected, rtol=1e-4)


def test_with_as_many_examples_of_each_class_it_is_the_published_sum() -> None:
    """``exp(-beta (1 - f F')) L`` over the number of shots."""
    marked = mark(counts=(4, 4, 4), n=20)
    support = marked.support()
    x, rows = support.features[1], marked.query_features[1].astype(np.float64)
    published = np.exp(-2.0 * (1 - rows @ x.T)) @ np.eye(3)[support.labels]

    np.testing.assert_allclose(4 * Cache.fit(x, support, 2.0).score(rows), published, rtol=1e-5)


@GROUPS
def test_the_cache_without_each_example(grouped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tip_adapter, "BLOCK_ROWS", 4)
    groups = np.array([0, 0, 1, 1, 2, 3, 3, 0, 1, 4]) if grouped else np.arange(10)
    support = mark(counts=(2, 5, 3)).support(groups)
    x = support.features[0]

    for beta, got in zip((1.0, 9.0), tip_adapter.held_out(x, support, (1.0, 9.0)), strict=True):
        for i in range(10):
            kept = groups != groups[i]
            expected = tip_by_loops(x[i], x[kept], support.labels[kept], beta)
            np.testing.assert_allclose(got[i], expected, rtol=1e-9)


def test_prototypes_by_loops() -> None:
    marked = mark(counts=(2, 5, 3), n=20)
    support = marked.support()
    x, rows = support.features[0], marked.query_features[0].astype(np.float64)

    got = Prototypes.fit(x, support).score(rows)

    np.testing.assert_allclose(got, [prototype_by_loops(r, x, support.labels) for r in rows], rtol=1e-9)


@GROUPS
def test_prototypes_without_each_example(grouped: bool) -> None:
    groups = np.array([0, 0, 1, 1, 2, 3, 3, 0, 1, 4]) if grouped else np.arange(10)
    support = mark(counts=(2, 5, 3)).support(groups)
    x = support.features[1]

    got = prototype.held_out(x, support)

    for i in range(10):
        kept = groups != groups[i]
        np.testing.assert_allclose(got[i], prototype_by_loops(x[i], x[kept], support.labels[kept]), rtol=1e-9)


def test_examples_marked_twice_move_no_prototype() -> None:
    marked = mark(counts=(2, 5, 3))
    twice = mark(counts=(4, 10, 6))
    twice.features = [np.repeat(f, 2, axis=0) for f in marked.features]
    a, b = (Prototypes.fit(m.support().features[0], m.support()).means for m in (marked, twice))

    np.testing.assert_allclose(a, b, atol=1e-9)


def test_a_class_without_examples_has_no_score() -> None:
    support = mark(counts=(4, 0, 4)).support()
    x = support.features[0]

    for scores in (
        Cache.fit(x, support, 1.0).score(x),
        Prototypes.fit(x, support).score(x),
        prototype.held_out(x, support),
        tip_adapter.held_out(x, support, [1.0])[0],
    ):
        assert np.isnan(scores[:, 1]).all()
        assert np.isfinite(scores[:, [0, 2]]).all()
