"""`histoalign encoders`: what encoders there are, and how more of them get here."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histoalign.cli.report import Report
from napari_histoalign.cli.run import JsonOption
from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from napari_histoalign.encoders import Added, Listing
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
        if as_json:
            report.result({"folder": str(library.root), "encoders": [row.to_dict() for row in rows]})
        else:
            _print_list(rows, library.root)


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
        _confirm(yes, f"Delete {library.folder(name)}?")
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

        from napari_histoalign.encoders import encoders_dir
        from napari_histoalign.encoders.library import ENVIRONMENT
        from napari_histoalign.settings import load_settings, save_settings

        if path is not None and default:
            raise HistoalignError("Give a folder or --default, not both.")
        if path is not None or default:
            chosen = None if path is None else str(path.expanduser().resolve())
            save_settings(replace(load_settings(), encoders_folder=chosen))
            if os.environ.get(ENVIRONMENT):
                report.say(f"Note: {ENVIRONMENT} is set and goes before this setting.")
        found = encoders_dir()
        if as_json:
            report.result({"folder": str(found)})
        else:
            typer.echo(str(found))


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
        f"{record.spec.title} is in {added.folder} ({size / 1e6:.0f} MB). Its files fit; probe tiles and "
        f"prompts were embedded in {record.spec.dim} numbers (cosine of two unlike tiles {probe.images:.2f}, "
        f"of two prompts {probe.texts:.2f})."
    )
    if added.unlike:
        report.say(
            f"Note: {', '.join(added.unlike)} fits, but is not the file that the publisher is known to have: "
            "another version, or changed."
        )
    report.say(f"Licence: {record.spec.licence}. {record.spec.notice}".strip())
    if report.as_json:
        report.result({"folder": str(added.folder), **record.to_dict()})


def _print_list(rows: list[Listing], root: Path) -> None:
    """One line an encoder; what keeps one that is here from working stands below, in full."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("name", no_wrap=True, min_width=18)
    table.add_column("role", no_wrap=True, min_width=9)
    table.add_column("licence", no_wrap=True, overflow="ellipsis", max_width=18)
    table.add_column("size", justify="right", no_wrap=True, min_width=6)
    table.add_column("state", no_wrap=True, min_width=15)
    for row in rows:
        spec = row.spec
        table.add_row(spec.name, spec.role, spec.licence, _size(row.size), _state(row))
    console = Console()
    console.print(table)
    for row in rows:
        if row.here and row.problem:
            console.print(f"{row.spec.name}: {row.problem}.", soft_wrap=True)
    if any(not row.here for row in rows):
        console.print(
            "download: histoalign encoders download NAME (gated: ask its publisher for access first)\n"
            "by hand: get the files from its page (--json tells which), "
            "then histoalign encoders add NAME --path FOLDER",
            soft_wrap=True,
        )
    console.print(f"Encoders are kept in {root}", soft_wrap=True)


def _state(row: Listing) -> str:
    """Two words on whether an encoder can be used, or how it gets here."""
    spec = row.spec
    if row.here:
        return "cannot be used" if row.problem else "demonstration" if spec.demo else "ready"
    if not spec.downloadable:
        return "by hand"
    return "download, gated" if spec.gated else "download"


def _size(size: int) -> str:
    if not size:
        return "?"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
