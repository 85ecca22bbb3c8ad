"""Many-to-many against plain loops, step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import Case, dot, make_case, members, soft, unit

from napari_histoalign.alignment import Alignment
from napari_histoalign.alignment import confidence as confidence_module
from napari_histoalign.alignment.confidence import confidence, match_confidence
from napari_histoalign.alignment.many_to_many import MIN_REFERENCE

PAIRS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def pooled_by_loops(case: Case, pair: tuple[int, int], sharpness: float) -> np.ndarray:
    """1/b log mean exp(b cos) over a class's bag, less the mean over classes."""
    i, j = pair
    b = sharpness * math.sqrt(case.scales[i] * case.scales[j])
    out = np.empty((len(case.images[0]), case.n_classes))
    for n in range(len(out)):
        for c in range(case.n_classes):
            bag = [dot(v, case.texts[j][k]) for v in case.images[i][n] for k in members(case, c)]
            out[n, c] = math.log(sum(math.exp(b * s) for s in bag) / len(bag)) / b
        out[n] -= out[n].mean()
    return out


def reliability_by_loops(case: Case, pair: tuple[int, int]) -> float:
    i, j = pair
    s = np.array([[np.mean([dot(v, t) for v in tile]) for t in case.texts[j]] for tile in case.images[i]])
    means = np.array(
        [[np.mean([row[k] for k in members(case, c)]) for c in range(case.n_classes)] for row in s]
    )
    between = np.mean([np.var(column) for column in (means - means.mean(axis=1, keepdims=True)).T])
    counts = [len(members(case, c)) for c in range(case.n_classes)]
    squares = [np.var(s[:, k] - means[:, case.class_index[k]]) for k in range(s.shape[1])]
    own = sum(squares) / (len(squares) - len(counts))
    noise = (1 - 1 / len(counts)) * own * np.mean([1 / m for m in counts])
    return float(max(between - noise, 0) / between)


def top(logits: np.ndarray) -> float:
    return float(np.mean([max(soft(list(row))) for row in logits]))


@pytest.mark.parametrize("sharpness", [0.5, 1.0])
def test_every_step_against_loops(case: Case, sharpness: float) -> None:
    got = Alignment("many-to-many", sharpness=sharpness).score(*case.arguments())

    pooled = [pooled_by_loops(case, pair, sharpness) for pair in PAIRS]
    scales = [30.0, math.sqrt(450.0), math.sqrt(450.0), 15.0]
    target = (top(30.0 * pooled[0]) + top(15.0 * pooled[3])) / 2
    reliabilities = [reliability_by_loops(case, pair) for pair in PAIRS]
    details = got.details
    assert details["pairs"] == [list(p) for p in PAIRS]
    np.testing.assert_allclose(details["scales"], scales, rtol=1e-6)
    np.testing.assert_allclose(details["standard_deviations"], [p.std() for p in pooled], rtol=1e-4)
    np.testing.assert_allclose(details["reliabilities"], reliabilities, rtol=1e-4)
    weights = np.array([math.sqrt(r) / (1 - r) for r in reliabilities])
    np.testing.assert_allclose(details["weights"], weights / weights.sum(), rtol=1e-3)
    for p, temperature in zip(pooled, details["temperatures"], strict=True):
        assert top(p / temperature) == pytest.approx(target, abs=1e-4)
    logits = sum(
        w * p / t for w, p, t in zip(details["weights"], pooled, details["temperatures"], strict=True)
    )
    np.testing.assert_allclose(got.logits, logits, atol=2e-3)
    np.testing.assert_allclose(got.probabilities, [soft(list(row)) for row in logits], atol=1e-3)


def test_it_is_not_linear_in_the_embeddings() -> None:
    """What mean fusion cannot tell apart: one view that fits well, or two that fit half."""
    texts = np.eye(4, dtype=np.float32)
    one_fits = [[1.0, 0, 0, 0], [0, 0, 1.0, 0]]
    both_half = [[0.5, 0, 0.5, math.sqrt(0.5)], [0.5, 0, 0.5, -math.sqrt(0.5)]]
    images = np.array([one_fits, both_half], np.float32)
    classes = np.array([0, 1])
    arguments = ([images], [texts[[0, 1]]], classes, 2, [10.0])

    linear = Alignment("one-to-one").score(*arguments).probabilities[:, 0]
    pooled = Alignment("many-to-many").score(*arguments).probabilities[:, 0]

    assert linear[0] == pytest.approx(linear[1], abs=1e-6)
    assert pooled[0] > pooled[1] + 0.005


def test_one_encoder_keeps_its_own_confidence() -> None:
    case = make_case(encoders=1, classes=(1, 1, 1), views=1, n=200)
    many = Alignment("many-to-many").score(*case.arguments())
    one = Alignment("one-to-one").score(*case.arguments())

    # one view and one prompt a class: pooling has nothing to pool, and the temperature is the encoder's own
    np.testing.assert_allclose(many.probabilities, one.probabilities, atol=1e-4)


@pytest.mark.parametrize("n", [0, 1, MIN_REFERENCE - 1])
def test_few_tiles_keep_each_pairs_own_scale(n: int) -> None:
    case = make_case(n=n)
    got = Alignment("many-to-many").score(*case.arguments())

    assert got.probabilities.shape == (n, 3)
    assert got.details["weights"] == [0.25] * 4
    assert got.details["reference_tiles"] == 0
    np.testing.assert_allclose(1 / np.array(got.details["temperatures"]), got.details["scales"])


