"""`histoalign run`: score slides and write their results."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    prompts: Annotated[str, typer.Option(help="Name of a shipped prompt set, or a YAML file.")] = "breast",
    encoders: Annotated[
        str, typer.Option(help="One or two encoders, separated by a comma, the pathology one first.")
    ] = "demo-path,demo-general",
    alignment: Annotated[
        str, typer.Option(help="one-to-one, cross-pair, joint-fusion, mean-fusion or many-to-many.")
    ] = "many-to-many",
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
        str, typer.Option(help="Views of each tile: full, hflip, vflip, rot90, rot180, rot270, centre.")
    ] = "full,hflip",
    as_json: JsonOption = False,
) -> None:
    """Score slides; write tiles, probabilities, regions, an overlay and the provenance of each."""
    report = Report(as_json)
    with report.errors(KEPT):
        from napari_histoalign.alignment import Alignment, PromptSet
        from napari_histoalign.workflow import RunSettings

        if region and roi:
            raise HistoalignError("--region and --roi name two different places; give one of them.")
        settings = RunSettings(
            encoders=_names(encoders),
            prompts=PromptSet.load(prompts),
            alignment=Alignment(alignment),
            mpp=mpp,
            tile=tile,
            stride=stride,
            views=_names(views),
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


def _names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


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
