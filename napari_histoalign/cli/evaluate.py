"""`histoalign evaluate`: how good encoders and alignments are on labelled images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_histoalign.cli.method import Organ, Templates, prompts_from
from napari_histoalign.cli.report import KEPT, Report
from napari_histoalign.cli.run import Device, DeviceOption, JsonOption
from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from napari_histoalign.evaluation.outcome import Estimate, Outcome


def evaluate(
    dataset: Annotated[
        str,
        typer.Argument(help="breakhis, idc, nct-crc, pcam, bach, lc25000 or folder.", metavar="DATASET"),
    ],
    root: Annotated[Path, typer.Argument(help="Where its images are, or a table of them.", metavar="ROOT")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the report.")],
    encoders: Annotated[
        str, typer.Option(help="One or two encoders, separated by a comma, the pathology one first.")
    ] = "demo-path,demo-general",
    prompts: Annotated[
        str | None, typer.Option(help="Name of a prompt set, or a YAML file; by default the data set's own.")
    ] = None,
    templates: Templates = None,
    organ: Organ = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Every row: HistoAlign's table, ours, transductive, few-shot.")
    ] = False,
    protocol: Annotated[
        str, typer.Option(help="own, or seed: HistoAlign's prompts, views, softmax and balanced subset.")
    ] = "own",
    views: Annotated[str | None, typer.Option(help="Views of an image, in place of the protocol's.")] = None,
    scale: Annotated[
        str, typer.Option(help="native, or matched: bring images to the encoder's micrometre per pixel.")
    ] = "native",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option of the data set: classes=subtypes, magnifications=40X,100X."),
    ] = None,
    shots: Annotated[int, typer.Option(help="Labelled images a class and fold in few-shot rows.", min=0)] = 8,
    replicates: Annotated[int, typer.Option(help="Draws of the bootstrap.", min=100)] = 2000,
    seed: Annotated[int, typer.Option(help="Of draws, folds and examples.")] = 0,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Read every image and look for identical files.")
    ] = True,
    leave_out_leaks: Annotated[
        bool,
        typer.Option(
            "--leave-out-leaks",
            help="Leave out copies of images, and learn from no patient whom the same fold judges.",
        ),
    ] = False,
    examples: Annotated[
        bool, typer.Option("--examples/--no-examples", help="Show images of the data set in the report.")
    ] = True,
    note: Annotated[
        list[str] | None,
        typer.Option(help="A sentence for the top of the report: what these figures are not."),
    ] = None,
    device: DeviceOption = Device.auto,
    batch: Annotated[int, typer.Option(help="Images a step.", min=1)] = 32,
    as_json: JsonOption = False,
) -> None:
    """Evaluate encoders and alignments on labelled images; write a report, tables and every answer.

    Embeddings are kept, so that a second evaluation of the same images takes seconds.
    """
    report = Report(as_json)
    with report.errors(KEPT):
        from napari_histoalign.encoders import load_encoder
        from napari_histoalign.evaluation.checked import kept_check
        from napari_histoalign.evaluation.datasets import open_dataset
        from napari_histoalign.evaluation.evaluate import evaluate as run
        from napari_histoalign.evaluation.plan import Plan
        from napari_histoalign.evaluation.protocols import PROTOCOLS
        from napari_histoalign.evaluation.report import write_report

        plan = Plan(
            protocol=protocol,
            views=None if views is None else tuple(v.strip() for v in views.split(",")),
            scale=scale,
            ablation=ablation,
            shots=shots,
            replicates=replicates,
            seed=seed,
            batch=batch,
            examples=examples,
            leave_out_leaks=leave_out_leaks,
        )
        if leave_out_leaks and not check:
            raise HistoalignError("Leaks are found by reading every image: leave --no-check out.")
        names = [name.strip() for name in encoders.split(",") if name.strip()]
        if not 1 <= len(names) <= 2:
            raise HistoalignError(f"Choose one or two encoders; got {len(names)}.")
        image_set = open_dataset(dataset, root, **_options(option or []))
        image_set = replace(image_set, notes=(*(note or ()), *image_set.notes))
        chosen = prompts or PROTOCOLS[protocol].prompts or image_set.prompts
        if not chosen:
            raise HistoalignError(f"No prompt set suits {image_set.name}: give one with --prompts.")
        wanted = prompts_from(chosen, templates, organ)
        found = None
        if check:
            with report.steps("Checking images") as step:
                found = kept_check(image_set, step)
        loaded = [load_encoder(name, device=device.value) for name in names]
        with report.steps("Embedding images") as step:
            outcome = run(image_set, loaded, wanted, plan, check=found, on_progress=step)
        files = write_report(outcome, out)
        if as_json:
            report.result(_plain(outcome, files))
        else:
            _print(outcome, files)


def _options(given: list[str]) -> dict[str, Any]:
    """Options of a data set from NAME=VALUE; numbers as numbers, lists by commas."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise HistoalignError(f"--set takes NAME=VALUE; got {text!r}.")
        key, parts = name.strip().replace("-", "_"), [part.strip() for part in value.split(",")]
        found[key] = parts if len(parts) > 1 else int(value) if value.strip().isdecimal() else value.strip()
    return found


def _plain(outcome: Outcome, files: dict[str, Path]) -> dict[str, Any]:
    from napari_histoalign.evaluation.outcome import ALL

    def number(value: float) -> float | None:
        return value if value == value else None

    return {
        "dataset": dict(outcome.dataset),
        "rows": [
            {
                "key": row.key,
                "title": row.title,
                "kind": row.kind,
                "measures": {
                    name: [number(e.value), number(e.low), number(e.high)]
                    for name, e in row.slices[ALL].measures.items()
                },
                "comparisons": [
                    {"measure": c.measure, "against": c.against, "difference": number(c.difference)}
                    | {"low": number(c.low), "high": number(c.high), "p_corrected": c.p_corrected}
                    for c in row.comparisons
                ],
            }
            for row in outcome.rows
        ],
        "problems": len(outcome.problems),
        "notes": list(outcome.notes),
        "files": {name: str(path) for name, path in files.items()},
    }


def _figure(found: Estimate) -> str:
    """A figure with its interval, where there is one; a dash where there is none."""
    if found.value != found.value:
        return "-"
    return f"{found.value:.3f}" + (
        "" if found.low != found.low else f" ({found.low:.3f} to {found.high:.3f})"
    )


def _print(outcome: Outcome, files: dict[str, Path]) -> None:
    """One line a row, with the two measures that a person asks for first."""
    from rich.console import Console
    from rich.table import Table

    from napari_histoalign.evaluation.outcome import ALL

    console = Console()
    table = Table(title=outcome.title, title_justify="left", header_style="bold")
    table.add_column("configuration")
    for heading in ("balanced accuracy", "AUROC"):
        table.add_column(heading, justify="right", no_wrap=True)
    group = ""
    for row in outcome.rows:
        if row.group != group:
            group = row.group
            table.add_section()
            table.add_row(f"[bold]{group}[/bold]")
        measures = row.slices[ALL].measures
        cells = [measures["balanced accuracy"], measures["AUROC"]]
        table.add_row(row.title, *map(_figure, cells))
    console.print(table)
    for problem in outcome.problems[:10]:
        console.print(f"{problem.name}: {problem.what}", markup=False, soft_wrap=True)
    if len(outcome.problems) > 10:
        console.print(f"and {len(outcome.problems) - 10} more; see the report.")
    console.print(f"Report: {files['report.html']}", markup=False, soft_wrap=True)
