"""Files put in place all or none: what was there is kept, and comes back if anything fails."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from napari_histoalign.files import read_json, whole_file
from qupath_bridge.projects.errors import ProjectError
from qupath_bridge.projects.lock import OURS

JOURNAL = "journal.json"
"""Lies in our folder while files are put in place; where it is found later, that was cut short."""
BACKUPS = "backups"
KEPT = 5
"""Backups that are kept."""
STAGING = "staging-"


def new_staging(project: Path) -> Path:
    """An empty folder within a project, on the same disk."""
    folder = project / OURS / f"{STAGING}{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir(parents=True)
    except OSError as err:
        raise ProjectError(
            f"The project {project} cannot be written ({err.strerror or err}). Nothing was changed."
        ) from err
    return folder


def put_in_place(
    project: Path, staged: Path, names: Sequence[str], step: Callable[[str], None] = lambda said: None
) -> Path | None:
    """Put files of a copy in place, keeping what was there.

    Each file is replaced in one step, so that none is ever half there.

    Parameters
    ----------
    project
        Folder of the project; its lock is held.
    staged
        Folder of the copy, on the same disk.
    names
        Files, by their path in both; they are put in place in this order.
    step
        Called before each step, with what it is.

    Returns
    -------
    Path or None
        Folder with what was there before; None where nothing was.

    Raises
    ------
    ProjectError
        Something could not be written; all is as it was before.
    """
    ours = project / OURS
    backup = ours / BACKUPS / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    replaced = [name for name in names if (project / name).exists()]
    try:
        step("keep what is there")
        for name in names:
            _sync(staged / name)
        for name in replaced:
            (backup / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, backup / name)
            _sync(backup / name)
        step("note what is to be done")
        with whole_file(ours / JOURNAL) as new:
            about = {"backup": backup.name, "replaced": replaced, "new": sorted({*names} - {*replaced})}
            new.write_text(json.dumps(about), encoding="utf-8")
        for name in names:
            step(f"put {name} in place")
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).replace(project / name)
        step("finish")
        (ours / JOURNAL).unlink()
    except BaseException as err:
        if (ours / JOURNAL).exists():
            roll_back(project)
        else:
            _forget(backup)
        if isinstance(err, OSError):
            raise ProjectError(
                f"The project {project} could not be written ({err.strerror or err}). It is as it was "
                "before. Check that the disk has room and that its files can be written."
            ) from err
        raise
    _prune(ours / BACKUPS)
    return backup if replaced else None


def recover(project: Path) -> bool:
    """Undo what was cut short (a power failure, a killed program) and clear up after it.

    Parameters
    ----------
    project
        Folder of the project; its lock is held.

    Returns
    -------
    bool
        Whether files of the project had to be put back.
    """
    ours = project / OURS
    undone = (ours / JOURNAL).exists()
    if undone:
        roll_back(project)
    if ours.is_dir():
        for left in ours.glob(f"{STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)
    return undone


def roll_back(project: Path) -> None:
    """Put back what the journal says, byte for byte, and take new files away.

    Raises
    ------
    ProjectError
        Something cannot be put back; the backup is kept, and the next call tries again.
    """
    ours = project / OURS
    try:
        about = read_json(ours / JOURNAL, 64 << 20)
        backup = ours / BACKUPS / about["backup"]
        for name in about["replaced"]:
            if _same(backup / name, project / name):
                continue
            with whole_file(project / name) as new:
                shutil.copyfile(backup / name, new)
            shutil.copystat(backup / name, project / name)
        for name in about["new"]:
            (project / name).unlink(missing_ok=True)
            _remove_empty((project / name).parent, project)
        (ours / JOURNAL).unlink()
    except (OSError, ValueError, KeyError, TypeError) as err:
        reason = getattr(err, "strerror", None) or err
        raise ProjectError(
            f"Writing the project {project} was cut short and could not be undone ({reason}). What was there "
            f"before is kept in {ours / BACKUPS}. Make room on the disk and try again."
        ) from err
    _forget(backup)


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def _forget(backup: Path) -> None:
    """Remove a backup of what is in place anyway."""
    shutil.rmtree(backup, ignore_errors=True)
    with suppress(OSError):
        backup.parent.rmdir()


def _prune(backups: Path) -> None:
    if backups.is_dir():
        for old in sorted(p for p in backups.iterdir() if p.is_dir())[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
