"""A copy of the part of a project that is worked on; the project itself is not touched meanwhile."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qupath_bridge.projects.errors import ProjectError
from qupath_bridge.projects.listing import PROJECT, read_project

CLASSES = "classifiers/classes.json"
LEFT_OUT = (".backup", ".bkp")
"""Endings of what QuPath keeps for itself while it saves."""


@dataclass(frozen=True)
class Staging:
    """A copy being worked on.

    Attributes
    ----------
    project, entry
        Folder of the project, and id of the entry; None for one that is to be added.
    folder
        Where the copy lies.
    before
        Digest of each file that was copied, by its path within the project.
    """

    project: Path
    entry: str | None
    folder: Path
    before: Mapping[str, str]

    @property
    def file(self) -> Path:
        """The copy's project file."""
        return self.folder / PROJECT

    def check_unchanged(self) -> None:
        """Refuse to go on where the project is not what was copied.

        Raises
        ------
        ProjectError
            QuPath, or another program, saved it meanwhile.
        """
        now = digests(self.project, self.entry)
        changed = sorted(n for n in {*now, *self.before} if now.get(n) != self.before.get(n))
        if changed:
            raise ProjectError(
                f"The project {self.project} was changed by another program meanwhile ({changed[0]}). "
                "Nothing was written. Save and close the image in QuPath, then try again."
            )

    def changed(self, entry: str) -> list[str]:
        """Files of the copy that are new or different, by their path; those of an entry come first.

        Parameters
        ----------
        entry
            Id of the entry that was written.
        """
        now = digests(self.folder, entry)
        new = [name for name, digest in now.items() if self.before.get(name) != digest]
        # the list of images comes last: an entry's files may lie there unlisted, but not the other way round
        return sorted(new, key=lambda name: (name == PROJECT, name))


def copy_of(project: Path, entry: str | None, folder: Path) -> Staging:
    """Copy what belongs to an entry.

    Parameters
    ----------
    project
        Folder of the project.
    entry
        Id of an entry; None: only what the project has for all.
    folder
        An empty folder to fill.

    Raises
    ------
    ProjectError
        Something cannot be read or copied, or changed meanwhile.
    """
    before = digests(project, entry)
    try:
        for name in before:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / name, target)
    except OSError as err:
        raise ProjectError(
            f"The project {project} could not be copied to work on it ({err.strerror or err}). Nothing was "
            "changed. Check that the disk has room."
        ) from err
    if digests(folder, entry) != before:
        raise ProjectError(f"The project {project} was changed while it was read. Try again.")
    return Staging(project, entry, folder, before)


def digests(project: Path, entry: str | None) -> dict[str, str]:
    """SHA-256 of each file that matters for an entry, by its path within the project."""
    try:
        return {
            path.relative_to(project).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in _files(project, entry)
        }
    except OSError as err:
        raise ProjectError(
            f"The project {project} cannot be read ({err.strerror or err}). Nothing was changed."
        ) from err


def _files(project: Path, entry: str | None) -> Iterator[Path]:
    found = [project / PROJECT, project / CLASSES]
    if entry is not None and (data := project / "data" / entry).is_dir():
        found += sorted(data.iterdir())
    # a save of QuPath's that was interrupted has to be seen; what it keeps for itself otherwise does not
    yield from (p for p in found if p.is_file() and (p.suffix not in LEFT_OUT or p.name == "data.qpdata.bkp"))


def prepare_for_new(staging: Staging) -> None:
    """See to it that QuPath gives a new entry a number that no folder has, in use or left over."""
    content = read_project(staging.file)
    data = staging.project / "data"
    there = [int(p.name) for p in data.iterdir() if p.name.isdigit()] if data.is_dir() else []
    content["lastID"] = max([_last_id(content), *there])
    _write(staging.file, content)


def merge_new_entry(staging: Staging, entry: str) -> None:
    """Make the copy's project file the project's own with one image more, and nothing else changed.

    QuPath would write the whole file anew, in its own version's form and with the copy's place in it.
    """
    written = read_project(staging.file)
    content = read_project(staging.project)
    new = [image for image in written["images"] if str(image.get("entryID")) == entry]
    if len(new) != 1:
        raise ProjectError(
            f"QuPath did not add the image to the project {staging.project}. Nothing was changed."
        )
    content["images"] = [*content["images"], new[0]]
    content["lastID"] = max(_last_id(content), int(entry))
    _write(staging.file, content)


def settle_new_project(staging: Staging) -> None:
    """Write the place where the project will be into its file, in place of the copy's."""
    content = read_project(staging.file)
    content["uri"] = "file:" + (staging.project / PROJECT).as_uri().removeprefix("file://")
    _write(staging.file, content)


def _last_id(content: Mapping[str, Any]) -> int:
    ids = [int(image["entryID"]) for image in content["images"] if str(image.get("entryID", "")).isdigit()]
    last = content.get("lastID")
    return max([last if type(last) is int else 0, *ids])


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8", newline="\n")
