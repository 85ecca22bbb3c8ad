"""The report as columns, for programs: CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.evaluation.report.texts import storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_histoalign.evaluation.outcome import Outcome

METADATA = b"napari-histoalign"
"""Key of the Parquet schema's metadata: what the columns do not hold, as JSON."""
RESULTS = {
    "row": str,
    "title": str,
    "group": str,
    "kind": str,
    "slice": str,
    "images": int,
    "patients": int,
    "measure": str,
    "value": float,
    "low": float,
    "high": float,
    "undefined": float,
}
COMPARISONS = {
    "row": str,
    "against": str,
    "measure": str,
    "difference": float,
    "low": float,
    "high": float,
    "p": float,
    "p_corrected": float,
    "undefined": float,
}
FOLD_RATES = {"row": str, "slice": str, "rate": str, "fold": str, "value": float}
CONFUSION = {"row": str, "slice": str, "true": str, "predicted": str, "images": int}
PROBLEMS = {"kind": str, "name": str, "what": str, "left_out": bool}
IMAGE_COLUMNS = ("image", "label", "patient", "magnification")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")  # noqa: RUF001
"""How a cell may begin that a spreadsheet would run (OWASP, "CSV Injection"), and the mark against it."""


def cell(value: Any) -> str:
    """A CSV cell.

    Text that a spreadsheet might run as a formula, and text that begins with an apostrophe, gets an
    apostrophe in front; numbers do not, so a minus sign stays a number. To read a text column back,
    take one leading apostrophe away (`text_of`). A figure that there is not is an empty cell.
    """
    if isinstance(value, str):
        text = storable(value).replace("\0", "\\u0000")
        return "'" + text if text.startswith(_FORMULA) else text
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value)


def text_of(found: str) -> str:
    """The text that `cell` wrote."""
    return found.removeprefix("'")


def result_lines(outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    """A line for each row, slice and measure: `RESULTS`."""
    for row in outcome.rows:
        for name, result in row.slices.items():
            for measure, found in result.measures.items():
                head = (row.key, row.title, row.group, row.kind, name, result.images, result.patients)
                figures = (found.value, found.low, found.high, found.undefined)
                yield (*head, measure, *map(float, figures))


def comparison_lines(outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    """A line for each row and measure that it was compared by: `COMPARISONS`."""
    for row in outcome.rows:
        for c in row.comparisons:
            figures = (c.difference, c.low, c.high, c.p, c.p_corrected, c.undefined)
            yield (row.key, c.against, c.measure, *map(float, figures))


def fold_rate_lines(outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    """A line for each row, slice, rate and fold: `FOLD_RATES`."""
    for row in outcome.rows:
        for name, rates in row.fold_rates.items():
            for rate, found in rates.items():
                for fold, value in zip(outcome.folds, found.by_fold, strict=True):
                    yield row.key, name, rate, fold, float(value)


def confusion_lines(outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    """A line for each row, slice, true and predicted class: `CONFUSION`."""
    for row in outcome.rows:
        for name, result in row.slices.items():
            for i, true in enumerate(outcome.class_names):
                for j, predicted in enumerate(outcome.class_names):
                    yield row.key, name, true, predicted, int(result.confusion[i, j])


def problem_lines(outcome: Outcome) -> Iterable[tuple[Any, ...]]:
    """A line for each problem: `PROBLEMS`."""
    return ((p.kind, p.name, p.what, p.left_out) for p in outcome.problems)


def prediction_columns(outcome: Outcome) -> dict[str, Any]:
    """What each row says of each image.

    Returns
    -------
    dict
        `IMAGE_COLUMNS` (lists of text), then ``<row key>/<class>`` for each row and class: float32,
        shape (images,), NaN where the row does not judge the image.
    """
    columns: dict[str, Any] = dict(
        zip(
            IMAGE_COLUMNS,
            (
                list(outcome.names),
                [outcome.class_names[label] for label in outcome.labels],
                list(outcome.patients),
                list(outcome.magnifications),
            ),
            strict=True,
        )
    )
    for row in outcome.rows:
        for i, name in enumerate(outcome.class_names):
            columns[f"{row.key}/{name}"] = row.probabilities[:, i].astype(np.float32)
    return columns


def as_csv(header: Iterable[str], lines: Iterable[Sequence[Any]]) -> bytes:
    """UTF-8 CSV with a header; cells as `cell` has them, lines end as RFC 4180 has it."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([[cell(value) for value in line] for line in lines])
    return file.getvalue().encode("utf-8")


def predictions_csv(outcome: Outcome) -> bytes:
    """`prediction_columns` as CSV; probabilities with the fewest digits that give the same float32."""
    columns = prediction_columns(outcome)
    return as_csv(columns, zip(*columns.values(), strict=True))


def results_parquet(outcome: Outcome) -> bytes:
    """`result_lines` as Parquet; figures that there are not are null."""
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    lines = list(result_lines(outcome))
    arrays = {
        name: pa.array([_plain(line[i]) for line in lines], types[kind])
        for i, (name, kind) in enumerate(RESULTS.items())
    }
    return _parquet(arrays, {"title": outcome.title})


def predictions_parquet(outcome: Outcome) -> bytes:
    """`prediction_columns` as Parquet; NaN is null. Class names and row keys are in the metadata."""
    import pyarrow as pa

    arrays = {
        storable(name): pa.array([storable(text) for text in values], pa.string())
        if name in IMAGE_COLUMNS
        else pa.array(values, pa.float32(), from_pandas=True)
        for name, values in prediction_columns(outcome).items()
    }
    about = {
        "title": outcome.title,
        "class_names": list(outcome.class_names),
        "rows": {row.key: row.title for row in outcome.rows},
    }
    return _parquet(arrays, about)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def _parquet(arrays: Mapping[str, Any], about: Mapping[str, Any]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    metadata = {METADATA: storable(json.dumps(about, ensure_ascii=False)).encode("utf-8")}
    file = io.BytesIO()
    parquet.write_table(pa.table(dict(arrays)).replace_schema_metadata(metadata), file, compression="zstd")
    return file.getvalue()
