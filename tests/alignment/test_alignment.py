"""The interface to the strategies: parameters, and what is said when things do not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import Case, make_case, unit

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
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"temperature": float("nan")}, "temperature must be above 0"),
        ({"sharpness": -1.0}, "sharpness must be above 0"),
        ({"pooling": "sum"}, "'sum' is none of"),
        ({"weighting": "labels"}, "'labels' is none of"),
        ({"top_k": 0}, "top_k"),
        ({"name": "one-to-one", "pair": (0, 1)}, "cross-pair"),
        ({"name": "cross-pair", "pair": (1, 1)}, "one-to-one"),
        ({"name": "cross-pair", "pair": (0, 2)}, "0 or 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict, sentence: str) -> None:
    with pytest.raises(AlignmentError, match=sentence):
        Alignment(**parameters)


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
        "images": ([images[0][:, 0]] * 2, texts, index, n, scales),
        "tiles": ([images[0], images[1][:10]], texts, index, n, scales),
        "texts": (images, [t[:-1] for t in texts], index, n, scales),
        "class": (images, texts, index, n + 1, scales),
        "scales": (images, texts, index, n, [30.0]),
        "scale": (images, texts, index, n, [30.0, 0.0]),
        "nan": (images, [bad, texts[1]], index, n, scales),
        "none": ([], [], index, n, []),
    }[what]


@pytest.mark.parametrize("what", ["images", "tiles", "texts", "class", "scales", "scale", "nan", "none"])
def test_arrays_that_do_not_fit_are_refused(case: Case, what: str) -> None:
    with pytest.raises(AlignmentError):
        Alignment().score(*broken(case, what))


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_image_embedding_that_is_not_finite_never_becomes_a_probability(name: str, case: Case) -> None:
    case.images[0][3, 1, 2] = np.nan
    with pytest.raises(AlignmentError, match="not finite"):
        Alignment(name).score(*case.arguments())


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_tiles_give_no_scores(name: str) -> None:
    scores = Alignment(name).score(*make_case(n=0).arguments())

    assert scores.probabilities.shape == (0, 3)
    assert scores.margin.shape == scores.entropy.shape == scores.label.shape == (0,)
