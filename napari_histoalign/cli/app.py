"""The command `histoalign` and what all its commands share."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from napari_histoalign import __version__
from napari_histoalign.cli.demo import demo
from napari_histoalign.cli.encoders import app as encoders
from napari_histoalign.cli.evaluate import evaluate
from napari_histoalign.cli.qupath import app as qupath
from napari_histoalign.cli.run import run
from napari_histoalign.encoders.offline import hub_off

app = typer.Typer(
    name="histoalign",
    help="Zero-shot and few-shot histopathology classification of whole-slide images, offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(run)
app.command()(evaluate)
app.add_typer(encoders, name="encoders")
app.add_typer(qupath, name="qupath")


def main() -> None:
    """Run the command line; errors become one sentence and a non-zero exit status."""
    hub_off()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s: %(message)s")
    app()


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=lambda wanted: _version(wanted), is_eager=True)
    ] = False,
) -> None:
    """Zero-shot and few-shot histopathology classification of whole-slide images, offline."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-histoalign {__version__}")
        raise typer.Exit
