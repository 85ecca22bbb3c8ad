"""A table of images, and a word about each of its lines that cannot be used."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets.options import pixel_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_histoalign.evaluation.datasets.survey import Survey

COLUMNS = ("path", "label", "patient", "magnification", "mpp")
"""The first two are needed."""


@dataclass(frozen=True)
class Line:
    """An image and what is known of it; empty or None where nothing is."""

    path: str
    label: str
    patient: str = ""
    magnification: str = ""
    mpp: float | None = None


def is_table(path: Path) -> bool:
    """Whether a .csv file begins with a line that names the columns path and label."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline(10_000)
    except (OSError, UnicodeDecodeError):
        return False
    return {"path", "label"} <= {name.strip(' "').lower() for name in re.split("[,;\t]", head.strip())}


def read_table(survey: Survey, table: Path) -> list[Line]:
    """The good lines of a table; a `Problem` with its line number for each other.

    Commas, semicolons or tabs may stand between; paths are relative to the table's folder.

    Parameters
    ----------
    survey
        Of the table's folder; is told of the problems.
    table
        The .csv file, in UTF-8.

    Raises
    ------
    DatasetError
        It cannot be read, or has no columns path and label.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=head.count), strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            if missing := [name for name in COLUMNS[:2] if header.count(name) != 1]:
                raise DatasetError(
                    f"{table} must have one column {' and one '.join(missing)} in its first line; "
                    f"that line is {head.strip()[:80]!r}. Known columns are {', '.join(COLUMNS)}."
                )
            return _lines(survey, table, header, ((reader.line_num, cells) for cells in reader))
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise DatasetError(f"{table} cannot be read as a table ({err}). Save it as CSV in UTF-8.") from err


def _lines(
    survey: Survey, table: Path, header: list[str], rows: Iterable[tuple[int, list[str]]]
) -> list[Line]:
    """The good lines of (line number, fields)."""
    found: dict[str, Line] = {}
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            line = _line(survey.root, header, cells)
            if line.path in found:
                other = found[line.path].label != line.label
                raise ValueError(f"{line.path} stood before{', with another label' if other else ''}")
        except (ValueError, DatasetError) as err:
            what = f"Line {number} is passed over: {str(err).rstrip('.')}."
            survey.tell("malformed line", f"{table.name}, line {number}", what, left_out=True)
            continue
        found[line.path] = line
    return list(found.values())


def _line(root: Path, header: list[str], cells: list[str]) -> Line:
    """One line; ValueError says what is wrong with it."""
    if len(cells) != len(header):
        raise ValueError(f"it has {len(cells)} fields, the first line has {len(header)}")
    known = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name in COLUMNS}
    path = known["path"].replace("\\", "/")
    pure = PurePosixPath(path)
    if not path or not known["label"]:
        raise ValueError("it has no path or no label")
    if pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[0]:
        raise ValueError(f"the path {path[:80]!r} does not lie below the table's folder")
    if not (root / pure).is_file():
        raise ValueError(f"there is no file {path[:200]!r} in {root}")
    return Line(
        str(pure),
        known["label"],
        known.get("patient", ""),
        known.get("magnification", ""),
        pixel_size(known.get("mpp") or None),
    )
