"""`histoalign demo`: the whole path on a drawn slide, with nothing to download."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_histoalign.cli.report import KEPT, Report
from napari_histoalign.cli.run import JsonOption, run_and_report


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("histoalign-demo"),
    no_gui: Annotated[bool, typer.Option("--no-gui", help="Do not open napari afterwards.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw the sample slide, score it with the embedded demonstration encoders, open it in napari."""
    report = Report(as_json)
    with report.errors(KEPT):
        from napari_histoalign.sample import sample_slide
        from napari_histoalign.workflow import RunSettings

        with report.steps("Drawing the sample slide (once)") as step:
            slide = sample_slide(progress=step)
        run_and_report(report, [slide], out, RunSettings())
        if no_gui:
            return
        if not has_display():
            report.say("There is no display, so napari is not opened.")
            return
        from napari_histoalign.plugin.app import show_slide

        show_slide(slide)


def has_display() -> bool:
    """Whether a window can be opened: on Linux, whether a display server is named."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
