"""The guard: kappa against scikit-learn, and who is let through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from tissue import make_tissue

from napari_histoalign.alignment.transductive import Refused, signal_strength, transclip, zlap
from napari_histoalign.alignment.transductive.signal import MIN_KAPPA, MIN_TILES
from napari_histoalign.errors import AlignmentError

BOTH = pytest.mark.parametrize("method", [transclip, zlap])


@pytest.mark.parametrize("classes", [2, 4])
def test_kappa_against_scikit_learn(classes: int) -> None:
    tissue = make_tissue(classes=classes)
    third = np.random.default_rng(9).normal(size=tissue.logits.shape)
    a, b, c = (r.argmax(axis=1) for r in (*tissue.raters, third))

    two = signal_strength(tissue.logits, tissue.raters)
    three = signal_strength(tissue.logits, [*tissue.raters, third])

    assert two.kappa == pytest.approx(cohen_kappa_score(a, b))
    assert three.kappa == pytest.approx(
        np.mean([cohen_kappa_score(a, b), cohen_kappa_score(a, c), cohen_kappa_score(b, c)])
    )
    assert (two.raters, three.raters, two.tiles) == (2, 3, 300)
    assert two.shares == pytest.approx((np.bincount(tissue.logits.argmax(axis=1)) / 300).tolist())


def test_its_noise_is_how_far_kappa_strays_by_chance() -> None:
    rng = np.random.default_rng(0)
    logits = np.zeros((40, 3))
    tilt = np.array([1.0, 0.3, 0.0])
    found = [
        signal_strength(logits, [rng.gumbel(size=(40, 3)) + tilt, rng.gumbel(size=(40, 3)) + tilt])
        for _ in range(800)
    ]

    strayed = np.std([s.kappa for s in found])
    assert np.mean([s.noise for s in found]) == pytest.approx(strayed, rel=0.1)


def test_probabilities_rate_as_their_logits_do() -> None:
    tissue = make_tissue()
    shifted = [r + np.float32(3) for r in tissue.raters]

    assert signal_strength(tissue.logits, shifted) == signal_strength(tissue.logits, tissue.raters)


def test_the_same_judge_twice_is_one_judge() -> None:
    tissue = make_tissue(signal=9)
    signal = signal_strength(tissue.logits, [tissue.raters[0], tissue.raters[0].copy()])

    assert (signal.raters, signal.kappa) == (1, 0)
    assert "two independent" in signal.weakness


def test_judges_who_name_one_class_only_agree_on_nothing() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 2))
    one, other = logits + np.array([90, 0]), logits + np.array([80, 0])

    assert signal_strength(logits, [one, other]).kappa == 0


@BOTH
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_random_logits_are_refused(method: object, seed: int) -> None:
    tissue = make_tissue(seed, n=800, signal=0.0)  # where chance reaches a fifth of MIN_KAPPA

    got = method(*tissue.arguments())  # type: ignore[operator]

    assert isinstance(got, Refused)
    assert got.signal.kappa < MIN_KAPPA
    assert "agree" in got.reason


@BOTH
def test_a_slide_of_one_class_is_refused(method: object) -> None:
    tissue = make_tissue(signal=5)
    tilted = tissue.logits + np.array([90, 0, 0], np.float32)

    got = method(tissue.features, tilted, tissue.raters)  # type: ignore[operator]

    assert isinstance(got, Refused)
    assert "one class" in got.reason


@BOTH
def test_too_few_tiles_are_refused(method: object) -> None:
    few = make_tissue(n=MIN_TILES - 1, signal=5)
    enough = make_tissue(n=MIN_TILES, signal=5)

    assert "at least 32" in method(*few.arguments()).reason  # type: ignore[operator]
    assert not isinstance(method(*enough.arguments()), Refused)  # type: ignore[operator]
    assert isinstance(  # and none at all
        method([np.empty((0, 4))], np.empty((0, 3)), []),  # type: ignore[operator]
        Refused,
    )


def test_few_tiles_that_agree_by_chance_are_not_enough() -> None:
    labels = np.repeat([0, 1], 16)
    other = labels.copy()
    other[[0, 1, 2, 3, 4, 5, 16, 17, 18, 19, 20, 21]] ^= 1  # 20 of 32 agree
    signal = signal_strength(np.eye(2)[labels], [np.eye(2)[labels], np.eye(2)[other]])

    assert signal.kappa == pytest.approx(0.25)
    assert 2 * signal.noise > signal.kappa > MIN_KAPPA
    assert "agree" in signal.weakness


@BOTH
def test_arrays_that_do_not_fit_together(method: object) -> None:
    tissue = make_tissue()
    with pytest.raises(AlignmentError, match="same tiles"):
        method(tissue.features, tissue.logits, [tissue.raters[0][:9]])  # type: ignore[operator]
    with pytest.raises(AlignmentError, match="shape"):
        method([tissue.features[0][:9]], tissue.logits, tissue.raters)  # type: ignore[operator]
    with pytest.raises(AlignmentError, match="none"):
        method([], tissue.logits, tissue.raters)  # type: ignore[operator]
    with pytest.raises(AlignmentError, match="neighbours"):
        method(*tissue.arguments(), neighbours=0)  # type: ignore[operator]
    with pytest.raises(AlignmentError, match="zero or not finite"):
        method([0 * tissue.features[0]], tissue.logits, tissue.raters)  # type: ignore[operator]
