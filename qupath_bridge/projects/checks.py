"""What has to hold before and after a project is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qupath_bridge.projects.errors import ProjectError
from qupath_bridge.projects.listing import Entry, entries_of

if TYPE_CHECKING:
    from qupath_bridge.projects.found import Found
    from qupath_bridge.projects.merge import Plan


def entry_of(project: Path, identity: str) -> Entry:
    """The image of a project with an id.

    Raises
    ------
    ProjectError
        It has none of that id.
    """
    for entry in entries_of(project):
        if entry.id == identity:
            return entry
    raise ProjectError(f"The project {project} has no image with the id {identity}.")


def check_readable(entry: Entry) -> None:
    """Refuse an entry whose image is not where the project has it: QuPath would drop what is written.

    Raises
    ------
    ProjectError
        It is not there.
    """
    if entry.missing:
        raise ProjectError(
            f"The image {entry.name} is not where the project has it ({entry.missing[0]}). Open the project "
            "in QuPath, which asks for the new place, save it, and try again."
        )


def check_size(seen: Mapping[str, Any], wanted: tuple[int, int]) -> None:
    """Refuse an image that QuPath sees with another size than results are for.

    Raises
    ------
    ProjectError
        It has another size.
    """
    size = (seen["width"], seen["height"])
    if size != tuple(wanted):
        raise ProjectError(
            f"QuPath sees an image of {size[0]} x {size[1]} px, and the results are for one of "
            f"{wanted[0]} x {wanted[1]} px: they would lie in the wrong place. Nothing was changed. "
            "Choose the image that was run, opened in QuPath by OpenSlide and not rotated or cropped."
        )


def check_written(after: Sequence[Found], chosen: Plan, folder: Path) -> None:
    """Hold what QuPath wrote against what it should have written.

    Raises
    ------
    ProjectError
        An object of ours is missing, or one that should stay is not what it was.
    """
    there = {one.uuid: one for one in after}

    def failed(what: str) -> ProjectError:
        return ProjectError(
            f"QuPath did not write what it should have ({what}). The project {folder} is as it was."
        )

    for one in chosen.add:
        written = there.pop(one.uuid, None)
        if written is None or written.kind != one.kind or written.class_name != one.class_name:
            raise failed(f"the {one.kind} {one.uuid} of the class {one.class_name}")
    for identity, before in chosen.stay.items():
        kept = there.pop(identity, None)
        if kept is None or kept.feature != before.feature:
            raise failed(f"the object {identity}, which is not ours, would be changed")
    if there:
        raise failed(f"{len(there)} objects that nobody asked for")
