"""`histoalign qupath`: results into QuPath projects, and what was drawn there back."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_histoalign.cli.qupath_batch import batch
from napari_histoalign.cli.qupath_parts import (
    LimitOption,
    ProjectOption,
    QuPathOption,
    chosen_of,
    helper_of,
)
from napari_histoalign.cli.report import Report
from napari_histoalign.cli.run import JsonOption
from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from napari_histoalign.workflow.qupath_import import Purpose
    from qupath_bridge.projects import Entry, EntryObjects, Exported

app = typer.Typer(no_args_is_help=True, help="Results into QuPath projects, and what was drawn there back.")
app.command()(batch)


class Match(StrEnum):
    """How an image is found in a project."""

    name = "name"
    uri = "uri"
    fingerprint = "fingerprint"


class Replace(StrEnum):
    """What becomes of objects of an earlier export."""

    mine = "mine"
    none = "none"


class Use(StrEnum):
    """What annotations are for."""

    roi = "roi"
    examples = "examples"
    truth = "truth"


@app.command()
def doctor(qupath: QuPathOption = None, as_json: JsonOption = False) -> None:
    """Say which QuPath is found, whether it works, and what to do if not."""
    report = Report(as_json)
    with report.errors():
        from qupath_bridge.projects import diagnose

        found = diagnose(qupath)
        if as_json:
            report.result({name: getattr(found, name) for name in found.__dataclass_fields__})
        else:
            if found.folder:
                version = found.qupath or "of unknown version"
                typer.echo(f"QuPath {version} in {found.folder} (named by {found.source})")
            if found.works:
                openslide = "works" if found.openslide else "does not load"
                typer.echo(f"paquo {found.paquo}, Java {found.java}, OpenSlide {openslide}")
                typer.echo("Projects can be read and written.")
            for sentence in found.advice:
                typer.echo(sentence)
        if not found.works:
            raise typer.Exit(1)


@app.command()
def images(project: ProjectOption, as_json: JsonOption = False) -> None:
    """List the images of a project; needs no QuPath."""
    report = Report(as_json)
    with report.errors():
        from qupath_bridge.projects import entries_of

        entries = entries_of(project)
        if as_json:
            report.result({"images": [_plain(entry) for entry in entries]})
            return
        for entry in entries:
            where = ", ".join(str(path) for path in entry.files) or ", ".join(entry.uris)
            lost = "  (not there)" if entry.missing else ""
            typer.echo(f"{entry.id}  {entry.name}  {where}{lost}")


@app.command()
def export(
    results: Annotated[list[Path], typer.Argument(help="Folders of results.", metavar="RESULT...")],
    project: ProjectOption,
    create: Annotated[bool, typer.Option("--create", help="Make the project if there is none.")] = False,
    match: Annotated[Match, typer.Option(help="How the image is found in the project.")] = Match.name,
    slide: Annotated[
        list[Path] | None, typer.Option(help="Slides, or folders of them, to add those the project lacks.")
    ] = None,
    replace: Annotated[
        Replace, typer.Option(help="Replace what we wrote earlier and nobody changed, or nothing.")
    ] = Replace.mine,
    tiles: Annotated[bool, typer.Option(help="Write tiles as well as regions.")] = True,
    qupath: QuPathOption = None,
    limit: LimitOption = 300.0,
    as_json: JsonOption = False,
) -> None:
    """Write regions and tiles of scored slides to a QuPath project."""
    report = Report(as_json)
    done: list[dict[str, Any]] = []
    failures: list[str] = []
    with report.errors():
        from napari_histoalign.workflow.qupath_export import export_result

        with helper_of(qupath, limit) as helper:
            for folder in results:
                try:
                    exported = export_result(
                        folder,
                        project,
                        helper,
                        match=match.value,
                        slides=slide or [],
                        replace=replace.value,
                        create=create,
                        tiles=tiles,
                    )
                except HistoalignError as err:
                    report.say(f"Error: {folder.name}: {err}")
                    failures.append(f"{folder.name}: {err}")
                    continue
                done.append(_told(folder, exported))
                if not as_json:
                    _say(report, folder, exported)
        if as_json:
            report.result({"exported": done, **({"errors": failures} if failures else {})})
        if failures:
            raise typer.Exit(1)


@app.command("import")
def import_(
    project: ProjectOption,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the GeoJSON files.")] = None,
    use: Annotated[Use, typer.Option("--as", help="What the annotations are for.")] = Use.roi,
    entry: Annotated[list[str] | None, typer.Option(help="Names or ids of images; all by default.")] = None,
    reviewer: Annotated[
        str | None,
        typer.Option(help="Who worked in QuPath: what was decided there goes into each slide's review."),
    ] = None,
    qupath: QuPathOption = None,
    limit: LimitOption = 300.0,
    as_json: JsonOption = False,
) -> None:
    """Bring annotations back: as files for --roi and --examples, and decisions into the review."""
    report = Report(as_json)
    failures: list[str] = []
    done: list[dict[str, Any]] = []
    with report.errors():
        if out is None and reviewer is None:
            raise HistoalignError(
                "Give --out for annotations as files, or --reviewer for the review, or both."
            )
        from qupath_bridge.projects import entries_of, read_entry

        chosen = chosen_of(entries_of(project), entry)
        with helper_of(qupath, limit) as helper:
            for one in chosen:
                try:
                    objects = read_entry(project, one, helper)
                    told = _import(objects, out, use.value, reviewer)
                except HistoalignError as err:
                    report.say(f"Error: {err}")
                    failures.append(str(err))
                    continue
                done.append({"image": one.name, **told})
                if not as_json:
                    for line in _lines(told):
                        typer.echo(f"{one.name}: {line}")
        if as_json:
            report.result({"images": done, **({"errors": failures} if failures else {})})
        if failures:
            raise typer.Exit(1)


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "uris": list(entry.uris),
        "size": None if entry.size is None else list(entry.size),
        "readable": not entry.missing,
    }


def _told(folder: Path, exported: Exported) -> dict[str, Any]:
    return {
        "result": str(folder),
        "image": exported.entry,
        "added": exported.added,
        "removed": exported.removed,
        "kept": [{"id": k.uuid, "class": k.class_name, "reason": k.reason} for k in exported.kept],
        "backup": None if exported.backup is None else str(exported.backup),
    }


def _say(report: Report, folder: Path, exported: Exported) -> None:
    if exported.recovered:
        report.say("An earlier export had been cut short; the project was put back first.")
    typer.echo(f"{folder.name}: {exported.added} objects written, {exported.removed} earlier ones replaced")
    for reason in dict.fromkeys(kept.reason for kept in exported.kept):
        alike = [kept for kept in exported.kept if kept.reason == reason]
        why = {"locked": "are locked", "edited": "were changed in QuPath"}.get(
            reason, "may have been changed: nothing tells how we wrote them"
        )
        typer.echo(f"{folder.name}: {len(alike)} objects of ours stay, as they {why}")
    if exported.backup is not None:
        typer.echo(f"{folder.name}: what was there before is kept in {exported.backup}")


def _import(objects: EntryObjects, out: Path | None, use: Purpose, reviewer: str | None) -> dict[str, Any]:
    from napari_histoalign.workflow.qupath_import import write_annotations
    from napari_histoalign.workflow.qupath_review import bring_review

    told: dict[str, Any] = {}
    if reviewer is not None:
        told["acts"] = len(bring_review(objects, reviewer))
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise HistoalignError(f"The folder {out} cannot be made ({err.strerror or err}).") from err
        # images of one name get a file each
        name = f"{Path(objects.entry.name).name} ({objects.entry.id}).geojson"
        written = write_annotations(out / name, objects, use)
        told.update(file=str(written.path), annotations=written.count, classes=dict(written.classes))
    return told


def _lines(told: dict[str, Any]) -> list[str]:
    lines = []
    if "acts" in told:
        lines.append(f"{told['acts']} decisions written to the review")
    if "file" in told:
        classes = ", ".join(f"{name or 'no class'} {count}" for name, count in told["classes"].items())
        lines.append(f"{told['annotations']} annotations ({classes}) in {told['file']}")
    return lines
