"""Whether two text towers meet: exact small cases, and what ties count."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import unit
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment.diagnosis import diagnose
from napari_histoalign.errors import AlignmentError


def test_a_worked_example() -> None:
    """Three phrases at 0, 90 and 180 degrees; the other tower has them at 30, 20 and 180."""
    a = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    b = np.array([[math.cos(math.radians(d)), math.sin(math.radians(d))] for d in (30, 20, 180)], np.float32)

    meeting = diagnose(a, b)

    # the first finds the second (20 degrees away), the second finds the first (60), the third itself
    expected = (math.cos(math.radians(30)) + math.cos(math.radians(70)) + 1) / 3
    assert meeting.mean_cosine == pytest.approx(expected, abs=1e-6)
    assert meeting.retrieval_at_1 == pytest.approx(1 / 3)
    assert meeting.chance == pytest.approx(1 / 3)
    assert meeting.anchors == 3
    assert not meeting.one_space


def test_a_phrase_looks_for_itself_among_the_other_towers_texts() -> None:
    """Two phrases of A lie on one of B's: both find it, though it is only one's own."""
    a = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1]], np.float32)
    b = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)

    assert diagnose(a, b).retrieval_at_1 == pytest.approx(2 / 3)
    assert diagnose(b, a).retrieval_at_1 == 1.0


def test_ties_are_hits_and_make_chance_larger() -> None:
    rng = np.random.default_rng(0)
    told_apart = unit(rng, 10, 40)
    unknown = np.repeat(unit(rng, 1, 40), 30, axis=0)
    rows = np.concatenate([told_apart, unknown])

    meeting = diagnose(rows, rows)

    assert meeting.retrieval_at_1 == 1.0
    assert meeting.chance == pytest.approx((10 * 1 / 40 + 30 * 30 / 40) / 40)


def test_rounding_breaks_no_tie() -> None:
    rng = np.random.default_rng(1)
    rows = np.repeat(unit(rng, 1, 40), 30, axis=0)
    rounded = rows + rng.uniform(-3e-8, 3e-8, rows.shape).astype(np.float32)

    assert diagnose(rows, rounded).retrieval_at_1 == diagnose(rows, rounded).chance == 1.0


@pytest.mark.parametrize(("noise", "meets"), [(0.0, True), (0.05, True), (1.0, False)])
def test_spaces_that_drifted_a_little_are_one_space(noise: float, meets: bool) -> None:
    rng = np.random.default_rng(3)
    a = unit(rng, 200, 64)
    moved = a + noise * rng.normal(size=a.shape)

    assert diagnose(a, moved / np.linalg.norm(moved, axis=1, keepdims=True)).one_space is meets


@pytest.mark.parametrize("width", [8, 64, 512])
def test_spaces_of_the_same_width_that_have_nothing_in_common_are_not_one_space(width: int) -> None:
    rng = np.random.default_rng(4)
    meeting = diagnose(unit(rng, 300, width), unit(rng, 300, width))

    assert not meeting.one_space
    assert abs(meeting.mean_cosine) < 0.1
    assert meeting.retrieval_at_1 < 0.03


def test_both_figures_are_needed() -> None:
    """A shared direction makes every cosine large, while no phrase is told from another."""
    rng = np.random.default_rng(5)
    shared = np.zeros(64)
    shared[0] = 3

    def cone() -> np.ndarray:
        rows = shared + unit(rng, 200, 64)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    meeting = diagnose(cone(), cone())

    assert meeting.mean_cosine > 0.8
    assert meeting.retrieval_at_1 < 0.1
    assert not meeting.one_space


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 30), width=st.integers(1, 20))
def test_neither_the_order_of_phrases_nor_a_rotation_of_both_spaces_matters(
    seed: int, n: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = unit(rng, n, width), unit(rng, n, width)
    order = rng.permutation(n)
    rotation = np.linalg.qr(rng.normal(size=(width, width)))[0]

    plain, other = diagnose(a, b), diagnose(a[order] @ rotation, b[order] @ rotation)

    assert other.mean_cosine == pytest.approx(plain.mean_cosine, abs=1e-5)
    if width > 1:  # on a line all cosines are 1 or -1: ties everywhere, by a hair
        assert other.retrieval_at_1 == plain.retrieval_at_1
    assert 0 < plain.chance <= 1


@pytest.mark.parametrize(
    ("a", "b"),
    [((10, 8), (10, 16)), ((10, 8), (9, 8)), ((0, 8), (0, 8))],
)
def test_towers_that_cannot_be_compared_are_refused(a: tuple, b: tuple) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(AlignmentError, match="same phrases and in the same width"):
        diagnose(unit(rng, *a), unit(rng, *b))


def test_rows_that_are_no_unit_vectors_are_refused() -> None:
    rows = unit(np.random.default_rng(0), 5, 8)
    with pytest.raises(AlignmentError, match="length 2 instead of 1"):
        diagnose(rows, 2 * rows)
