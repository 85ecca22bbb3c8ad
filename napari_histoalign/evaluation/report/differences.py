"""Differences from the best single encoder, a table for each measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_histoalign.evaluation.report import naming

if TYPE_CHECKING:
    from napari_histoalign.evaluation.outcome import Comparison, Outcome, Row


@dataclass(frozen=True, eq=False)
class DifferenceTable:
    """Rows compared by one measure: a family of Holm's correction.

    Attributes
    ----------
    measure
        What differs.
    against
        Title of the best single encoder's row.
    kinds
        Heading of each kind, with its rows and their comparisons.
    """

    measure: str
    against: str
    kinds: tuple[tuple[str, tuple[tuple[Row, Comparison], ...]], ...]


def difference_tables(outcome: Outcome) -> list[DifferenceTable]:
    """A table for each measure that rows were compared by."""
    titles = {row.key: row.title for row in outcome.rows}
    tables = []
    for measure in naming.compared_by(outcome):
        kinds = []
        for kind, rows in naming.kinds(outcome):
            lines = tuple((row, c) for row in rows for c in row.comparisons if c.measure == measure)
            if lines:
                kinds.append((naming.KINDS.get(kind, (kind.capitalize(), ""))[0], lines))
        against = kinds[0][1][0][1].against
        tables.append(DifferenceTable(measure, titles.get(against, against), tuple(kinds)))
    return tables
