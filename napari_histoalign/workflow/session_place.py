"""Where the session of a slide is kept: beside the slide where that can be."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from napari_histoalign.errors import ResultError
from napari_histoalign.files import data_dir, whole_folder

ENDING = ".histoalign"
SESSION, REVIEW, RESULTS = "session.json", "review.jsonl", "results"
DIGITS = 32
"""Of a fingerprint that name a folder: 128 bits."""


@dataclass(frozen=True)
class SessionPlace:
    """Where a session is kept.

    Attributes
    ----------
    folder
        It need not exist yet.
    writable
        Whether anything can be written there.
    notes
        What the person should know of it.
    """

    folder: Path
    writable: bool
    notes: tuple[str, ...] = ()


def beside(slide: Path) -> Path:
    """The folder beside a slide: ``a.svs.histoalign``."""
    return slide.with_name(slide.name + ENDING)


def within(root: Path, fingerprint: str) -> Path:
    """The folder of a slide among those of others, by what the slide holds and not by its name."""
    return root / (fingerprint[:DIGITS] + ENDING)


def find_place(slide: Path, fingerprint: str, *, root: Path | None, fallback: Path | None) -> SessionPlace:
    """Choose where the session of a slide is kept. Nothing is made, but for a copy (see below).

    Parameters
    ----------
    slide, fingerprint
        The slide.
    root
        Where all sessions are kept, if a person wants that; None: beside each slide.
    fallback
        Where sessions go whose slides lie where nothing can be written; by default the user's data folder.
        A session that somebody else left beside such a slide is copied there first, so that the review
        goes on from it.

    Raises
    ------
    ResultError
        Such a session cannot be copied.
    """
    near = beside(slide)
    if root is not None:
        folder = within(root, fingerprint)
        notes = (f"There is a session beside the slide, too ({near}); it is not used.",)
        return _judged(folder, notes if (near / SESSION).exists() and not folder.exists() else ())
    if can_write(near):
        return SessionPlace(near, True)
    folder = within(fallback or data_dir("sessions"), fingerprint)
    note = f"Nothing can be written beside {slide.name}: its session is kept in {folder}."
    left = [name for name in (SESSION, REVIEW) if (near / name).is_file()]
    if left and not folder.exists():
        if not can_write(folder):
            return SessionPlace(near, False, (f"The session {near} can be looked at, and not written.",))
        _copy(near, left, folder)
        note += f" It goes on from the one in {near}, which stays as it is."
    return _judged(folder, (note,))


def can_write(folder: Path) -> bool:
    """Whether files can be written into a folder, which may have to be made first."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            return True
    except OSError:
        return False


def _judged(folder: Path, notes: tuple[str, ...]) -> SessionPlace:
    if can_write(folder):
        return SessionPlace(folder, True, notes)
    return SessionPlace(folder, False, (f"Nothing can be written to {folder}: nothing will be kept.",))


def _copy(near: Path, names: list[str], folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder) as new:
            for name in names:
                shutil.copyfile(near / name, new / name)
    except OSError as err:
        raise ResultError(
            f"The session {near} could not be copied to {folder} ({err.strerror or err}). Check that there "
            "is room, and that the session can be read."
        ) from err
