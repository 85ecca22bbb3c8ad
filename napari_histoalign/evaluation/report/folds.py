"""Rates over folds, as tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_histoalign.evaluation.outcome import FoldRate
from napari_histoalign.evaluation.report import naming

if TYPE_CHECKING:
    from napari_histoalign.evaluation.outcome import Outcome, Row


@dataclass(frozen=True, eq=False)
class FoldTable:
    """Rates of the rows of one kind.

    Attributes
    ----------
    title
        Of the kind.
    columns
        Slice and rate of each.
    lines
        Rows with their rates, one for each column.
    """

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[Row, tuple[FoldRate, ...]], ...]


def fold_tables(outcome: Outcome) -> list[FoldTable]:
    """A table for each kind of rows that have rates; none without folds."""
    tables = []
    for kind, rows in naming.kinds(outcome):
        known = [row for row in rows if row.fold_rates]
        there = dict.fromkeys(
            (s, rate) for row in known for s, rates in row.fold_rates.items() for rate in rates
        )
        order = naming.slices_in_order(outcome)
        columns = sorted(there, key=lambda column: order.index(column[0]))
        if columns:
            title = naming.KINDS.get(kind, (kind.capitalize(), ""))[0]
            heads = tuple(f"{naming.slice_heading(outcome, s)}, {rate}" for s, rate in columns)
            lines = tuple((row, tuple(_rate(row, *column) for column in columns)) for row in known)
            tables.append(FoldTable(title, heads, lines))
    return tables


def _rate(row: Row, slice_name: str, rate: str) -> FoldRate:
    nothing = FoldRate((), math.nan, math.nan)
    return row.fold_rates.get(slice_name, {}).get(rate, nothing)
