"""Strategies with texts that were carried over from another space."""

from __future__ import annotations

import json
import math
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import Case, dot, make_case, members, soft, two_widths, unit

from napari_histoalign.alignment import STRATEGIES, Alignment, CrossTexts, Refusal
from napari_histoalign.alignment import similarity as similarity_module
from napari_histoalign.alignment.bridge import Bridge, best_bridge

CROSSING = [name for name in STRATEGIES if Alignment(name).crossed]
APART = Refusal("The spaces of Rod and Cone do not meet.")


def score(name: str, case: Case, **options: Any) -> np.ndarray:
    return Alignment(name).score(*case.arguments(), **options).logits


def prototype(rows: np.ndarray, which: list[int]) -> np.ndarray:
    mean = np.mean([rows[k] for k in which], axis=0, dtype=np.float64)
    return mean / np.linalg.norm(mean)


def block_by_loops(case: Case, rows: np.ndarray, i: int, mean: np.ndarray) -> np.ndarray:
    """Mean over views of <view - mean, class vector>."""
    out = np.empty((len(case.images[i]), case.n_classes))
    for n, views in enumerate(case.images[i]):
        for c in range(case.n_classes):
            t = prototype(rows, members(case, c))
            out[n, c] = np.mean([dot(v - mean, t) for v in views])
    return out


def mean_image(case: Case, i: int, reference: list[int] | None = None) -> np.ndarray:
    tiles = case.images[i] if reference is None else case.images[i][reference]
    return tiles.reshape(-1, tiles.shape[-1]).mean(axis=0, dtype=np.float64)


@pytest.mark.parametrize("name", STRATEGIES)
def test_texts_in_one_space_score_as_encoders_of_equal_width_do(name: str, case: Case) -> None:
    cross = {(0, 1): CrossTexts(case.texts[1]), (1, 0): CrossTexts(case.texts[0])}

    np.testing.assert_array_equal(score(name, case, cross=cross), score(name, case))


@pytest.mark.parametrize("pair", [(0, 1), (1, 0)])
@pytest.mark.parametrize("reference", [None, list(range(5, 20))])
def test_cross_pair_compares_images_less_their_mean_with_carried_texts(
    pair: tuple[int, int], reference: list[int] | None
) -> None:
    case, cross = two_widths()
    positions = None if reference is None else np.array(reference)
    got = Alignment("cross-pair", pair=pair).score(*case.arguments(), cross=cross, reference=positions)

    mean = mean_image(case, pair[0], reference)
    expected = math.sqrt(450) * block_by_loops(case, cross[pair].rows, pair[0], mean)
    np.testing.assert_allclose(got.logits, expected, atol=1e-4)


def test_mean_fusion_is_the_mean_of_its_four_blocks() -> None:
    case, cross = two_widths()
    got = Alignment("mean-fusion").score(*case.arguments(), cross=cross)

    blocks = [block_by_loops(case, case.texts[i], i, np.zeros(case.images[i].shape[-1])) for i in (0, 1)]
    blocks += [block_by_loops(case, cross[p].rows, p[0], mean_image(case, p[0])) for p in cross]
    np.testing.assert_allclose(got.logits, math.sqrt(450) * sum(blocks) / 4, atol=1e-4)


def test_many_to_many_pools_centred_similarities() -> None:
    case, cross = two_widths()
    cross = {(0, 1): APART, (1, 0): cross[1, 0]}
    got = Alignment("many-to-many", weighting="equal").score(*case.arguments(), cross=cross)

    mean, b = mean_image(case, 1), math.sqrt(450)
    pooled = np.empty((50, 3))
    for n in range(50):
        for c in range(3):
            bag = [dot(v - mean, cross[1, 0].rows[k]) for v in case.images[1][n] for k in members(case, c)]
            pooled[n, c] = math.log(sum(math.exp(b * s) for s in bag) / len(bag)) / b
        pooled[n] -= pooled[n].mean()
    assert got.details["pairs"] == [[0, 0], [1, 0], [1, 1]]
    spread = got.details["standard_deviations"][1]
    assert spread == pytest.approx(math.sqrt(np.mean(pooled**2)), rel=1e-4)
    temperature = got.details["temperatures"][1]
    own = [Alignment("many-to-many").score(*own_case(case, e)).logits for e in (0, 1)]
    target = np.mean([np.mean([max(soft(list(row))) for row in logits]) for logits in own])
    assert np.mean([max(soft(list(row))) for row in pooled / temperature]) == pytest.approx(target, abs=1e-3)


def own_case(case: Case, e: int) -> tuple:
    return [case.images[e]], [case.texts[e]], case.class_index, case.n_classes, [case.scales[e]]


