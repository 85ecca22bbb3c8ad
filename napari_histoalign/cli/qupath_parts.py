"""What the commands of `histoalign qupath` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from qupath_bridge.projects import Entry, Helper

ProjectOption = Annotated[Path, typer.Option("-p", "--project", help="The project's folder or file.")]
QuPathOption = Annotated[
    Path | None,
    typer.Option("--qupath", help="Folder of QuPath; else PAQUO_QUPATH_DIR, or where it is found."),
]
LimitOption = Annotated[float, typer.Option(help="Seconds that QuPath may take for one step.")]


def helper_of(qupath: Path | None, limit: float) -> Helper:
    """The process that runs QuPath, not started yet."""
    from qupath_bridge.projects import Helper, find_qupath

    return Helper(find_qupath(qupath), limit_s=limit)


def chosen_of(entries: Sequence[Entry], wanted: list[str] | None) -> list[Entry]:
    """The images that were named; all where none was.

    Raises
    ------
    HistoalignError
        There is none of such a name.
    """
    if not wanted:
        return list(entries)
    for name in wanted:
        if not any(name in (entry.name, entry.id) for entry in entries):
            raise HistoalignError(
                f"The project has no image {name}. It has: {', '.join(e.name for e in entries)}."
            )
    return [entry for entry in entries if entry.name in wanted or entry.id in wanted]
