"""The interface to the strategies: parameters, and what is said when things do not fit."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cases import Case, dot, make_case, unit

from napari_histoalign.alignment import DESCRIPTIONS, STRATEGIES, Alignment
from napari_histoalign.errors import AlignmentError


def test_every_strategy_is_described_and_survives_plain_values() -> None:
    assert set(DESCRIPTIONS) == set(STRATEGIES)
    for name in STRATEGIES:
        alignment = Alignment(name, temperature=0.7)
        assert Alignment.from_dict(alignment.to_dict()) == alignment
    crossed = Alignment("cross-pair", pair=(1, 0))
    assert Alignment.from_dict(crossed.to_dict()) == crossed


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"name": "guess"}, "no alignment 'guess'"),
        ({"temperature": 0.0}, "temperature must be a number between 0.001 and 1000; got 0.0"),
        ({"temperature": float("nan")}, "temperature must be a number"),
        ({"temperature": 1e-38}, "temperature must be a number"),
        ({"temperature": "hot"}, "temperature must be a number.*'hot'"),
        ({"sharpness": -1.0}, "sharpness must be a number"),
        ({"sharpness": None}, "sharpness must be a number.*None"),
        ({"sharpness": True}, "sharpness must be a number"),
        ({"pooling": "sum"}, "'sum' is none of"),
        ({"weighting": "labels"}, "'labels' is none of"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 2.0}, "top_k.*2.0"),
        ({"top_k": "3"}, "top_k"),
        ({"pair": 3}, "0 or 1; got 3"),
        ({"pair": (0.0, 0)}, "0 or 1"),
        ({"pair": (0, True)}, "0 or 1"),
        ({"pair": (0, 1, 0)}, "0 or 1"),
        ({"name": "one-to-one", "pair": (0, 1)}, "cross-pair"),
        ({"name": "cross-pair", "pair": (1, 1)}, "one-to-one"),
        ({"name": "cross-pair", "pair": (0, 2)}, "0 or 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict, sentence: str) -> None:
    with pytest.raises(AlignmentError, match=sentence):
        Alignment(**parameters)
    with pytest.raises(AlignmentError, match=sentence):
        Alignment.from_dict(parameters)


@pytest.mark.parametrize("name", ["cross-pair", "joint-fusion", "mean-fusion"])
def test_what_needs_two_encoders_says_so(name: str) -> None:
    with pytest.raises(AlignmentError, match="needs two encoders"):
        Alignment(name).score(*make_case(encoders=1).arguments())


@pytest.mark.parametrize("name", ["cross-pair", "mean-fusion"])
def test_embeddings_of_other_widths_cannot_be_crossed(name: str) -> None:
    case = make_case()
    rng = np.random.default_rng(0)
    wide = replace(
        case,
        images=[case.images[0], unit(rng, 50, 2, 24)],
        texts=[case.texts[0], unit(rng, len(case.class_index), 24)],
    )
    with pytest.raises(AlignmentError, match="differ in width"):
        Alignment(name).score(*wide.arguments())


def broken(case: Case, what: str) -> tuple:
    images, texts, index, n, scales = case.arguments()
    bad = np.array(texts[0])
    bad[0, 0] = np.nan
    return {
        "flat": ([images[0][:, 0]] * 2, texts, index, n, scales),
        "tiles": ([images[0], images[1][:10]], texts, index, n, scales),
        "views": ([i[:, :0] for i in images], texts, index, n, scales),
        "width": ([i[:, :, :8] for i in images], texts, index, n, scales),
        "texts": (images, [t[:-1] for t in texts], index, n, scales),
        "long": (images, [texts[0], 1.1 * texts[1]], index, n, scales),
        "class": (images, texts, index, n + 1, scales),
        "column": (images, texts, index[:, None], n, scales),
        "fraction": (images, texts, index + 0.5, n, scales),
        "scales": (images, texts, index, n, [30.0]),
        "scale": (images, texts, index, n, [30.0, 0.0]),
        "large": (images, texts, index, n, [30.0, 1e30]),
        "nan": (images, [bad, texts[1]], index, n, scales),
        "none": ([], [], index, n, []),
    }[what]


MISFITS = {
    "flat": r"shape \(tiles, views, width\)",
    "tiles": "same tiles and views",
    "views": "at least one view",
    "width": r"shape \(9, 8\).*got \(9, 16\)",
    "texts": r"shape \(9, 16\).*got \(8, 16\)",
    "long": "length 1.1 instead of 1",
    "class": "Each of the 4 classes needs a prompt",
    "column": "whole numbers, one a prompt",
    "fraction": "whole numbers, one a prompt",
    "scales": "got 2, 2 and 1",
    "scale": "Logit scales must be above 0",
    "large": "at most 10000",
    "nan": "text embedding is not finite",
    "none": "got 0, 0 and 0",
}


@pytest.mark.parametrize("name", ["one-to-one", "many-to-many"])
@pytest.mark.parametrize("what", MISFITS)
def test_arrays_that_do_not_fit_are_refused(case: Case, what: str, name: str) -> None:
    with pytest.raises(AlignmentError, match=MISFITS[what]):
        Alignment(name).score(*broken(case, what))


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("damage", [np.nan, np.inf, 0.0])
def test_an_embedding_that_is_none_never_becomes_a_probability(name: str, damage: float, case: Case) -> None:
    case.images[0][3, 1] = damage
    with pytest.raises(AlignmentError, match="zero or not finite"):
        Alignment(name).score(*case.arguments())


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_tiles_give_no_scores(name: str) -> None:
    scores = Alignment(name).score(*make_case(n=0).arguments())

    assert scores.probabilities.shape == scores.logits.shape == (0, 3)
    assert scores.margin.shape == scores.entropy.shape == scores.label.shape == (0,)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("n", [0, 1, 50])
def test_details_are_plain_values_for_the_provenance(name: str, n: int) -> None:
    details = Alignment(name).score(*make_case(n=n).arguments()).details

    assert json.loads(json.dumps(details, allow_nan=False)) == details


@pytest.mark.parametrize("name", ["one-to-one", "many-to-many"])
def test_one_encoder_one_view_and_one_tile_will_do(name: str) -> None:
    case = make_case(encoders=1, views=1, n=1, classes=(1, 1))
    scores = Alignment(name).score(*case.arguments())

    odds = [math.exp(30.0 * dot(case.images[0][0, 0], t)) for t in case.texts[0]]
    np.testing.assert_allclose(scores.probabilities[0], np.array(odds) / sum(odds), rtol=1e-4)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_memory_map_scores_like_an_array(name: str, tmp_path: Path) -> None:
    case = make_case()
    case.images = [i.astype(np.float16) for i in case.images]
    for e, image in enumerate(case.images):
        np.save(tmp_path / f"{e}.npy", image)
    mapped = replace(case, images=[np.load(tmp_path / f"{e}.npy", mmap_mode="r") for e in (0, 1)])

    np.testing.assert_array_equal(
        Alignment(name).score(*mapped.arguments()).logits, Alignment(name).score(*case.arguments()).logits
    )


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"screening": "best"}, "none of none, zpe, margin"),
        ({"prior": "truth"}, "none of none, content-free, frolic, otter"),
        ({"centring": 1.5}, "between 0 and 1"),
        ({"centring": float("nan")}, "between 0 and 1"),
        ({"shares": "half"}, "list of numbers"),
        ({"shares": [0.5, "x"]}, "list of numbers"),
    ],
)
def test_options_that_cannot_be(fields: dict, complaint: str) -> None:
    with pytest.raises(AlignmentError, match=complaint):
        Alignment(**fields)


def test_shares_that_are_asked_for_are_met_and_named(case) -> None:
    shares = (0.2, 0.5, 0.3)
    alignment = Alignment("many-to-many", prior="otter", shares=shares, temperature=2.0)
    scores = alignment.score(*case.arguments())

    assert alignment.transductive and not Alignment().transductive
    np.testing.assert_allclose(np.bincount(scores.label, minlength=3) / 50, shares, atol=0.021)
    plain = Alignment("many-to-many", temperature=2.0).score(*case.arguments())
    shift = np.array(scores.details["prior"]["shift"])
    np.testing.assert_allclose(scores.logits, plain.logits + shift / 2, atol=1e-5)
    assert scores.details["prior"]["prior"] == pytest.approx(shares)
    assert scores.details["prior"]["method"] == "otter"
    assert Alignment.from_dict(alignment.to_dict()) == alignment


@pytest.mark.parametrize("name", ["one-to-one", "joint-fusion", "many-to-many"])
def test_parts_add_up_to_the_logits(case, name: str) -> None:
    scores = Alignment(name).score(*case.arguments())
    total = sum(part.weight * part.logits for part in scores.parts)
    np.testing.assert_allclose(total, scores.logits, atol=1e-5)
    assert sum(part.weight for part in scores.parts) == pytest.approx(1)


def test_screened_prompts_move_every_strategy_and_stay_within_bounds(case) -> None:
    for name in ("one-to-one", "mean-fusion", "many-to-many"):
        plain = Alignment(name).score(*case.arguments()).probabilities
        moved = Alignment(name, screening="margin").score(*case.arguments()).probabilities
        assert np.abs(plain - moved).max() > 1e-4
        np.testing.assert_allclose(moved.sum(axis=1), 1, rtol=1e-5)
