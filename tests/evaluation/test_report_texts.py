"""Figures and names as text, kinds, and what may stand in bold."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from an_outcome import an_outcome

from napari_histoalign.evaluation.outcome import ALL, Estimate, Row
from napari_histoalign.evaluation.report import naming, texts
from napari_histoalign.evaluation.report.ranking import clear_best


def rows(measure: str, *found: tuple[float, float, float]) -> list[Row]:
    made = an_outcome(images=16, rows=len(found), magnifications=()).rows
    return [
        replace(row, slices={ALL: replace(row.slices[ALL], measures={measure: Estimate(*estimate)})})
        for row, estimate in zip(made, found, strict=True)
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.12345, "0.123"),
        (-0.5, "\N{MINUS SIGN}0.500"),
        (-0.0001, "0.000"),
        (math.nan, "\N{EN DASH}"),
        (None, "\N{EN DASH}"),
        (math.inf, "\N{INFINITY}"),
    ],
)
def test_numbers(value: float | None, expected: str) -> None:
    assert texts.number(value) == expected


def test_differences_have_signs() -> None:
    assert [texts.signed(v) for v in (0.1, -0.1, 0.0, 0.0001, math.nan)] == [
        "+0.100",
        "\N{MINUS SIGN}0.100",
        "0.000",
        "0.000",
        "\N{EN DASH}",
    ]


def test_p_values_are_never_nought() -> None:
    assert [texts.p_value(p) for p in (0.0, 0.00099, 0.001, 0.5, math.nan)] == [
        "< 0.001",
        "< 0.001",
        "0.001",
        "0.500",
        "\N{EN DASH}",
    ]


def test_measures_have_names_for_people() -> None:
    names = ("balanced_accuracy", "auroc", "ECE", "macro f1", "patient recognition rate")

    assert [naming.heading(name) for name in names] == [
        "Balanced accuracy",
        "AUROC",
        "ECE",
        "Macro F1",
        "Patient recognition rate",
    ]


def test_errors_are_better_where_they_are_less() -> None:
    lower = ("ece", "ECE", "adaptive_ece", "brier", "Brier score", "log_loss", "calibration error")
    higher = ("accuracy", "precision", "recall", "f1", "auroc", "mcc", "kappa")

    assert [naming.less_is_better(name) for name in lower + higher] == [True] * 7 + [False] * 7


def test_the_best_is_clear_above_the_interval_of_the_next() -> None:
    next_best = (0.80, 0.75, 0.85)

    assert clear_best(rows("f1", next_best, (0.86, 0.7, 0.9)), ALL, "f1") == "plip"
    assert clear_best(rows("f1", next_best, (0.84, 0.8, 0.9)), ALL, "f1") is None
    assert clear_best(rows("f1", (0.80, math.nan, math.nan), (0.99, 0.9, 1.0)), ALL, "f1") is None
    assert clear_best(rows("f1", next_best), ALL, "f1") is None
    assert clear_best(rows("f1", next_best, (math.nan, math.nan, math.nan)), ALL, "f1") is None


def test_the_best_error_is_below_the_interval_of_the_next() -> None:
    assert clear_best(rows("brier", (0.20, 0.15, 0.30), (0.14, 0.1, 0.2)), ALL, "brier") == "plip"
    assert clear_best(rows("brier", (0.20, 0.15, 0.30), (0.16, 0.1, 0.2)), ALL, "brier") is None


def test_kinds_are_told_apart_in_a_fixed_order() -> None:
    outcome = an_outcome(images=16)
    turned = replace(outcome, rows=tuple(reversed(outcome.rows)))

    assert [kind for kind, _ in naming.kinds(turned)] == ["inductive", "transductive", "few-shot"]
    assert [row.key for row in naming.kinds(turned)[0][1]][:2] == ["transport", "many-to-many"]


def test_the_main_measure_is_what_rows_are_compared_by() -> None:
    outcome = an_outcome(images=16)
    compared = outcome.rows[4]
    other = replace(compared, comparisons=(replace(compared.comparisons[0], measure="auroc"),))

    assert naming.main_measure(outcome) == "balanced_accuracy"
    assert naming.main_measure(replace(outcome, rows=(*outcome.rows[:3], other))) == "auroc"
    assert naming.main_measure(replace(outcome, rows=outcome.rows[:2])) == "balanced_accuracy"
    assert naming.main_measure(replace(outcome, rows=())) is None
