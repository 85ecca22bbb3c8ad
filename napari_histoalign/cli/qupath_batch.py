"""`histoalign qupath batch`: all images of a project."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_histoalign.cli.method import AlignmentName, Prompts, alignment_from, names, prompts_from
from napari_histoalign.cli.qupath_parts import (
    LimitOption,
    ProjectOption,
    QuPathOption,
    chosen_of,
    helper_of,
)
from napari_histoalign.cli.report import KEPT, Report
from napari_histoalign.cli.run import Device, DeviceOption, JsonOption


def batch(
    project: ProjectOption,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the results, one folder an image.")],
    prompts: Prompts = "breast",
    encoders: Annotated[str, typer.Option(help="One or two encoders, the pathology one first.")] = (
        "demo-path,demo-general"
    ),
    alignment: AlignmentName = "many-to-many",
    mpp: Annotated[float, typer.Option(help="Micrometre per tile pixel.")] = 0.5,
    threshold: Annotated[float, typer.Option(help="Least probability of a tile in a region.")] = 0.5,
    entry: Annotated[list[str] | None, typer.Option(help="Names or ids of images; all by default.")] = None,
    tiles: Annotated[bool, typer.Option(help="Write tiles as well as regions.")] = True,
    device: DeviceOption = Device.auto,
    qupath: QuPathOption = None,
    limit: LimitOption = 300.0,
    as_json: JsonOption = False,
) -> None:
    """Run all images of a project within what was drawn there, and write the results to it.

    Images without annotations are run on all their tissue. What is done already is not done again, so that
    the same command goes on after it was stopped.
    """
    report = Report(as_json)
    with report.errors(KEPT):
        from napari_histoalign.encoders import load_encoder
        from napari_histoalign.workflow import RunSettings
        from napari_histoalign.workflow.qupath_batch import run_project
        from qupath_bridge.projects import entries_of

        settings = RunSettings(
            encoders=names(encoders),
            prompts=prompts_from(prompts, None, None),
            alignment=alignment_from(
                alignment,
                pooling=None,
                temperature=None,
                screening=None,
                centring=None,
                prior=None,
                shares=None,
            ),
            mpp=mpp,
            threshold=threshold,
        )
        chosen = chosen_of(entries_of(project), entry)
        with helper_of(qupath, limit) as helper:
            loaded = [load_encoder(name, device=device.value) for name in settings.encoders]
            rows = []
            for row in run_project(project, chosen, out, settings, loaded, helper, tiles=tiles):
                rows.append(row)
                if not as_json:
                    typer.echo(f"{row.image}: {row.told}")
        if as_json:
            report.result({"images": [asdict(row) for row in rows]})
        if any(row.status == "failed" for row in rows):
            raise typer.Exit(1)
