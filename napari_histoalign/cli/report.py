"""What the command line says: progress and log to stderr, the result to stdout."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from napari_histoalign.engine import duration
from napari_histoalign.errors import HistoalignError
from napari_histoalign.files import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from napari_histoalign.engine import Progress
    from napari_histoalign.workflow import RunSummary

KEPT = "Stopped. What was embedded is kept; the same command goes on from there."
"""What is said when embedding was stopped."""
STOPPED = 130
"""Exit status after Ctrl-C, as shells have it: 128 + SIGINT."""


class Report:
    """Speaks to a person, or to a program when `as_json` is set.

    Parameters
    ----------
    as_json
        Write one JSON object to stdout instead of tables. Progress goes to stderr either way.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    @contextmanager
    def errors(self, stopped: str = "Stopped.") -> Iterator[None]:
        """Turn errors meant for the person into a sentence and exit status 1, Ctrl-C into 130.

        `stopped` is what is said after Ctrl-C.
        """
        try:
            yield
        except HistoalignError as err:
            self.failure(str(err))
            raise typer.Exit(1) from err
        except KeyboardInterrupt as err:
            self.failure(stopped)
            raise typer.Exit(STOPPED) from err

    def failure(self, sentence: str) -> None:
        """Say what went wrong."""
        self.say(f"Error: {sentence}" if not sentence.startswith("Stopped") else sentence)
        if self.as_json:
            self.result({"error": sentence})

    def say(self, sentence: str) -> None:
        """Write a line to stderr."""
        print(printable(sentence), file=sys.stderr, flush=True)

    def result(self, value: dict[str, Any]) -> None:
        """Write a result as JSON to stdout."""
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
        if not text.replace("\n", "").isprintable():  # names of files may hold what cannot be written
            text = json.dumps(value, indent=2, allow_nan=False)
        print(text, flush=True)

    @contextmanager
    def steps(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """A bar for a task that tells its steps; yields what is called with those done and all."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=_stderr(), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    @contextmanager
    def tiles(self, title: str) -> Iterator[Callable[[Progress], None]]:
        """A live bar with tiles, tiles/s and time left; yields what is called after each batch."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("tiles  {task.fields[rate]}  {task.fields[left]}"),
        )
        with Bar(*columns, console=_stderr(), transient=True) as bar:
            task = bar.add_task(title, total=None, rate="", left="")

            def show(progress: Progress) -> None:
                known = progress.tiles_per_second > 0
                bar.update(
                    task,
                    total=progress.total,
                    completed=progress.done + progress.unread,
                    rate=f"{progress.tiles_per_second:.0f} tiles/s" if known else "",
                    left=f"{duration(progress.seconds_left)} left" if known else "",
                )

            yield show

    def table(self, summary: RunSummary) -> None:
        """Write the result of a finished slide as a short table to stdout."""
        from rich.console import Console
        from rich.table import Table

        console = Console()
        refined = f", refined ({', '.join(summary.steps)})" if summary.steps else ""
        title = f"{summary.slide.name}{refined}"
        table = Table(title=title, title_justify="left", header_style="bold")
        table.add_column("class")
        for heading in ("tiles", "area", "regions"):
            table.add_column(heading, justify="right")
        for row in summary.classes:
            area = "no physical size" if row.area_mm2 is None else f"{row.area_mm2:.3f} mm²"
            table.add_row(row.name, str(row.tiles), area, "-" if row.regions is None else str(row.regions))
        console.print(table)
        share = "" if summary.tissue_share is None else f", tissue {summary.tissue_share:.0%} of the slide"
        speed = f", {summary.tiles_per_second:.0f} tiles/s" if summary.tiles_per_second else ""
        plural = "tile" if summary.tiles == 1 else "tiles"
        console.print(
            f"{summary.tiles} {plural} ({summary.reused} embedded before){share}{speed}, "
            f"{duration(summary.seconds)} in all"
        )
        if line := _whole_slide(summary.whole_slide):
            console.print(line)
        for note in summary.notes:
            console.print(f"Note: {note}")
        console.print(f"Results: {summary.folder}", soft_wrap=True)
        if summary.refined is not None:
            self.table(summary.refined)


def _whole_slide(found: Mapping[str, Any]) -> str:
    """What the tiles say together, in a line."""
    if not found:
        return ""
    best = [max(found[how]["probabilities"].items(), key=lambda pair: pair[1]) for how in ("mean", "top_j")]
    (mean, p), (top, q) = best
    by_top = f"by the top {found['top_j']['tiles']} tiles"
    said = f"Whole slide: {mean} ({p:.2f}) by the mean, {top} ({q:.2f}) {by_top}"
    share = found["tumour_share"]
    return said if share is None else f"{said}; lesion in {share['share']:.0%} of the tissue's tiles"


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True)
