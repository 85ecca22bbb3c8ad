"""Agreement: against scikit-learn, published figures, and a derivative taken by numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review import (
    UNSURE,
    Act,
    AreaTarget,
    Label,
    Reviewer,
    TileTarget,
    agreement,
    agreement_of,
    between_reviewers,
    decisions,
    fold,
    with_model,
)

SKIN = [[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]]
"""Two dermatologists, 88 patients: the example of agreement in SAS/STAT's guide to PROC FREQ."""
DIAGNOSES = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
"""Psychotic, neurotic, organic: Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, 18.1."""


def test_the_figures_of_two_published_examples() -> None:
    skin = agreement_of(SKIN, ("terrible", "poor", "marginal", "clear"))
    assert [round(v, 4) for v in (skin.kappa, skin.low, skin.high)] == [0.3449, 0.2030, 0.4868]
    diagnoses = agreement_of(DIAGNOSES, ("psychotic", "neurotic", "organic"))
    assert round(diagnoses.kappa, 2) == 0.68
    assert diagnoses.observed == pytest.approx(0.89)
    assert diagnoses.expected == pytest.approx(0.66)


answers = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=60)


@given(answers)
def test_kappa_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    first, second = (list(column) for column in zip(*pairs, strict=True))

    found = agreement(first, second)

    if len({*first, *second}) == 1:
        assert math.isnan(found.kappa)  # scikit-learn's is not a number either
        assert found.observed == 1.0
    else:
        assert found.kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    assert found.observed == pytest.approx(np.mean([a == b for a, b in pairs]))
    assert found.n == len(pairs)


@given(st.lists(st.integers(1, 40), min_size=9, max_size=9))
def test_the_standard_error_is_that_of_the_delta_method(counts: list[int]) -> None:
    """The reference takes kappa's slope in each share numerically."""
    table = np.reshape(counts, (3, 3))
    n = table.sum()
    p = table / n

    def kappa(p: np.ndarray) -> float:
        expected = (p.sum(axis=1) @ p.sum(axis=0)) / p.sum() ** 2
        return float((np.trace(p) / p.sum() - expected) / (1 - expected))

    step = 1e-6
    slope = np.empty((3, 3))
    for cell in np.ndindex(3, 3):
        up, down = p.copy(), p.copy()
        up[cell] += step
        down[cell] -= step
        slope[cell] = (kappa(up) - kappa(down)) / (2 * step)
    variance = ((p * slope**2).sum() - (p * slope).sum() ** 2) / n

    assert agreement_of(table, "abc").error == pytest.approx(math.sqrt(variance), rel=1e-4)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    truth = np.array([[0.4, 0.1], [0.15, 0.35]])
    expected = truth.sum(axis=1) @ truth.sum(axis=0)
    kappa = (np.trace(truth) - expected) / (1 - expected)
    tables = rng.multinomial(200, truth.ravel(), size=2000).reshape(-1, 2, 2)

    found = [agreement_of(table, "ab") for table in tables]

    assert 0.93 < np.mean([a.low <= kappa <= a.high for a in found]) < 0.97
    assert 0.93 < np.mean([a.observed_low <= 0.75 <= a.observed_high for a in found]) < 0.97


def test_where_the_formula_says_nothing_there_is_no_interval() -> None:
    perfect = agreement(list("aabb"), list("aabb"))
    assert (perfect.kappa, perfect.error) == (1.0, 0.0)
    assert math.isnan(perfect.low)
    assert math.isnan(perfect.high)
    assert perfect.observed_low == pytest.approx(0.5101, abs=1e-4)  # Wilson's for 4 of 4
    same = agreement(["a"] * 5, ["a"] * 5)
    assert math.isnan(same.kappa)
    assert same.observed == 1.0
    none = agreement([], [], ["a", "b"])
    assert none.n == 0
    assert math.isnan(none.observed)
    assert none.table.shape == (2, 2)


def test_the_table_has_the_first_answer_down_and_the_wanted_order() -> None:
    found = agreement(["m", "m", "b", "x"], ["b", "m", "b", "b"], ["m", "b"])

    assert found.labels == ("m", "b", "x")
    assert found.table.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ResultError):
        agreement(["a"], [])
    for table in ([[1, 2]], [[1, -1], [0, 0]], [[0.5, 0.5], [0, 0]]):
        with pytest.raises(ResultError):
            agreement_of(table, "ab")


def test_reviewers_with_each_other_and_with_the_model() -> None:
    acts: list[Act] = []

    def say(who: Reviewer, labels: dict[int, str | None], model: str) -> None:
        for index, name in labels.items():
            label = UNSURE if name is None else Label.of(name)
            target = TileTarget("g", index, (0, 0), 8)
            said = {"class": model} if model else None
            acts.extend(who.mark(fold(acts), [target], label, model=lambda t, said=said: said))

    say(Reviewer("Anna", blinded=True), {1: "b", 2: "m", 3: None, 4: "b"}, "m")
    say(Reviewer("Anna"), {4: "m", 5: "m"}, "m")  # the fourth changed once the model was shown
    say(Reviewer("Ben"), {1: "b", 2: "b", 3: "m", 5: "m", 6: "m"}, "")
    state = fold(acts)

    (pair,) = between_reviewers(state, ("b", "m"))
    assert (pair.first, pair.second, pair.how) == ("Anna", "Ben", "all")
    assert pair.agreement.table.tolist() == [[1, 0], [1, 1]]  # tiles 1, 2, 5; the third is unsure
    assert pair.left_out == 1
    blind, shown, unsaid = with_model(state, ("b", "m"))
    assert (blind.first, blind.how, blind.left_out) == ("Anna", "blinded", 1)
    assert blind.agreement.table.tolist() == [[0, 2], [0, 1]]  # tiles 1, 4 and 2
    assert (shown.how, shown.agreement.table.tolist()) == ("shown", [[0, 0], [0, 2]])  # tiles 4 and 5
    assert (unsaid.first, unsaid.agreement.n, unsaid.left_out) == ("Ben", 0, 5)


def test_decisions_on_regions_are_counted() -> None:
    who, acts = Reviewer("Anna"), []
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    a, b, c, d, e = (AreaTarget(name, square) for name in "abcde")
    said = {"class": "malignant"}
    state = fold(acts)
    acts += [
        who.accept(state, a, model=said),
        who.relabel(state, b, "benign", model=said),
        who.reject(state, c, model=said),
        who.relabel(state, d, "malignant", model=said),  # what the model had said
        who.redraw(e, a.polygon, model=said),
    ]

    (counted,) = decisions(fold(acts))

    assert (counted.who, counted.accepted, counted.changed, counted.rejected) == ("Anna", 2, 2, 1)
