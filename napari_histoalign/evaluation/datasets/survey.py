"""Walking through the folders of a set without losing a word about what is wrong there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.records import ImageRecord, ImageSet, Problem, Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".webp")
"""Endings of image files, in lower case."""

OF_THE_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx", "icon\r"})
"""What file managers and archives leave behind, in lower case; so is whatever begins with a dot."""


class Survey:
    """Lists folders below a root by name only, so that hundreds of thousands of files take seconds.

    Parameters
    ----------
    root
        Folder of the set.

    Attributes
    ----------
    root
        The same.
    problems
        What was found to be wrong so far.

    Raises
    ------
    DatasetError
        The root is no folder that can be read.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.problems: list[Problem] = []
        if not self.root.is_dir():
            what = "is a file" if self.root.is_file() else "is not there"
            raise DatasetError(f"{self.root} {what}. Choose the folder of the data set.")
        try:
            os.scandir(self.root).close()
        except OSError as err:
            raise DatasetError(f"{self.root} cannot be read ({err.strerror or err}).") from err

    def tell(self, kind: str, name: str, what: str, *, left_out: bool = False) -> None:
        """Keep a `Problem`."""
        self.problems.append(Problem(kind, name, what, left_out))

    def entries(self, below: str = "") -> tuple[list[str], list[str]]:
        """Names of the folders and of the files in a folder, sorted; what the system left is passed over."""
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(self.root / below) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith(".") or name.lower() in OF_THE_SYSTEM:
                        continue
                    if not _printable(name):
                        shown = name.encode("utf-8", "backslashreplace").decode()
                        what = "Its name holds bytes that are no letters; rename it."
                        self.tell("malformed name", join(below, shown), what, left_out=True)
                    elif entry.is_dir():
                        folders.append(name)
                    elif entry.is_file():
                        files.append(name)
                    else:
                        what = "It is a link to nothing, or no ordinary file."
                        self.tell("missing", join(below, name), what, left_out=True)
        except OSError as err:
            what = f"The folder cannot be read ({err.strerror or err})."
            self.tell("unreadable", below, what, left_out=True)
        return sorted(folders), sorted(files)

    def folders(self, below: str = "") -> list[str]:
        """Names of the folders in a folder that should hold no images itself."""
        folders, files = self.entries(below)
        for name in files:
            if is_image(name):
                what = "An image lies where only folders should; it belongs one or more folders deeper."
                self.tell("misplaced", join(below, name), what, left_out=True)
        return folders

    def images(self, below: str = "", suffixes: Sequence[str] = SUFFIXES) -> list[str]:
        """Names of the images in a folder that should hold nothing else.

        Parameters
        ----------
        below
            The folder, below the root.
        suffixes
            Endings that count, in lower case.
        """
        folders, files = self.entries(below)
        for name in folders:
            what = "A folder lies where only images should; it was not looked into."
            self.tell("unexpected folder", join(below, name), what, left_out=True)
        for name in files:
            if not name.lower().endswith(tuple(suffixes)):
                self.tell("no image", join(below, name), f"It does not end in {', '.join(suffixes)}.")
        return [name for name in files if name.lower().endswith(tuple(suffixes))]

    def known_folders(self, below: str, wanted: Iterable[str]) -> list[tuple[str, str]]:
        """Folders that a layout has in a folder, in its order: (name as wanted, path below the root).

        Capitals do not matter. What is missing or was not expected is told.
        """
        found = {name.lower(): name for name in self.folders(below)}
        known: list[tuple[str, str]] = []
        for name in wanted:
            if (here := found.pop(name.lower(), None)) is not None:
                known.append((name, join(below, here)))
            else:
                self.tell("missing", join(below, name), "The layout has this folder, but it is not there.")
        for name in found.values():
            what = "The layout has no such folder; it was not looked into."
            self.tell("unexpected folder", join(below, name), what, left_out=True)
        return known

    def has(self, below: str, *names: str) -> bool:
        """Whether a folder holds a folder of one of the names; capitals do not matter."""
        try:
            here = {e.name.lower() for e in os.scandir(self.root / below) if e.is_dir()}
        except OSError:
            return False
        return any(name.lower() in here for name in names)

    def base(self, what: str, places: Sequence[str], wanted: Iterable[str], expected: str) -> str:
        """The first of some places below the root that holds a wanted folder.

        Raises
        ------
        DatasetError
            None does; the message says that the layout `expected` was looked for.
        """
        names = tuple(wanted)
        for place in places:
            if self.has(place, *names):
                return place
        raise self.nothing(what, expected)

    def nothing(self, what: str, expected: str) -> DatasetError:
        """The error for a root in which nothing can be used."""
        try:
            here = sorted(e.name for e in os.scandir(self.root) if not e.name.startswith("."))
        except OSError:
            here = []
        found = ", ".join(here[:6]) + (f" and {len(here) - 6:,} more" if len(here) > 6 else "")
        first = ""
        if self.problems:
            first = f" The first thing wrong: {self.problems[0].name}: {self.problems[0].what}"
        return DatasetError(
            f"{self.root} holds no image of {what}. Expected: {expected}. "
            f"Found there: {found or 'nothing'}.{first}"
        )


def image_set(
    survey: Survey,
    records: list[ImageRecord],
    *,
    name: str,
    class_names: tuple[str, ...],
    read: Reader,
    expected: str,
    **rest: Any,
) -> ImageSet:
    """A set of what a survey found, sorted, with a word about classes that are empty.

    Parameters
    ----------
    survey
        Whence the root and the problems are.
    records
        Images, in any order.
    name, class_names, read, rest
        As in `ImageSet`.
    expected
        The layout, for the message when there is no record.

    Raises
    ------
    DatasetError
        There is no record.
    """
    if not records:
        raise survey.nothing(name, expected)
    present = {record.label for record in records}
    for label, title in enumerate(class_names):
        if label not in present:
            survey.tell("empty class", title, f"No image of the class {title!r} was found.")
    return ImageSet(
        name=name,
        root=survey.root,
        class_names=class_names,
        records=tuple(sorted(records, key=lambda record: record.name)),
        read=read,
        problems=tuple(sorted(survey.problems, key=lambda problem: problem.name)),
        **rest,
    )


def join(below: str, name: str) -> str:
    """A path below the root."""
    return f"{below}/{name}" if below else name


def is_image(name: str) -> bool:
    """Whether a file's name ends as an image's does."""
    return name.lower().endswith(SUFFIXES)


def _printable(name: str) -> bool:
    """Whether a name can be written: the system hands over bytes that are no text as surrogates."""
    if name.isascii():
        return name.isprintable()
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
