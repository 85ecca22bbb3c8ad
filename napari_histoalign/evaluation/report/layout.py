"""The tables of the report, before they become HTML or LaTeX."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.evaluation.outcome import ALL, Estimate
from napari_histoalign.evaluation.report.naming import groups, plain_name
from napari_histoalign.evaluation.report.ranking import clear_best

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.evaluation.outcome import Comparison, Outcome, Row, SliceResult

NOTHING = Estimate(math.nan, math.nan, math.nan)
MANY_UNDEFINED = 0.01
"""Share of draws without a value above which an interval is marked."""


def is_marked(found: Estimate | Comparison) -> bool:
    """Whether an interval leaves out more draws, for want of a value, than can be passed over in silence."""
    return found.undefined > MANY_UNDEFINED


@dataclass(frozen=True)
class Cell:
    """A figure of a table.

    Attributes
    ----------
    estimate
        `NOTHING` where there is none.
    bold
        By the rule of `ranking`.
    """

    estimate: Estimate
    bold: bool = False


@dataclass(frozen=True, eq=False)
class Line:
    """A row's figures, one for each column."""

    row: Row
    cells: tuple[Cell, ...]


@dataclass(frozen=True, eq=False)
class Block:
    """Lines under a heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, eq=False)
class Counts:
    """Images and patients of each class, in all and by magnification.

    Attributes
    ----------
    columns
        Magnifications, and "All".
    lines
        Name of each class, and "All", with images and patients for each column.
    """

    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]


def blocks(rows: Sequence[Row], columns: Sequence[tuple[str, str]]) -> tuple[Block, ...]:
    """A table of rows of one kind.

    Parameters
    ----------
    rows
        They are told apart by nothing but their figures: give rows of one kind only.
    columns
        Slice and measure of each.
    """
    best = [clear_best(rows, slice_name, measure) for slice_name, measure in columns]
    return tuple(
        Block(
            heading,
            tuple(
                Line(
                    row,
                    tuple(
                        Cell(estimate_of(row, *column), row.key == key)
                        for column, key in zip(columns, best, strict=True)
                    ),
                )
                for row in grouped
            ),
        )
        for heading, grouped in groups(rows)
    )


def estimate_of(row: Row, slice_name: str, measure: str) -> Estimate:
    """A row's measure on a slice, or `NOTHING`."""
    result = row.slices.get(slice_name)
    return NOTHING if result is None else result.measures.get(measure, NOTHING)


def class_figure(result: SliceResult | None, class_name: str, measure: str) -> float:
    """A class's own measure, NaN where there is none; names match however they are written."""
    found = {} if result is None else result.per_class.get(class_name, {})
    return next((float(v) for name, v in found.items() if plain_name(name) == measure), math.nan)


def counts(outcome: Outcome) -> Counts:
    """How many images and patients there are of each class and magnification."""
    magnification = np.asarray(outcome.magnifications, dtype=object)
    patient = np.unique(np.asarray(outcome.patients, dtype=str), return_inverse=True)[1]
    known = [name for name in outcome.slices if name != ALL and (magnification == name).any()]
    everyone = np.ones(len(outcome.names), bool)
    across = [(name, magnification == name) for name in known] + [("All", everyone)]
    down = [(name, outcome.labels == i) for i, name in enumerate(outcome.class_names)]

    def counted(of: NDArray[np.bool_]) -> tuple[int, int]:
        return int(of.sum()), len(np.unique(patient[of]))

    lines = tuple(
        (name, tuple(counted(of & column) for _, column in across)) for name, of in [*down, ("All", everyone)]
    )
    return Counts(tuple(name for name, _ in across), lines)
