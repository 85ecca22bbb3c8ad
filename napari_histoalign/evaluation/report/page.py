"""The page for people: one HTML file that needs no other file, no network and no script."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_histoalign.evaluation.outcome import ALL
from napari_histoalign.evaluation.report import charts, naming, ranking, texts
from napari_histoalign.evaluation.report.differences import difference_tables
from napari_histoalign.evaluation.report.figures import figures
from napari_histoalign.evaluation.report.folds import fold_tables
from napari_histoalign.evaluation.report.layout import (
    Block,
    blocks,
    class_figure,
    counts,
    estimate_of,
    is_marked,
)
from napari_histoalign.pages import page_templates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2 import Environment
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.outcome import Outcome, Row

PICTURE_PX = 224
"""Longer side of an example, at most."""


@dataclass(frozen=True, eq=False)
class KindTable:
    """A table of rows of one kind.

    Attributes
    ----------
    title, meaning
        Of the kind.
    columns
        Headings.
    blocks
        Lines.
    """

    title: str
    meaning: str
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]


def page(outcome: Outcome) -> str:
    """The report as HTML.

    Everything named by files, prompts or people is escaped; the page allows no script and
    no address outside itself.
    """
    main = naming.main_measure(outcome)
    measures = naming.all_measures(outcome.rows)
    order = naming.slices_in_order(outcome)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            outcome=outcome,
            notice=texts.NOTICE,
            rule=ranking.RULE,
            dagger=texts.DAGGER,
            counts=counts(outcome),
            main=main,
            glance=_glance(outcome, main),
            results=[(name, kind_tables(outcome, name, measures)) for name in order],
            magnifications=_by_magnification(outcome, main),
            classes=_class_tables(outcome),
            confusions=[(row, _confusion(row)) for row in outcome.rows if ALL in row.slices],
            figures=figures(outcome),
            difference_tables=difference_tables(outcome),
            fold_tables=fold_tables(outcome),
            example_title=next(
                (row.title for row in outcome.rows if row.key == outcome.example_row), outcome.example_row
            ),
            slice_heading=lambda name: naming.slice_heading(outcome, name),
        )
    )


def kind_tables(outcome: Outcome, slice_name: str, measures: Sequence[str]) -> list[KindTable]:
    """A table for each kind of rows that were judged on a slice, with a column for each measure."""
    tables = []
    for kind, rows in naming.kinds(outcome):
        rows = tuple(row for row in rows if slice_name in row.slices)
        if rows:
            title, meaning = naming.KINDS.get(kind, (kind.capitalize(), ""))
            columns = [(slice_name, measure) for measure in measures]
            headings = tuple(naming.heading(measure) for measure in measures)
            tables.append(KindTable(title, meaning, headings, blocks(rows, columns)))
    return tables


def _by_magnification(outcome: Outcome, measure: str | None) -> list[KindTable]:
    """The main measure, a column for each slice; nothing where there is but one."""
    if measure is None or len(outcome.slices) < 2:
        return []
    tables = []
    for kind, rows in naming.kinds(outcome):
        columns = [(name, measure) for name in outcome.slices]
        headings = tuple(naming.slice_heading(outcome, name) for name in outcome.slices)
        title, meaning = naming.KINDS.get(kind, (kind.capitalize(), ""))
        tables.append(KindTable(title, meaning, headings, blocks(rows, columns)))
    return tables


def _glance(outcome: Outcome, measure: str | None) -> dict[str, Any] | None:
    """The main measure of every row as a dot with its interval, on one axis."""
    if measure is None:
        return None
    found = {row.key: estimate_of(row, ALL, measure) for row in outcome.rows}
    scale = charts.scale_for(list(found.values()))
    compared = (c for row in outcome.rows for c in row.comparisons if c.measure == measure)
    against = next((c.against for c in compared), None)
    single = next((row for row in outcome.rows if against in (row.key, row.title)), None)
    guide = None if single is None else found[single.key].value
    return {
        "axis": charts.strip_axis(scale),
        "single": single,
        "kinds": [
            (
                naming.KINDS.get(kind, (kind.capitalize(), ""))[0],
                [
                    (row, found[row.key], charts.strip(found[row.key], scale, guide, _spoken(row, measure)))
                    for row in rows
                ],
            )
            for kind, rows in naming.kinds(outcome)
        ],
    }


def _spoken(row: Row, measure: str) -> str:
    e = estimate_of(row, ALL, measure)
    return f"{naming.heading(measure)} {texts.number(e.value)} {texts.interval(e.low, e.high)}".strip()


def _class_tables(outcome: Outcome) -> list[tuple[str, tuple[str, ...], list[tuple[Row, list[float]]]]]:
    """For each class its measures and, for each row, their figures over all images."""
    results = [(row, row.slices[ALL]) for row in outcome.rows if ALL in row.slices]
    tables = []
    for name in outcome.class_names:
        there = dict.fromkeys(measure for _, result in results for measure in result.per_class.get(name, {}))
        plain = [naming.plain_name(measure) for measure in there]
        lines = [(row, [class_figure(result, name, measure) for measure in plain]) for row, result in results]
        tables.append((name, tuple(there), lines))
    return tables


def _confusion(row: Row) -> list[list[tuple[int, float]]]:
    """Counts, and their share of the true class."""
    counted = row.slices[ALL].confusion
    return [[(int(n), int(n) / max(int(line.sum()), 1)) for n in line] for line in counted]


def _picture(image: NDArray[Any]) -> str:
    """An image as a data URI: a small JPEG, for a few kB each."""
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((PICTURE_PX, PICTURE_PX), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _environment() -> Environment:
    filters: dict[str, Callable[..., Any]] = {
        "number": texts.number,
        "signed": texts.signed,
        "interval": lambda e: texts.interval(e.low, e.high),
        "p_value": texts.p_value,
        "heading": naming.heading,
        "mark": lambda e: texts.DAGGER if is_marked(e) else "",
        "counted": texts.counted,
        "picture": _picture,
        "setting": texts.setting,
    }
    return page_templates(texts.shown, filters)
