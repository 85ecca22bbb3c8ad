"""Bridges between spaces: those that hold, and those that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from cases import unit
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histoalign.alignment.bridge import (
    FOLDS,
    LEAST_ANCHORS,
    Bridge,
    NoBridge,
    best_bridge,
    quality_of,
)
from napari_histoalign.alignment.maps import METHODS, Anchors
from napari_histoalign.errors import AlignmentError

ANCHORS = 150


def lengthen(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Language:
    """What phrases mean, and towers that see it: each in its own width, direction and with its own noise."""

    def __init__(self, seed: int, phrases: int = ANCHORS, meanings: int = 30) -> None:
        self.rng = np.random.default_rng(seed)
        self.meanings = self.rng.normal(size=(phrases, meanings)) / np.sqrt(np.arange(1, meanings + 1))

    def tower(self, width: int, noise: float = 0.02, bend: float = 0.0) -> np.ndarray:
        """Unit rows about a direction that all texts share, as the texts of a trained tower are."""
        spread = np.linalg.qr(self.rng.normal(size=(max(width, 30), 30)))[0][:width]
        rows = self.meanings @ spread.T + self.rng.normal(size=width) / np.sqrt(width)
        if bend:
            rows = np.tanh(bend * rows)
        return lengthen(rows + noise * self.rng.normal(size=rows.shape))


def test_a_rotated_and_noisy_copy_is_found_again() -> None:
    language = Language(0)
    a = language.tower(64)
    turned = a @ np.linalg.qr(language.rng.normal(size=(64, 64)))[0]
    b = lengthen(turned + 0.02 * language.rng.normal(size=a.shape))

    bridge = best_bridge(a, b)

    assert isinstance(bridge, Bridge)
    assert bridge.quality.retrieval_at_1 > 0.98
    assert bridge.quality.mean_cosine > 0.95
    assert bridge.quality.anchors == ANCHORS
    assert bridge.quality.chance == pytest.approx(FOLDS / ANCHORS)


@pytest.mark.parametrize(("a_width", "b_width"), [(64, 40), (40, 96), (512, 768)])
def test_spaces_of_different_widths_can_meet(a_width: int, b_width: int) -> None:
    language = Language(1)
    bridge = best_bridge(language.tower(a_width), language.tower(b_width))

    assert isinstance(bridge, Bridge)
    assert bridge.quality.retrieval_at_1 > 0.9
    assert bridge.carry(unit(language.rng, 7, b_width)).rows.shape == (7, a_width)


def test_a_bent_space_is_still_found() -> None:
    language = Language(2)
    bridge = best_bridge(language.tower(64), language.tower(64, bend=3.0))

    assert isinstance(bridge, Bridge)
    assert bridge.quality.retrieval_at_1 > 0.8


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), widths=st.tuples(st.integers(8, 80), st.integers(8, 80)))
def test_spaces_that_have_nothing_in_common_are_refused(seed: int, widths: tuple[int, int]) -> None:
    """Each with structure of its own, so that there would be something to find."""
    a, b = Language(seed).tower(widths[0]), Language(seed + 1_000_000).tower(widths[1])

    found = best_bridge(a, b)

    assert isinstance(found, NoBridge)
    assert found.quality is not None
    assert found.quality.retrieval_at_1 < 0.2
    assert "held-out anchor phrases again" in found.reason


@pytest.mark.parametrize("method", METHODS)
def test_the_figure_of_unrelated_spaces_is_chance(method: str) -> None:
    """Over twenty pairs of spaces: the cross-validation tells nothing it should not know."""
    found = [
        quality_of(Language(s).tower(32), Language(s + 500).tower(32))[method].retrieval_at_1
        for s in range(20)
    ]
    chance = FOLDS / ANCHORS

    # 3000 held-out phrases: a standard error of 0.0033
    assert abs(np.mean(found) - chance) < 4 * np.sqrt(chance * (1 - chance) / (20 * ANCHORS))


def test_the_figure_by_loops() -> None:
    """Procrustes, part by part and phrase by phrase."""
    language = Language(3, phrases=60)
    a, b = language.tower(12, noise=0.3), language.tower(9, noise=0.3)
    cosines, hits = [], 0
    for held in range(FOLDS):
        inside = [k for k in range(60) if k % FOLDS != held]
        outside = [k for k in range(60) if k % FOLDS == held]
        a_mean, b_mean = a[inside].mean(axis=0), b[inside].mean(axis=0)
        left, _, right = np.linalg.svd((b[inside] - b_mean).T @ (a[inside] - a_mean), full_matrices=False)
        carried = {k: (b[k] - b_mean) @ left @ right for k in outside}
        for k in outside:
            x = a[k] - a_mean
            near = {m: float(x @ y / np.linalg.norm(x) / np.linalg.norm(y)) for m, y in carried.items()}
            cosines.append(near[k])
            hits += max(near, key=lambda m: near[m]) == k

    got = quality_of(a, b)["procrustes"]

    assert got.mean_cosine == pytest.approx(np.mean(cosines), abs=1e-5)
    assert got.retrieval_at_1 == pytest.approx(hits / 60)


def test_the_method_with_the_best_figure_is_used() -> None:
    language = Language(4)
    a, b = language.tower(40, noise=0.3), language.tower(24, noise=0.3)
    qualities = quality_of(a, b)
    bridge = best_bridge(a, b)

    assert isinstance(bridge, Bridge)
    assert len({q.retrieval_at_1 for q in qualities.values()}) > 1
    assert bridge.quality == qualities[bridge.method]
    assert bridge.quality.retrieval_at_1 == max(q.retrieval_at_1 for q in qualities.values())
    np.testing.assert_allclose(bridge.matrix, METHODS[bridge.method](Anchors(a, b)))


def test_phrases_that_an_encoder_does_not_know_neither_help_nor_harm() -> None:
    """A hundred phrases that both towers give one vector each: with or without them, the same bridge."""
    language = Language(5)
    a, b = language.tower(24), language.tower(32)
    unknown_a, unknown_b = (np.repeat(unit(language.rng, 1, w), 100, axis=0) for w in (24, 32))
    # the first of them counts as any other phrase
    once = best_bridge(np.concatenate([a, unknown_a[:1]]), np.concatenate([b, unknown_b[:1]]))
    often = best_bridge(np.concatenate([a, unknown_a]), np.concatenate([b, unknown_b]))

    assert isinstance(once, Bridge)
    assert isinstance(often, Bridge)
    assert often.quality == once.quality
    np.testing.assert_array_equal(often.matrix, once.matrix)


def test_a_tower_that_knows_no_phrase_is_refused() -> None:
    rng = np.random.default_rng(6)
    found = best_bridge(unit(rng, ANCHORS, 16), np.repeat(unit(rng, 1, 16), ANCHORS, axis=0))

    assert isinstance(found, NoBridge)
    assert f"at least {LEAST_ANCHORS} phrases" in found.reason


def test_knowing_three_kinds_of_phrases_is_not_knowing_phrases() -> None:
    """Every phrase finds its kind, and within it all are as near: five times chance cannot be reached."""
    rng = np.random.default_rng(7)
    kind = rng.integers(0, 3, ANCHORS)
    a = lengthen(5 * unit(rng, 3, 24)[kind] + unit(rng, ANCHORS, 24))
    b = lengthen(unit(rng, 3, 16)[kind] + 1e-6 * rng.normal(size=(ANCHORS, 16)))

    found = best_bridge(a, b)

    assert isinstance(found, NoBridge)
    assert found.quality is not None
    assert found.quality.retrieval_at_1 > 0.99
    assert found.quality.chance == pytest.approx(1 / 3, abs=0.05)


def test_carried_texts_lie_on_the_other_towers() -> None:
    language = Language(8, phrases=ANCHORS + 20)
    a, b = language.tower(48), language.tower(64)
    bridge = best_bridge(a[20:], b[20:])
    assert isinstance(bridge, Bridge)

    carried = bridge.carry(b[:20])

    assert carried.centred
    assert carried.rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(carried.rows, axis=1), 1, atol=1e-6)
    own = a[:20] - a[20:].mean(axis=0)
    cosines = carried.rows @ (own / np.linalg.norm(own, axis=1, keepdims=True)).T
    assert cosines.diagonal().min() > 0.7
    assert (cosines.argmax(axis=0) == np.arange(20)).all()


def test_a_text_at_the_centre_carries_nothing() -> None:
    language = Language(9)
    a, b = language.tower(16), language.tower(16)
    bridge = best_bridge(a, b)
    assert isinstance(bridge, Bridge)

    rows = bridge.carry(np.stack([bridge.centre, b[0]])).rows

    assert not rows[0].any()
    assert np.linalg.norm(rows[1]) == pytest.approx(1, abs=1e-6)


def test_arrays_that_are_not_of_the_same_phrases_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(AlignmentError, match="same phrases in two spaces"):
        best_bridge(unit(rng, 60, 8), unit(rng, 61, 8))
    with pytest.raises(AlignmentError, match="instead of 1"):
        best_bridge(unit(rng, 60, 8), 3 * unit(rng, 60, 8))
