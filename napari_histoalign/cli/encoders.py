"""`histoalign encoders`: what encoders there are, and how more of them get here."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histoalign.cli.encoder_table import print_list
from napari_histoalign.cli.report import Report
from napari_histoalign.cli.run import JsonOption
from napari_histoalign.errors import HistoalignError
from napari_histoalign.files import in_bytes, printable

if TYPE_CHECKING:
    from napari_histoalign.encoders import Added
    from napari_histoalign.encoders.download import Plan

app = typer.Typer(
    help="List, add, download, remove and export encoders.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Name = Annotated[
    str, typer.Argument(help="The encoder's name; see `histoalign encoders list`.", metavar="NAME")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_(
    here: Annotated[bool, typer.Option("--here", help="Only those on this computer.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List every encoder: role, licence, whether it is here, its size, and why it cannot be used if so."""
    report = Report(as_json)
    with report.errors():
        from napari_histoalign.encoders import EncoderLibrary, list_encoders

        library = EncoderLibrary()
        rows = [row for row in list_encoders(library) if row.here or not here]
        problem = library.problem
        if as_json:
            folder = None if problem else str(library.root)
            encoders = [row.to_dict() for row in rows]
            report.result({"folder": folder, "problem": problem or None, "encoders": encoders})
        else:
            print_list(rows, problem or f"Encoders are kept in {library.root}", known=not problem)


@app.command()
def add(
    name: Name,
    path: Annotated[Path, typer.Option(help="Folder with its files, or the file of its weights.")],
    role: Annotated[
        str | None, typer.Option(help="For your own: pathology, general or control.", show_default="general")
    ] = None,
    mpp: Annotated[
        float | None, typer.Option(help="For your own: micrometre per pixel of a tile it is meant for.")
    ] = None,
    replace_: Annotated[
        bool, typer.Option("--replace", help="Take the place of what was added before.")
    ] = False,
    link: Annotated[bool, typer.Option("--link", help="Link to the files instead of copying them.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Add an encoder from files on this computer; a name that is not in the list makes it one of your own."""
    report = Report(as_json)
    with report.errors():
        from napari_histoalign.encoders import EncoderLibrary, add_encoder

        with report.steps(f"Adding {name}") as step:
            added = add_encoder(
                name,
                path,
                EncoderLibrary(),
                role=role,
                mpp=mpp,
                replace=replace_,
                link=link,
                on_progress=step,
            )
        _say_added(report, added)


@app.command()
def download(name: Name, yes: Yes = False, as_json: JsonOption = False) -> None:
    """Download an encoder from its publisher: the one command that uses the network."""
    report = Report(as_json)
    with report.errors("Stopped. What arrived is kept; the same command goes on from there."):
        from napari_histoalign.encoders import EncoderLibrary
        from napari_histoalign.encoders.download import download_encoder, plan_download

        library = EncoderLibrary()
        plan = plan_download(name, library)
        _say_plan(report, plan)
        _confirm(yes, "Download it under these terms?")
        with report.steps(f"Downloading {plan.title}") as step:
            added = download_encoder(name, library, on_progress=step)
        _say_added(report, added)


@app.command()
def remove(name: Name, yes: Yes = False, as_json: JsonOption = False) -> None:
    """Delete an added encoder's files. Embeddings that it made stay."""
    report = Report(as_json)
    with report.errors():
        from napari_histoalign.encoders import EncoderLibrary

        library = EncoderLibrary()
        _confirm(yes, f"Delete {printable(str(library.added_folder(name)))}?")
        folder = library.remove(name)
        report.say(f"Removed {folder}.")
        if as_json:
            report.result({"name": name, "removed": str(folder)})


@app.command()
def export(
    name: Name,
    onnx: Annotated[
        Path, typer.Option("--onnx", help="Folder to write image.onnx, text.onnx and the tokenizer to.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Write an encoder as an ONNX pair, and check it against the original."""
    report = Report(as_json)
    with report.errors():
        from napari_histoalign.encoders import load_encoder
        from napari_histoalign.encoders.onnx_pairs.export import export_onnx

        done = export_onnx(load_encoder(name, device="cpu"), onnx)
        report.say(f"Wrote {len(done.files)} files to {done.folder}. {done.describe()}")
        if as_json:
            report.result(done.to_dict())


@app.command()
def folder(
    path: Annotated[
        Path | None, typer.Argument(help="Where encoders shall be kept from now on.", metavar="[FOLDER]")
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Back to the user's data folder.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show or set the folder of the added encoders, such as a lab's shared drive."""
    report = Report(as_json)
    with report.errors():
        import os

        from napari_histoalign.encoders.place import ENVIRONMENT, as_folder, encoders_dir
        from napari_histoalign.settings import load_settings, save_settings

        if path is not None and default:
            raise HistoalignError("Give a folder or --default, not both.")
        if path is not None or default:
            chosen = None if path is None else str(as_folder(str(path)).resolve())
            save_settings(replace(load_settings(), encoders_folder=chosen))
            if os.environ.get(ENVIRONMENT):
                report.say(f"Note: {ENVIRONMENT} is set and goes before this setting.")
        found = encoders_dir()
        if as_json:
            report.result({"folder": str(found)})
        else:
            typer.echo(printable(str(found)))


def _confirm(yes: bool, question: str) -> None:
    """Ask, unless told not to; without a person to ask, the answer has to be given beforehand."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise HistoalignError(f"{question} Nobody can be asked here: give --yes.")
    if not typer.confirm(question, err=True):
        raise HistoalignError("Nothing was done.")


def _say_plan(report: Report, plan: Plan) -> None:
    """What will be fetched, from where, and under which terms."""
    for line in plan.describe():
        report.say(line)


def _say_added(report: Report, added: Added) -> None:
    record, probe = added.record, added.probe
    size = sum(f.size for f in record.files.values())
    report.say(
        f"{record.spec.title} is in {added.folder} ({in_bytes(size)}). Its files fit; probe tiles and "
        f"prompts were embedded in {record.spec.dim} numbers (cosine of two unlike tiles {probe.images:.2f}, "
        f"of two prompts {probe.texts:.2f})."
    )
    if added.unlike:
        report.say(
            f"Note: {', '.join(added.unlike)} fits, but is not the file that the publisher is known to have: "
            "another version, or changed."
        )
    for remark in added.remarks:
        report.say(f"Note: {remark}")
    report.say(f"Licence: {record.spec.licence}. {record.spec.notice}".strip())
    if report.as_json:
        report.result({"folder": str(added.folder), **record.to_dict()})
