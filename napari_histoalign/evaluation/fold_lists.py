"""The publishers' folds of BreakHis: lists, or the folders made from them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.records import Fold, ImageRecord, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDS = 5
MANY = 20
"""So many files are named one by one; of more, the number and the first."""

_TIMES = re.compile(r"(40|100|200|400)X?", re.IGNORECASE)


def find_lists(given: str | Path | None, *places: Path) -> Path | None:
    """Folder with lists dsfold1.txt ... or folders fold1 ..., None if there is none.

    Parameters
    ----------
    given
        Where they must be; None looks for lists in and beside `places`, and in a folder mkfold there also
        for folders.

    Raises
    ------
    DatasetError
        A folder was given that holds neither.
    """
    if given is not None:
        folder = Path(given)
        if not _holds(folder):
            raise DatasetError(
                f"{folder} holds neither dsfold1.txt to dsfold5.txt nor folders fold1 to fold5. "
                "Choose the folder that mkfold.tar.gz was unpacked to."
            )
        return folder
    for near in [near for place in places for near in (place, place.parent)]:
        if _has_list(near):
            return near
        if _holds(near / "mkfold"):
            return near / "mkfold"
    return None


def official_folds(
    records: Sequence[ImageRecord], folder: Path, *, magnifications: Sequence[str] = ()
) -> tuple[tuple[Fold, ...], tuple[Problem, ...]]:
    """Folds from dsfold1.txt to dsfold5.txt, or from folders fold1/{train,test}/<magnification>/<file>.

    A line is ``SOB_M_DC-14-13412-100-001.png|100|1|train``: file, magnification, fold, side. Blank
    lines, spaces, capitals, an X after the magnification and a path before the file are let pass.

    Parameters
    ----------
    records
        Images; files are matched by the last part of their names.
    folder
        Where the lists or folders are.
    magnifications
        Those that were asked for: lines about others are passed over. Empty: all.

    Returns
    -------
    tuple[tuple[Fold, ...], tuple[Problem, ...]]
        "fold 1" and so on, and what is wrong: malformed lines, a file on both sides (it is then on
        neither), files listed but absent or present but not listed, lists that are missing.

    Raises
    ------
    DatasetError
        Nothing in the lists is about these images, or a list cannot be read.
    """
    where = {record.name.rsplit("/", 1)[-1]: i for i, record in enumerate(records)}
    folds: list[Fold] = []
    problems: list[Problem] = []
    for number in range(1, FOLDS + 1):
        source = folder / f"dsfold{number}.txt"
        if source.is_file():
            lines = _of_list(source, number, problems)
        elif (source := folder / f"fold{number}").is_dir():
            lines = _of_folders(source)
        else:
            problems.append(Problem("missing", f"dsfold{number}.txt", f"It is not in {folder}."))
            continue
        asked = ((file, side) for file, times, side in lines if not magnifications or times in magnifications)
        sides = _sides(asked, source.name, problems)
        here = {file: side for file, side in sides.items() if file in where}
        if not here:
            problems.append(Problem("missing", source.name, "It names none of the images that are here."))
            continue
        problems += _told("missing", source.name, "lists", "not here", set(sides) - set(where))
        problems += _told("not listed", source.name, "does not list", "here", set(where) - set(sides))
        train, test = (
            np.array(sorted(where[file] for file, side in here.items() if side == wanted), np.int64)
            for wanted in ("train", "test")
        )
        folds.append(Fold(f"fold {number}", train, test, official=True))
    if not folds:
        raise DatasetError(
            f"The lists of folds in {folder} name none of the images. Are they of another data set?"
        )
    return tuple(folds), tuple(problems)


def _has_list(folder: Path) -> bool:
    return any((folder / f"dsfold{n}.txt").is_file() for n in range(1, FOLDS + 1))


def _holds(folder: Path) -> bool:
    return _has_list(folder) or any((folder / f"fold{n}" / "train").is_dir() for n in range(1, FOLDS + 1))


def _of_list(path: Path, number: int, problems: list[Problem]) -> Iterator[tuple[str, str, str]]:
    """(file, magnification, side) of each good line; a `Problem` for each other."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise DatasetError(f"{path} cannot be read as a list of folds ({err}).") from err
    others: set[str] = set()
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 5 and not fields[4]:
            fields.pop()
        if wrong := _wrong(fields):
            what = f"Line {at} is passed over, {wrong}: {line.strip()[:80]!r}."
            problems.append(Problem("malformed line", path.name, what))
            continue
        others |= {fields[2]} - {str(number)}
        file = fields[0].replace("\\", "/").rsplit("/", 1)[-1]
        yield file, f"{fields[1].upper().rstrip('X')}X", fields[3].lower()
    if others:
        what = f"Its lines say that they are of fold {', '.join(sorted(others))}; its name was believed."
        problems.append(Problem("other fold", path.name, what))


def _wrong(fields: list[str]) -> str:
    """What is wrong with the fields of a line; nothing if it is good."""
    if len(fields) != 4:
        return f"it has {len(fields)} fields, not 4 with | between"
    if not fields[0]:
        return "it names no file"
    if not _TIMES.fullmatch(fields[1]):
        return "its second field is no magnification"
    if not fields[2].isdecimal():
        return "its third field is no number of a fold"
    if fields[3].lower() not in ("train", "test"):
        return "its last field is neither train nor test"
    times = fields[0].rsplit("-", 2)
    if len(times) == 3 and times[1] != fields[1].upper().rstrip("X"):
        return "its file is of another magnification than it says"
    return ""


def _of_folders(folder: Path) -> Iterator[tuple[str, str, str]]:
    """(file, magnification, side) of each image in train/<magnification> and test/<magnification>."""
    for side in ("train", "test"):
        for at in sorted((folder / side).glob("*X")):
            for file in sorted(at.glob("*.png")):
                yield file.name, at.name.upper(), side


def _sides(lines: Iterator[tuple[str, str]], source: str, problems: list[Problem]) -> dict[str, str]:
    """Side of each file; "both" for one that stands on both sides, which is told."""
    sides: dict[str, str] = {}
    for file, side in lines:
        before = sides.get(file, side)
        if before not in (side, "both"):
            what = f"{file} stands in train and in test; it is in neither."
            problems.append(Problem("in train and test", source, what, left_out=True))
        sides[file] = side if before == side else "both"
    return sides


def _told(kind: str, source: str, verb: str, where: str, files: set[str]) -> list[Problem]:
    """One `Problem` a file, or one for all of many."""
    if len(files) > MANY:
        what = f"{source} {verb} {len(files):,} images that are {where}, {min(files)} the first of them."
        return [Problem(kind, source, what)]
    return [Problem(kind, source, f"{source} {verb} {file}, which is {where}.") for file in sorted(files)]