def test_what_images_share_does_not_matter_behind_a_bridge() -> None:
    """Without centring it would favour some class on every tile: <mean x, t> differs from text to text."""
    case, cross = two_widths(n=60)
    gap = unit(np.random.default_rng(9), 24)
    across = case.images[1] - (case.images[1] @ gap)[..., None] * gap
    across /= np.linalg.norm(across, axis=-1, keepdims=True)

    def moved(by: float) -> Case:
        """All views moved along one direction, lengths kept."""
        return replace(case, images=[case.images[0], (0.6 * across + by * gap).astype(np.float32)])

    here, there = moved(0.8), moved(-0.8)
    pair = Alignment("cross-pair", pair=(1, 0))
    many = [Alignment().score(*c.arguments(), cross=cross).details for c in (here, there)]

    np.testing.assert_allclose(
        pair.score(*here.arguments(), cross=cross).logits,
        pair.score(*there.arguments(), cross=cross).logits,
        atol=1e-4,
    )
    crossed, own = many[0]["pairs"].index([1, 0]), many[0]["pairs"].index([1, 1])
    spreads = np.array([d["standard_deviations"] for d in many])
    assert spreads[0, crossed] == pytest.approx(spreads[1, crossed], rel=1e-4)
    assert spreads[0, own] != pytest.approx(spreads[1, own], rel=1e-2)


def test_texts_carried_by_a_bridge_classify_the_other_encoders_images() -> None:
    """End to end: two spaces of other widths and directions, images beside the texts, no label used."""
    rng = np.random.default_rng(10)
    meanings, gap = rng.normal(size=(200, 12)), 2 * unit(rng, 32)

    def seen(rows: np.ndarray, spread: np.ndarray, shared: np.ndarray) -> np.ndarray:
        out = rows @ spread.T + shared
        return (out / np.linalg.norm(out, axis=-1, keepdims=True)).astype(np.float32)

    spread_a = np.linalg.qr(rng.normal(size=(32, 12)))[0]
    spread_b = np.linalg.qr(rng.normal(size=(48, 12)))[0]
    cone_a, cone_b = 2 * unit(rng, 32), 2 * unit(rng, 48)
    classes = rng.normal(size=(4, 12))
    truth = rng.integers(0, 4, 300)
    tiles = classes[truth] + 0.5 * rng.normal(size=(300, 12))
    images = seen(tiles, spread_a, gap)[:, None]
    bridge = best_bridge(seen(meanings, spread_a, cone_a), seen(meanings, spread_b, cone_b))
    assert isinstance(bridge, Bridge)
    texts_a, texts_b = seen(classes, spread_a, cone_a), seen(classes, spread_b, cone_b)
    case = Case([images, unit(rng, 300, 1, 48)], [texts_a, texts_b], np.arange(4), 4)

    crossed = Alignment("cross-pair").score(*case.arguments(), cross={(0, 1): bridge.carry(texts_b)})
    own = Alignment("one-to-one").score(*case.arguments())

    assert (crossed.label == truth).mean() > 0.95
    assert (crossed.label == truth).mean() > (own.label == truth).mean() - 0.02


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("n", [0, 1, 40])
def test_bridged_scores_are_finite_distributions_with_plain_details(name: str, n: int) -> None:
    case, cross = two_widths(n=n)
    scores = Alignment(name).score(*case.arguments(), cross=cross)

    assert scores.logits.dtype == np.float32
    assert scores.probabilities.shape == (n, 3)
    np.testing.assert_allclose(scores.probabilities.sum(axis=1), 1, atol=1e-5)
    assert json.loads(json.dumps(scores.details, allow_nan=False)) == scores.details


@pytest.mark.parametrize("name", CROSSING)
def test_neither_order_nor_blocks_nor_repeats_nor_lengths_matter(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, cross = two_widths(n=70)
    whole = score(name, case, cross=cross)
    rows = np.r_[np.random.default_rng(0).permutation(9), 2, 2, 7]
    shuffled = replace(case, texts=[t[rows] for t in case.texts], class_index=case.class_index[rows])
    again = {pair: CrossTexts(given.rows[rows], given.centred) for pair, given in cross.items()}
    np.testing.assert_allclose(score(name, shuffled, cross=again), whole, atol=2e-4)
    lengths = np.random.default_rng(1).uniform(0.5, 2, (70, 2, 1)).astype(np.float32)
    longer = replace(case, images=[i * lengths for i in case.images])
    np.testing.assert_allclose(score(name, longer, cross=cross), whole, atol=2e-4)
    monkeypatch.setattr(similarity_module, "BLOCK_ROWS", 7)
    np.testing.assert_allclose(score(name, case, cross=cross), whole, atol=2e-4)


@pytest.mark.parametrize("name", CROSSING)
def test_memory_does_not_grow_with_tiles_times_prompts(name: str) -> None:
    case = make_case(n=40_000, views=1, width=8, classes=(150, 150))
    cross = {
        (0, 1): CrossTexts(case.texts[1], centred=True),
        (1, 0): CrossTexts(case.texts[0], centred=True),
    }
    tracemalloc.start()
    Alignment(name).score(*case.arguments(), cross=cross, reference=np.arange(0, 40_000, 2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 40_000 * 300 * 4


def test_a_prompt_of_which_nothing_was_carried_over_tells_no_tile_from_another() -> None:
    case, cross = two_widths()
    rows = np.array(cross[0, 1].rows)
    rows[case.class_index == 1] = 0
    got = score("cross-pair", case, cross={(0, 1): CrossTexts(rows, centred=True)})

    np.testing.assert_array_equal(got[:, 1], 0)
    assert np.abs(got[:, 0]).max() > 0.1
