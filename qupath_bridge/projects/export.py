"""Objects into a project: worked on in a copy, checked, and put in place all or none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qupath_bridge.projects.checks import check_readable, check_size, check_written, entry_of
from qupath_bridge.projects.commit import new_staging, put_in_place, recover
from qupath_bridge.projects.errors import ProjectError
from qupath_bridge.projects.found import Found, read_found
from qupath_bridge.projects.ledger import Ledger, read_ledger
from qupath_bridge.projects.listing import PROJECT, project_file
from qupath_bridge.projects.lock import OURS, project_lock
from qupath_bridge.projects.merge import Kept, Plan, Replace, plan
from qupath_bridge.projects.objects import ProjectObject, packed_rgb, write_objects
from qupath_bridge.projects.staging import (
    Staging,
    copy_of,
    merge_new_entry,
    prepare_for_new,
    settle_new_project,
)

if TYPE_CHECKING:
    from qupath_bridge.projects.client import Helper

Step = Callable[[str], None]


@dataclass(frozen=True)
class Export:
    """What is to be written, and to which image of a project.

    Attributes
    ----------
    objects
        In QuPath's coordinates.
    entry
        Id of the image; None: `image` is added.
    image
        File of the slide.
    size
        (width, height) that QuPath has to see: else the coordinates would be wrong.
    run_id, slide
        Of the result, and the slide's fingerprint.
    offset
        Corner of QuPath's coordinates in level-0 pixels.
    """

    objects: Sequence[ProjectObject]
    size: tuple[int, int]
    run_id: str
    slide: str
    entry: str | None = None
    image: Path | None = None
    offset: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    entry
        Id of the image.
    added, removed
        Numbers of objects.
    kept
        Objects of ours that stayed, and why.
    backup
        Folder with what was there before; None for a new project.
    recovered
        Whether an earlier attempt, cut short, was undone first.
    """

    entry: str
    added: int
    removed: int
    kept: tuple[Kept, ...]
    backup: Path | None
    recovered: bool


def export_objects(
    project: Path,
    what: Export,
    helper: Helper,
    *,
    replace: Replace = "mine",
    create: bool = False,
    step: Step = lambda said: None,
) -> Exported:
    """Write objects to a project. Nothing that is not ours is changed, and nothing at all if it fails.

    Parameters
    ----------
    project
        Its folder or its ``project.qpproj``.
    what
        What is written, and where.
    helper
        Runs QuPath.
    replace
        See `qupath_bridge.projects.merge.plan`.
    create
        Make the project if there is none.
    step
        Called before each step, with what it is.

    Raises
    ------
    QuPathError
        It cannot be done; the project is byte for byte as it was.
    """
    file = project_file(project)
    folder = file.parent
    with _folder(folder, create and not file.exists()) as new, project_lock(folder):
        recovered = recover(folder)
        staged = new_staging(folder)
        try:
            done = _export(folder, staged, what, helper, replace, new, step)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    entry, chosen, backup = done
    return Exported(entry, len(chosen.add), len(chosen.remove), chosen.kept, backup, recovered)


def _export(
    folder: Path, staged: Path, what: Export, helper: Helper, replace: Replace, new: bool, step: Step
) -> tuple[str, Plan, Path | None]:
    scratch = staged / "scratch"
    work = staged / "project"
    scratch.mkdir()
    work.mkdir()
    found: list[Found] = []
    ledger = Ledger()
    entry = what.entry
    step("copy")
    if new:
        staging = Staging(folder, None, work, {})
    else:
        if entry is not None:
            check_readable(entry_of(folder, entry))
        staging = copy_of(folder, entry, work)
        if entry is None:
            prepare_for_new(staging)
    if entry is not None:
        step("read")
        ledger = read_ledger(work / "data" / entry)
        seen = helper.ask("read", project=staging.file, entry=entry, out=scratch / "before.geojson")
        check_size(seen, what.size)
        found = read_found(scratch / "before.geojson")
    chosen = plan(found, what.objects, ledger, replace)
    step("write")
    write_objects(scratch / "objects.jsonl", chosen.add)
    written = helper.ask(
        "write",
        project=staging.file,
        entry=entry,
        image=what.image,
        remove=list(chosen.remove),
        objects=scratch / "objects.jsonl",
        classes=_classes(chosen, found),
        create=new,
    )
    done = str(written["entry"])
    step("check")
    seen = helper.ask("read", project=staging.file, entry=done, out=scratch / "after.geojson")
    check_size(seen, what.size)
    after = read_found(scratch / "after.geojson")
    check_written(after, chosen, folder)
    if new:
        settle_new_project(staging)
    elif entry is None:
        merge_new_entry(staging, done)
    _new_ledger(what, chosen, after, ledger).write(work / "data" / done)
    names = staging.changed(done)
    if entry is not None:  # the list of images is not ours to touch
        names = [name for name in names if name != PROJECT]
    staging.check_unchanged()
    return done, chosen, put_in_place(folder, work, names, step)


@contextmanager
def _folder(folder: Path, new: bool) -> Iterator[bool]:
    """The folder of a project, made where it is new, and taken away again if that fails."""
    if not new:
        if not folder.is_dir():
            raise ProjectError(f"There is no QuPath project at {folder}. Check the path, or give --create.")
        yield False
        return
    there = folder.is_dir()
    if there and any(p.name != OURS for p in folder.iterdir()):
        raise ProjectError(
            f"A new project needs an empty folder, and {folder} is not. Name another one, or the project "
            "that lies in it."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise ProjectError(f"The folder {folder} cannot be made ({err.strerror or err}).") from err
    try:
        yield True
    except BaseException:
        if not there:
            with suppress(OSError):
                folder.rmdir()
        raise


def _classes(chosen: Plan, found: Sequence[Found]) -> list[dict[str, Any]]:
    """Classes of the new objects; one that others use already keeps its colour."""
    used = {one.class_name for one in found}
    return [
        {"name": name, "color": packed_rgb(color), "new": name not in used}
        for name, color in {one.class_name: one.color for one in chosen.add}.items()
    ]


def _new_ledger(what: Export, chosen: Plan, after: Sequence[Found], old: Ledger) -> Ledger:
    """What is ours now: what was written, and what was kept as it was when we wrote it."""
    written = {one.uuid for one in chosen.add}
    ours = {one.uuid: one for one in after if one.uuid in written}
    kept = {uuid: stamp for uuid, stamp in old.stamps.items() if uuid in chosen.stay}
    regions = {uuid: region for uuid, region in old.regions.items() if uuid in chosen.stay}
    for uuid, one in ours.items():
        if one.kind == "annotation":
            regions[uuid] = {"class": one.class_name, "geometry": one.feature["geometry"]}
    stamps = {**kept, **{uuid: one.stamp for uuid, one in ours.items()}}
    return Ledger(what.run_id, what.slide, what.offset, stamps, regions)
