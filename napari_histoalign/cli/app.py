"""The command `histoalign` and what all its commands share."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from napari_histoalign import __version__
from napari_histoalign.cli.demo import demo
from napari_histoalign.cli.run import run

app = typer.Typer(
    name="histoalign",
    help="Zero-shot and few-shot histopathology classification of whole-slide images, offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(run)


def main() -> None:
    """Run the command line; errors become one sentence and a non-zero exit status."""
    # the encoder libraries ask their hub for news unless told not to; nothing here needs the network
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
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
