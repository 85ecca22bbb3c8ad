"""Writing the report: every file whole, and all of them or none."""

from __future__ import annotations

import errno
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import ResultError
from napari_histoalign.evaluation.report import columns
from napari_histoalign.evaluation.report.as_json import as_json
from napari_histoalign.evaluation.report.latex import tables
from napari_histoalign.evaluation.report.page import page
from napari_histoalign.evaluation.report.texts import storable
from napari_histoalign.files import whole_file, whole_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_histoalign.evaluation.outcome import Outcome


def write_report(outcome: Outcome, folder: Path) -> dict[str, Path]:
    """Write everything that is left of an evaluation.

    ``report.html``
        For people: one file that needs nothing else, no network and no script.
    ``tables.tex``
        Tables for a paper (booktabs).
    ``results.csv``, ``results.parquet``
        A line for each row, slice and measure, with its interval.
    ``comparisons.csv``, ``fold_rates.csv``
        Differences from the best single encoder; rates of each fold's test part.
    ``predictions.csv``, ``predictions.parquet``
        A line for each image, a column for each row and class.
    ``confusion.csv``, ``problems.csv``
        Confusion counts; what is wrong with the files.
    ``outcome.json``
        Everything but probabilities and pictures.

    The same outcome gives the same bytes. In CSV, text that a spreadsheet would run as a formula has an
    apostrophe in front: see `napari_histoalign.evaluation.report.columns.cell`.

    Parameters
    ----------
    outcome
        What was found. Its names may come from anywhere: each file has them escaped in its own way.
    folder
        Made if absent. Files of the same names in it are replaced, others stay as they are.

    Returns
    -------
    dict
        Path of each file by its name.

    Raises
    ------
    ResultError
        The outcome contradicts itself, or the files cannot be written; then none is.
    """
    _check(outcome)
    folder = Path(folder)
    contents = {
        "report.html": storable(page(outcome)).encode("utf-8"),
        "tables.tex": storable(tables(outcome)).encode("utf-8"),
        "results.csv": columns.as_csv(columns.RESULTS, columns.result_lines(outcome)),
        "results.parquet": columns.results_parquet(outcome),
        "predictions.csv": columns.predictions_csv(outcome),
        "predictions.parquet": columns.predictions_parquet(outcome),
        "comparisons.csv": columns.as_csv(columns.COMPARISONS, columns.comparison_lines(outcome)),
        "fold_rates.csv": columns.as_csv(columns.FOLD_RATES, columns.fold_rate_lines(outcome)),
        "confusion.csv": columns.as_csv(columns.CONFUSION, columns.confusion_lines(outcome)),
        "problems.csv": columns.as_csv(columns.PROBLEMS, columns.problem_lines(outcome)),
        "outcome.json": as_json(outcome),
    }
    try:
        _write(contents, folder)
    except OSError as err:
        raise ResultError(
            f"The report could not be written to {folder} ({err.strerror or err}). Check that it is a folder "
            "that can be written and has room."
        ) from err
    return {name: folder / name for name in contents}


def _write(contents: Mapping[str, bytes], folder: Path) -> None:
    """A new folder appears at once; in one that exists all files are written before any is replaced."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder) as temporary:
            for name, content in contents.items():
                (temporary / name).write_bytes(content)
        return
    for name in contents:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, "there is a folder of that name", name)
    with ExitStack() as files:
        for name, content in contents.items():
            files.enter_context(whole_file(folder / name)).write_bytes(content)


def _check(outcome: Outcome) -> None:
    """Refuse what would give files that cannot be read back."""
    images, classes = len(outcome.names), len(outcome.class_names)
    for name in ("labels", "patients", "magnifications"):
        if len(getattr(outcome, name)) != images:
            raise ResultError(f"The evaluation has {images} images but {len(getattr(outcome, name))} {name}.")
    keys = [row.key for row in outcome.rows]
    columns_ = list(columns.IMAGE_COLUMNS) + [f"{key}/{name}" for key in keys for name in outcome.class_names]
    twice = sorted({name for name in columns_ if columns_.count(name) > 1})
    if twice:
        raise ResultError(f'Two columns of predictions would be called "{twice[0]}". Give rows other keys.')
    for row in outcome.rows:
        counts = {len(rate.by_fold) for rates in row.fold_rates.values() for rate in rates.values()}
        if counts - {len(outcome.folds)}:
            raise ResultError(f'Row "{row.key}" has rates of other folds than the {len(outcome.folds)}.')
        if row.probabilities.shape != (images, classes):
            raise ResultError(
                f'Row "{row.key}" has probabilities of shape {row.probabilities.shape}, but there are '
                f"{images} images and {classes} classes."
            )
