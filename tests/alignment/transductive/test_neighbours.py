"""Nearest neighbours against scikit-learn, and the tiles taken of many."""

from __future__ import annotations

import numpy as np
import pytest
from cases import unit
from sklearn.neighbors import NearestNeighbors

from napari_histoalign.alignment.transductive import neighbours
from napari_histoalign.alignment.transductive.neighbours import graph, most_alike, spread


@pytest.mark.parametrize("block", [100, 10**7])
def test_neighbours_of_one_encoder_against_scikit_learn(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_FLOATS", block)
    rng = np.random.default_rng(0)
    base, queries = unit(rng, 60, 8), unit(rng, 25, 8)
    tree = NearestNeighbors(metric="cosine", algorithm="brute").fit(base)

    at, cosines = most_alike([queries], [base], 4)
    distance, expected = tree.kneighbors(queries, 4)
    assert [set(row) for row in at] == [set(row) for row in expected]
    np.testing.assert_allclose(np.sort(cosines)[:, ::-1], np.maximum(1 - distance, 0), atol=1e-5)

    at, _ = most_alike([base], [base], 4, own=True)
    assert [set(row) for row in at] == [set(row) for row in tree.kneighbors(n_neighbors=4)[1]]


def test_cosines_of_two_encoders_are_averaged() -> None:
    rng = np.random.default_rng(1)
    a, b = unit(rng, 40, 6), unit(rng, 40, 9)
    joint = np.concatenate([a, b], axis=1) / np.sqrt(2)

    at, cosines = most_alike([a, b], [a, b], 3, own=True)
    expected, whole = most_alike([joint], [joint], 3, own=True)
    assert [set(row) for row in at] == [set(row) for row in expected]
    np.testing.assert_allclose(np.sort(cosines), np.sort(whole), atol=1e-6)


def test_a_twin_is_a_neighbour_and_oneself_is_not() -> None:
    x = unit(np.random.default_rng(2), 10, 5)
    at, cosines = most_alike([np.repeat(x, 2, axis=0)], [np.repeat(x, 2, axis=0)], 1, own=True)

    assert at[:, 0].tolist() == [i ^ 1 for i in range(20)]
    np.testing.assert_allclose(cosines, 1, atol=1e-6)


def test_fewer_tiles_than_neighbours_are_all_neighbours() -> None:
    x = unit(np.random.default_rng(2), 4, 5)

    assert most_alike([x], [x], 9, own=True)[0].shape == (4, 3)
    assert most_alike([x], [x], 9)[0].shape == (4, 4)


def test_the_graph_holds_each_neighbour_where_it_belongs() -> None:
    got = graph(np.array([[1, 2], [0, 3]]), np.array([[0.5, 0.25], [1, 0.125]], np.float32), 4).toarray()

    np.testing.assert_array_equal(got, [[0, 0.5, 0.25, 0], [1, 0, 0, 0.125]])


def test_tiles_are_taken_from_all_over_the_logits_in_any_order() -> None:
    logits = np.random.default_rng(3).normal(size=(1000, 2)).astype(np.float32)
    order = np.random.default_rng(4).permutation(1000)
    taken = spread(logits, 100)

    assert len(np.unique(taken)) == 100
    assert set(order[spread(logits[order], 100)]) == set(taken)
    ranks = np.sort(np.argsort(np.argsort(logits[:, 0]))[taken])
    np.testing.assert_array_equal(ranks, np.arange(0, 1000, 10))
    np.testing.assert_array_equal(spread(logits, 1000), np.arange(1000))
