"""A table of images, and a word about each of its lines that cannot be used."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets.options import pixel_size

if TYPE_CHECKING:
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
                    f"that line is "
                    f"{head.strip()[:80]!r}. Known columns are {', '.join(COLUMNS)}."
                )
            return _lines(survey, table, header, reader)
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise DatasetError(f"{table} cannot be read as a table ({err}). Save it as CSV in UTF-8.") from err


def _lines(survey: Survey, table: Path, header: list[str], reader: csv.Reader) -> list[Line]:  # type: ignore[name-defined]
    found: dict[str, Line] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            line = _line(survey.root, header, cells)
            if line.path in found:
                same = found[line.path].label == line.label
                raise ValueError(
                    f"{line.path} stood before" + "" * same + ", with another label" * (not same)
                )
        except (ValueError, DatasetError) as err:
            name = f"{table.name}, line {reader.line_num}"
            survey.tell(
                "malformed line", name, f"Line {reader.line_num} is passed over: {err}.", left_out=True
            )
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
