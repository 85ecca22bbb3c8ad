"""`histoalign run`: score slides and write their results."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histoalign.cli.method import (
    AlignmentName,
    Calibrate,
    Centring,
    ExamplesFile,
    FewShotName,
    Organ,
    PoolingName,
    Prior,
    Prompts,
    Screening,
    Shares,
    Smoothing,
    TemperatureValue,
    Templates,
    Transductive,
    alignment_from,
    names,
    prompts_from,
    refinement_from,
)
from napari_histoalign.cli.report import KEPT, Report
from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from napari_histoalign.workflow import RunSettings, RunSummary


class Device(StrEnum):
    """Where the encoders run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


JsonOption = Annotated[
    bool, typer.Option("--json", help="Write the result as JSON to stdout; the log goes to stderr.")
]
DeviceOption = Annotated[Device, typer.Option(help="Where the encoders run.")]


def run(
    slides: Annotated[list[Path], typer.Argument(help="Slides to score.", metavar="SLIDE...")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the results, one folder a slide.")],
    prompts: Prompts = "breast",
    templates: Templates = None,
    organ: Organ = None,
    encoders: Annotated[
        str, typer.Option(help="One or two encoders, separated by a comma, the pathology one first.")
    ] = "demo-path,demo-general",
    alignment: AlignmentName = "many-to-many",
    pooling: PoolingName = None,
    temperature: TemperatureValue = None,
    screening: Screening = None,
    centring: Centring = None,
    prior: Prior = None,
    shares: Shares = None,
    examples: ExamplesFile = None,
    few_shot: FewShotName = None,
    transductive: Transductive = "none",
    smooth: Smoothing = 0.0,
    calibrate: Calibrate = "none",
    mpp: Annotated[float, typer.Option(help="Micrometre per tile pixel.")] = 0.5,
    tile: Annotated[int, typer.Option(help="Side of a tile in pixels at that size.")] = 224,
    stride: Annotated[
        int | None, typer.Option(help="Distance of neighbouring tiles in those pixels; the tile by default.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Only this rectangle: x,y,width,height in level-0 pixels.")
    ] = None,
    roi: Annotated[
        Path | None, typer.Option(help="Only inside the areas of this GeoJSON (QuPath's annotations).")
    ] = None,
    device: DeviceOption = Device.auto,
    batch: Annotated[int, typer.Option(help="Tiles a step.")] = 32,
    slide_mpp: Annotated[
        float | None, typer.Option(help="Micrometre per level-0 pixel, where the slide does not say.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Least probability of a tile in a region.")] = 0.5,
    tissue_threshold: Annotated[
        float | None, typer.Option(help="The tissue detector's threshold; found from the slide by default.")
    ] = None,
    views: Annotated[
        str,
        typer.Option(help="Views of each tile: full, hflip, rot90, centre, zoom2, wide2, wide4 ..."),
    ] = "full,hflip",
    as_json: JsonOption = False,
) -> None:
    """Score slides; write tiles, probabilities, regions, an overlay and the provenance of each."""
    report = Report(as_json)
    with report.errors(KEPT):
        from napari_histoalign.workflow import RunSettings

        if region and roi:
            raise HistoalignError("--region and --roi name two different places; give one of them.")
        settings = RunSettings(
            encoders=names(encoders),
            prompts=prompts_from(prompts, templates, organ),
            alignment=alignment_from(
                alignment,
                pooling=pooling,
                temperature=temperature,
                screening=screening,
                centring=centring,
                prior=prior,
                shares=shares,
            ),
            refinement=refinement_from(few_shot, transductive, smooth, calibrate, examples),
            mpp=mpp,
            tile=tile,
            stride=stride,
            views=names(views),
            batch=batch,
            threshold=threshold,
            tissue_threshold=tissue_threshold,
        )
        run_and_report(
            report,
            slides,
            out,
            settings,
            region=_rectangle(region),
            roi=roi,
            examples=examples,
            device=device.value,
            slide_mpp=slide_mpp,
        )


def run_and_report(
    report: Report,
    slides: list[Path],
    out: Path,
    settings: RunSettings,
    *,
    region: tuple[float, float, float, float] | None = None,
    roi: Path | None = None,
    examples: Path | None = None,
    device: str = "auto",
    slide_mpp: float | None = None,
) -> list[RunSummary]:
    """Run slides one after the other with a live bar; a slide that fails does not stop the others.

    Raises
    ------
    typer.Exit
        Status 1 when a slide failed; the others' results are written and reported.
    """
    from napari_histoalign.encoders import load_encoder
    from napari_histoalign.workflow import result_folders, run_slide

    folders = result_folders(slides, out)
    loaded = [load_encoder(name, device=device) for name in settings.encoders]
    notices = dict.fromkeys(encoder.spec.notice for encoder in loaded if encoder.spec.notice)
    for notice in notices:
        report.say(notice)
    summaries: list[RunSummary] = []
    failures: list[str] = []
    for slide, folder in zip(slides, folders, strict=True):
        try:
            with report.tiles(slide.name) as show:
                summary = run_slide(
                    slide,
                    folder,
                    settings,
                    loaded,
                    region=region,
                    roi=roi,
                    examples=examples,
                    slide_mpp=slide_mpp,
                    on_progress=show,
                )
        except HistoalignError as err:
            report.say(f"Error: {err}")
            failures.append(str(err))
        else:
            assert summary is not None  # nothing cancels a run here but Ctrl-C, which raises
            summaries.append(summary)
            if not report.as_json:
                report.table(summary)
    if report.as_json:
        done = {"slides": [summary.to_dict() for summary in summaries]}
        report.result({**done, "errors": failures} if failures else done)
    if failures:
        raise typer.Exit(1)
    return summaries


def _rectangle(text: str | None) -> tuple[float, float, float, float] | None:
    """``x,y,width,height`` as numbers."""
    if text is None:
        return None
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as err:
        raise HistoalignError(
            f"--region takes four numbers, x,y,width,height in level-0 pixels; got {text!r}."
        ) from err
    if not (width > 0 and height > 0):
        raise HistoalignError(f"The width and height of --region must be above 0; got {text!r}.")
    return x, y, width, height
