"""Whatever the parameters, the scales and the tiles: a distribution, and details that JSON can hold."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import Case, make_case
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment import STRATEGIES, Alignment
from napari_histoalign.alignment.pooling import POOLINGS


def tiles_of(case: Case, kind: str) -> list[np.ndarray]:
    """Random tiles, tiles that are all alike, or tiles that lie on a prompt or opposite it."""
    if kind == "random":
        return case.images
    n, views, _ = case.images[0].shape
    signs = np.where(np.arange(n) % 2, 1, -1) if kind == "opposite" else np.ones(n)
    rows = [np.repeat(text[:1], views, axis=0)[None] for text in case.texts]
    return [(signs[:, None, None] * row).astype(np.float32) for row in rows]


PARAMETERS = st.fixed_dictionaries(
    {
        "temperature": st.sampled_from([1e-3, 1.0, 1e3]),
        "sharpness": st.sampled_from([1e-3, 1.0, 1e3]),
        "pooling": st.sampled_from(tuple(POOLINGS)),
        "top_k": st.sampled_from([1, 1000]),
    }
)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", STRATEGIES)
@settings(deadline=None, max_examples=60)
@given(
    n=st.sampled_from([1, 2, 31, 32, 40]),
    views=st.integers(1, 3),
    scale=st.sampled_from([1e-3, 100.0, 1e4]),
    kind=st.sampled_from(["random", "alike", "opposite"]),
    parameters=PARAMETERS,
)
def test_every_score_is_a_distribution(
    name: str, n: int, views: int, scale: float, kind: str, parameters: dict[str, Any]
) -> None:
    case = make_case(n=n, views=views)
    case = replace(case, images=tiles_of(case, kind), scales=[scale, scale])
    scores = Alignment(name, **parameters).score(*case.arguments())

    assert scores.logits.dtype == scores.probabilities.dtype == np.float32
    assert np.isfinite(scores.logits).all()
    np.testing.assert_allclose(scores.probabilities.sum(axis=1), 1, atol=1e-5)
    for values in (scores.probabilities, scores.margin, scores.entropy):
        assert values.min() >= 0
        assert values.max() <= 1
    assert json.loads(json.dumps(scores.details, allow_nan=False)) == scores.details


@pytest.mark.parametrize("name", STRATEGIES)
def test_memory_does_not_grow_with_tiles_times_prompts(name: str) -> None:
    """What is held beside the result is one block, not the similarities of all tiles."""
    case = make_case(n=40_000, views=1, width=8, classes=(150, 150))
    tracemalloc.start()
    Alignment(name).score(*case.arguments())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    similarities = 40_000 * 300 * 4
    assert peak < similarities  # of one of the four pairs
