"""Figures of the review report as they are printed."""

from __future__ import annotations

import math

import pytest

from napari_histoalign.results.review import agreement_of
from napari_histoalign.workflow.review_report import texts
from napari_histoalign.workflow.review_report.content import counted_pairs


@pytest.mark.parametrize(
    ("value", "digits", "printed"),
    [
        (1234.567, 2, "1,234.57"),
        (-0.25, 2, "\N{MINUS SIGN}0.25"),
        (-0.001, 2, "0.00"),
        (3, 0, "3"),
        (None, 2, texts.DASH),
        (math.nan, 2, texts.DASH),
    ],
)
def test_numbers(value: float | None, digits: int, printed: str) -> None:
    assert texts.number(value, digits) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [(0.0, "0"), (12.345, "12.35"), (0.5, "0.500"), (0.01234, "0.0123"), (None, texts.DASH)],
)
def test_areas_have_the_digits_they_need(value: float | None, printed: str) -> None:
    assert texts.area(value) == printed


def test_intervals_shares_and_times() -> None:
    assert texts.interval(0.123, 0.456) == "0.12 to 0.46"
    assert texts.interval(0.123, 0.456, percent=True) == "12 to 46 %"
    assert texts.interval(math.nan, 1.0) == ""
    assert texts.share(2 / 3) == "67 %"
    assert texts.share(math.nan) == texts.DASH
    assert texts.moment("2026-07-28T12:11:10.123+02:00") == "2026-07-28 10:11 UTC"
    assert texts.moment("some day") == "some day"


def test_nested_values_become_lines_that_say_where_they_stand() -> None:
    nested = {
        "top_k": 3,
        "pair": None,
        "way": {"a": [1.5, 2], "b": {}},
        "pairs": [[0, 1], {"x": True}],
        "e": [],
    }

    assert texts.flat(nested) == [
        ("top k", "3"),
        ("pair", texts.DASH),
        ("way, a", "1.5, 2"),
        ("way, b", "none"),
        ("pairs 1", "0, 1"),
        ("pairs 2, x", "yes"),
        ("e", "none"),
    ]


def test_categories_that_nobody_gave_are_left_out_of_tables() -> None:
    names, table = counted_pairs(agreement_of([[0, 0, 2], [0, 0, 0], [0, 0, 5]], "abc"))

    assert (names, table) == (["a", "c"], [[0, 2], [0, 5]])