@pytest.mark.parametrize("lost", [0, 1])
def test_an_encoder_to_which_all_prompts_are_alike_has_no_say(lost: int) -> None:
    """As when it never learned the words: the other encoder's own pair sets the confidence."""
    case = make_case(n=200, classes=(2, 2, 2))
    case.texts[lost] = np.repeat(case.texts[lost][:1], 6, axis=0)
    got = Alignment("many-to-many").score(*case.arguments())

    details, kept = got.details, 1 - lost
    weights = dict(zip(map(tuple, details["pairs"]), details["weights"], strict=True))
    assert weights[0, lost] == weights[1, lost] == 0
    pooled = pooled_by_loops(case, (kept, kept), 1.0)
    own = details["pairs"].index([kept, kept])
    assert top(pooled / details["temperatures"][own]) == pytest.approx(
        top(case.scales[kept] * pooled), abs=1e-4
    )
    assert np.isfinite(got.probabilities).all()


@pytest.mark.parametrize("encoders", [1, 2])
def test_no_encoder_that_can_tell_classes_apart_gives_even_odds(encoders: int) -> None:
    case = make_case(n=100, classes=(2, 2, 2), encoders=encoders)
    case.texts = [np.repeat(t[:1], 6, axis=0) for t in case.texts]
    got = Alignment("many-to-many").score(*case.arguments())

    np.testing.assert_allclose(got.probabilities, 1 / 3, atol=1e-4)


def test_matching_on_a_sample_finds_the_temperatures_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case(n=2000)
    whole = Alignment("many-to-many").score(*case.arguments()).details["temperatures"]
    monkeypatch.setattr(confidence_module, "MATCHING_TILES", 1000)
    sampled = Alignment("many-to-many").score(*case.arguments()).details["temperatures"]
    case.images = [i[::-1] for i in case.images]
    reversed_ = Alignment("many-to-many").score(*case.arguments()).details["temperatures"]

    np.testing.assert_allclose(sampled, whole, rtol=0.1)
    assert sampled != whole
    np.testing.assert_allclose(reversed_, sampled, rtol=1e-4)


def test_tiles_that_are_all_alike_give_finite_scores() -> None:
    case = make_case(n=100)
    case.images = [np.repeat(i[:1], 100, axis=0) for i in case.images]
    got = Alignment("many-to-many").score(*case.arguments())

    assert np.isfinite(got.probabilities).all()
    np.testing.assert_allclose(got.probabilities, np.repeat(got.probabilities[:1], 100, axis=0), atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_texts_that_contradict_each_other_get_little_weight(seed: int) -> None:
    """Both image encoders separate the classes; the second one's prompts are noise."""
    rng = np.random.default_rng(seed)
    axes = np.eye(16, dtype=np.float32)
    truth = rng.integers(0, 5, 400)

    def near(rows: np.ndarray, noise: float) -> np.ndarray:
        x = rows + noise * rng.normal(size=rows.shape)
        return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)

    index = np.repeat(np.arange(5), 6)
    images = [near(axes[truth][:, None], 0.1) for _ in range(2)]
    case = Case(images, [near(axes[index], 0.1), unit(rng, 30, 16)], index, 5, [20.0, 20.0])
    got = Alignment("many-to-many").score(*case.arguments())
    even = Alignment("many-to-many", weighting="equal").score(*case.arguments())

    sound = [w for pair, w in zip(got.details["pairs"], got.details["weights"], strict=True) if pair[1] == 0]
    assert sum(sound) > 0.8
    assert (got.label == truth).mean() >= (even.label == truth).mean()
    assert (got.label == truth).mean() > 0.97


def test_cross_pairs_of_other_widths_are_left_out_and_named() -> None:
    rng = np.random.default_rng(0)
    index = np.array([0, 0, 1])
    case = Case([unit(rng, 60, 1, 8), unit(rng, 60, 1, 12)], [unit(rng, 3, 8), unit(rng, 3, 12)], index, 2)
    got = Alignment("many-to-many").score(*case.arguments())

    assert got.details["pairs"] == [[0, 0], [1, 1]]
    assert got.details["left_out"] == [[0, 1], [1, 0]]


@pytest.mark.parametrize("target", [0.4, 0.6, 0.9])
def test_matching_reaches_the_confidence_it_is_asked_for(target: float) -> None:
    z = np.random.default_rng(1).normal(size=(500, 3)).astype(np.float32)

    gain = match_confidence(z, target)

    assert confidence(np.float32(gain) * z) == pytest.approx(target, abs=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "max", "top-k"])
def test_other_poolings_against_loops(pooling: str) -> None:
    case = make_case(n=10)
    got = Alignment("many-to-many", pooling=pooling, top_k=2).score(*case.arguments())

    def pooled(n: int, c: int, i: int, j: int) -> float:
        bag = sorted(dot(v, case.texts[j][k]) for v in case.images[i][n] for k in members(case, c))
        return {"mean": sum(bag) / len(bag), "max": bag[-1], "top-k": sum(bag[-2:]) / 2}[pooling]

    expected = np.zeros((10, 3))
    for i, j in PAIRS:
        block = np.array([[pooled(n, c, i, j) for c in range(3)] for n in range(10)])
        scale = math.sqrt(case.scales[i] * case.scales[j])
        expected += scale * (block - block.mean(axis=1, keepdims=True)) / 4
    np.testing.assert_allclose(got.logits, expected, atol=1e-4)
