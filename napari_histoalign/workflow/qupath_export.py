"""A scored slide into a QuPath project: which of its images it is, and what goes there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_histoalign.errors import ResultError, SlideError
from napari_histoalign.slides import open_slide
from napari_histoalign.workflow.qupath_objects import ResultSlide, result_objects, result_slide
from qupath_bridge.projects import Export, entries_of, export_objects, project_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qupath_bridge.projects import Entry, Exported, Helper
    from qupath_bridge.projects.merge import Replace

Match = Literal["name", "uri", "fingerprint"]


def export_result(
    folder: Path,
    project: Path,
    helper: Helper,
    *,
    match: Match = "name",
    slides: Sequence[Path] = (),
    to: Entry | None = None,
    replace: Replace = "mine",
    create: bool = False,
    tiles: bool = True,
    step: Callable[[str], None] = lambda said: None,
) -> Exported:
    """Write the regions and tiles of a scored slide to a project.

    Parameters
    ----------
    folder
        Of the result.
    project
        Its folder or its ``project.qpproj``.
    helper
        Runs QuPath.
    match
        How the image is found in the project: by its name, by where its file (one of `slides`) lies, or by
        the fingerprint of each image's file. By name, its file is held against the fingerprint as well.
    slides
        Files, or folders of files, among which the slide is, for an image that the project lacks.
    to
        The image, where it is known already.
    replace, create, step
        As for `qupath_bridge.projects.export_objects`.
    tiles
        Whether tiles are written, too.

    Raises
    ------
    HistoalignError
        It cannot be done; the project is as it was.
    """
    slide = result_slide(folder)
    new = create and not project_file(project).exists()
    entry = to
    if entry is None and not new:
        entry = find_entry(entries_of(project), slide, match, slides)
    image = None
    if entry is None:
        image = find_file(slide, slides)
        if image is None:
            raise ResultError(
                f"{project} has no image that is {slide.file} (looked for by {match}). Give its file with "
                "--slide to add it, or look for it otherwise with --match."
            )
    offset = slide.offset_for(None if entry is None else entry.size)
    what = Export(
        objects=result_objects(slide, offset, tiles=tiles),
        size=slide.size_with(offset),
        run_id=slide.run_id,
        slide=slide.fingerprint,
        entry=None if entry is None else entry.id,
        image=image,
        offset=offset,
    )
    return export_objects(project, what, helper, replace=replace, create=create, step=step)


def find_entry(
    entries: Sequence[Entry], slide: ResultSlide, match: Match, slides: Sequence[Path] = ()
) -> Entry | None:
    """The image of a project that is a result's slide; None if it has none.

    Raises
    ------
    ResultError
        Several are, or one has the name and is another slide.
    """
    if match == "fingerprint":
        found = [e for e in entries if any(fingerprint(path) == slide.fingerprint for path in e.files)]
    elif match == "uri":
        file = find_file(slide, slides)
        if file is None:
            raise ResultError(f"To look for {slide.file} by where it lies, give its file with --slide.")
        found = [e for e in entries if any(p.exists() and p.samefile(file) for p in e.files)]
    else:
        found = [e for e in entries if slide.file in (e.name, *(path.name for path in e.files))]
    if len(found) > 1:
        listed = ", ".join(f"{entry.name} (id {entry.id})" for entry in found)
        raise ResultError(
            f"The project has {len(found)} images that may be {slide.file}: {listed}. Look for it by --match "
            "uri or --match fingerprint, or remove one of them in QuPath."
        )
    if found and match == "name":
        told = [mark for path in found[0].files if (mark := fingerprint(path))]
        if told and slide.fingerprint not in told:
            raise ResultError(
                f"The project's image {found[0].name} has the name of {slide.file}, but is another slide or "
                "another version of it. Nothing was changed."
            )
    return found[0] if found else None


def find_file(slide: ResultSlide, slides: Sequence[Path]) -> Path | None:
    """The file of a result's slide among files and folders; None if it is not there."""
    files = [f for p in slides for f in ([p / slide.file] if p.is_dir() else [p]) if f.is_file()]
    # by name first: to open every file takes long
    for file in sorted(files, key=lambda one: one.name != slide.file):
        if fingerprint(file) == slide.fingerprint:
            return file
    return None


def fingerprint(path: Path) -> str:
    """What tells a slide from others; empty for a file that is not there or no slide."""
    if not path.is_file():
        return ""
    try:
        with open_slide(path) as slide:
            return slide.fingerprint
    except SlideError:
        return ""
