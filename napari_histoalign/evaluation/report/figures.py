"""The curves of the report: which rows or classes stand in which figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.evaluation.report import charts
from napari_histoalign.evaluation.report.naming import group_title, groups, kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markupsafe import Markup
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.outcome import Outcome, Row


@dataclass(frozen=True, eq=False)
class Figure:
    """Three charts beside one another.

    Attributes
    ----------
    title
        Of the figure.
    charts
        Curves and reliability.
    legend
        A piece of line and a name for each series.
    caption
        What the curves are of.
    first
        Whether it is shown before it is asked for.
    """

    title: str
    charts: tuple[Markup, ...]
    legend: tuple[tuple[Markup, str], ...]
    caption: str
    first: bool


def figures(outcome: Outcome) -> tuple[Figure, ...]:
    """A figure for each heading where one class is looked for; else one for each row, of all classes."""
    return tuple(_of_headings(outcome) if outcome.positive is not None else _of_rows(outcome))


def judged(row: Row) -> NDArray[np.bool_]:
    """The images that a row judges, shape (images,)."""
    found: NDArray[np.bool_] = np.asarray(np.isfinite(row.probabilities).all(axis=1))
    return found


def _of_headings(outcome: Outcome) -> Iterator[Figure]:
    positive = outcome.positive or 0
    name = outcome.class_names[positive]
    for kind, rows in kinds(outcome):
        for heading, grouped in groups(rows):
            series = []
            for row in grouped:
                of = judged(row)
                truth = outcome.labels[of] == positive
                series.append(charts.Series(row.title, truth, row.probabilities[of, positive]))
            yield Figure(
                group_title(heading, kind),
                (
                    charts.roc_chart(series),
                    charts.precision_recall_chart(series),
                    charts.reliability_chart([_pair(outcome, row) for row in grouped]),
                ),
                _legend(one.name for one in series),
                f"Curves are of \N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}.",
                first=True,
            )


def _of_rows(outcome: Outcome) -> Iterator[Figure]:
    for row in outcome.rows:
        of = judged(row)
        series = [
            charts.Series(name, outcome.labels[of] == i, row.probabilities[of, i])
            for i, name in enumerate(outcome.class_names)
        ]
        yield Figure(
            f"{row.title} ({row.kind})",
            (
                charts.roc_chart(series),
                charts.precision_recall_chart(series),
                charts.reliability_chart([_pair(outcome, row)]),
            ),
            _legend(outcome.class_names),
            "Curves are of each class against all others; reliability is of the predicted class.",
            first=row.key == outcome.example_row,
        )


def _pair(outcome: Outcome, row: Row) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    of = judged(row)
    return outcome.labels[of], row.probabilities[of]


def _legend(names: Iterable[str]) -> tuple[tuple[Markup, str], ...]:
    return tuple((charts.key(i), name) for i, name in enumerate(names))
