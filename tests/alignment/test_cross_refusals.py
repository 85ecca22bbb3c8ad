"""Pairs that cannot be compared: left out, refused, or never asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import Case, two_widths

from napari_histoalign.alignment import Alignment, CrossTexts, Refusal
from napari_histoalign.errors import AlignmentError

APART = Refusal("The spaces of Rod and Cone do not meet.")


def score(name: str, case: Case, **options: Any) -> np.ndarray:
    return Alignment(name).score(*case.arguments(), **options).logits


@pytest.mark.parametrize("name", ["cross-pair", "mean-fusion"])
def test_a_refused_pair_is_refused_with_its_reason(name: str, case: Case) -> None:
    cross = {(0, 1): APART, (1, 0): CrossTexts(case.texts[0])}
    with pytest.raises(AlignmentError, match=rf"{name} compares.*Rod and Cone do not meet.*joint-fusion"):
        score(name, case, cross=cross)
    with pytest.raises(AlignmentError, match="No texts were given for this pair"):
        score(name, case, cross={})


def test_the_way_back_may_be_open(case: Case) -> None:
    cross = {(0, 1): APART, (1, 0): CrossTexts(case.texts[0])}
    back = Alignment("cross-pair", pair=(1, 0))

    np.testing.assert_array_equal(
        back.score(*case.arguments(), cross=cross).logits, back.score(*case.arguments()).logits
    )


@pytest.mark.parametrize("name", ["one-to-one", "joint-fusion"])
def test_strategies_without_cross_pairs_ask_for_none(name: str, case: Case) -> None:
    assert Alignment(name).crossed == ()
    np.testing.assert_array_equal(score(name, case, cross={}), score(name, case))


def test_a_strategy_says_which_pairs_it_crosses() -> None:
    assert Alignment("cross-pair").crossed == ((0, 1),)
    assert Alignment("cross-pair", pair=(1, 0)).crossed == ((1, 0),)
    assert Alignment("mean-fusion").crossed == Alignment("many-to-many").crossed == ((0, 1), (1, 0))


def test_many_to_many_leaves_refused_pairs_out_and_says_why(case: Case) -> None:
    cross = {(0, 1): APART}
    got = Alignment("many-to-many").score(*case.arguments(), cross=cross)

    assert got.details["pairs"] == [[0, 0], [1, 1]]
    assert got.details["left_out"] == [[0, 1], [1, 0]]
    assert got.details["left_out_because"] == [APART.reason, "No texts were given for this pair."]
    assert sum(got.details["weights"]) == pytest.approx(1)


@pytest.mark.parametrize("reference", [None, 10])
def test_too_few_tiles_have_no_mean_to_centre_on(reference: int | None) -> None:
    case, cross = two_widths(n=50 if reference else 20)
    positions = None if reference is None else np.arange(reference)
    got = Alignment("many-to-many").score(*case.arguments(), cross=cross, reference=positions)

    assert got.details["pairs"] == [[0, 0], [1, 1]]
    assert all("at least 32 tiles" in reason for reason in got.details["left_out_because"])


@pytest.mark.parametrize("name", ["cross-pair", "many-to-many"])
@pytest.mark.parametrize("damage", [np.nan, 0.0])
def test_a_damaged_embedding_is_found_behind_a_bridge_too(name: str, damage: float) -> None:
    case, cross = two_widths()
    case.images[0][3, 1] = damage
    with pytest.raises(AlignmentError, match="zero or not finite"):
        score(name, case, cross=cross)


@pytest.mark.parametrize(
    ("cross", "sentence"),
    [
        ({(0, 0): APART}, r"two different encoders; got \(0, 0\)"),
        ({(0, 2): APART}, r"two different encoders; got \(0, 2\)"),
        ({(0, 1): CrossTexts(np.eye(9, 12, dtype=np.float32))}, r"shape \(9, 16\).*got \(9, 12\)"),
        ({(0, 1): CrossTexts(np.eye(8, 16, dtype=np.float32))}, r"shape \(9, 16\).*got \(8, 16\)"),
        ({(0, 1): CrossTexts(2 * np.eye(9, 16, dtype=np.float32))}, "length 2 instead of 1"),
        ({(0, 1): CrossTexts(np.full((9, 16), np.nan, np.float32))}, "not finite"),
    ],
)
def test_cross_texts_that_do_not_fit_are_refused(cross: dict, sentence: str, case: Case) -> None:
    with pytest.raises(AlignmentError, match=sentence):
        score("many-to-many", case, cross=cross)
