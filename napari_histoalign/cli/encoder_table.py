"""The table of `histoalign encoders list`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_histoalign.files import in_bytes, printable

if TYPE_CHECKING:
    from napari_histoalign.encoders import Listing


def print_list(rows: Sequence[Listing], where: str, *, known: bool = True) -> None:
    """Write one line an encoder; what keeps one that is here from working stands below, in full.

    Parameters
    ----------
    rows
        The encoders.
    where
        The last line: where they are kept, or why that cannot be told.
    known
        Whether it can be told which of them are here.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def plain(text: str) -> Text:
        return Text(printable(text))  # names and paths are other people's: no markup in them is meant

    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("name", overflow="fold", min_width=18, max_width=24)
    table.add_column("role", no_wrap=True, min_width=9)
    table.add_column("licence", no_wrap=True, overflow="ellipsis", max_width=18)
    table.add_column("size", justify="right", no_wrap=True, min_width=6)
    table.add_column("state", no_wrap=True, min_width=15)
    for row in rows:
        spec = row.spec
        table.add_row(plain(spec.name), spec.role, plain(spec.licence), _size(row.size), _state(row, known))
    console = Console()
    console.print(table)
    for row in rows:
        if row.here and row.problem:
            console.print(plain(f"{row.spec.name}: {row.problem.removesuffix('.')}."), soft_wrap=True)
    if known and any(not row.here for row in rows):
        console.print(
            "download: histoalign encoders download NAME (gated: ask its publisher for access first)\n"
            "by hand: get the files from its page (--json tells which), "
            "then histoalign encoders add NAME --path FOLDER",
            soft_wrap=True,
        )
    console.print(plain(where), soft_wrap=True)


def _state(row: Listing, known: bool) -> str:
    """Two words on whether an encoder can be used, or how it gets here."""
    spec = row.spec
    if row.here:
        return "cannot be used" if row.problem else "demonstration" if spec.demo else "ready"
    if not known:
        return "cannot be told"
    if not spec.downloadable:
        return "by hand"
    return "download, gated" if spec.gated else "download"


def _size(size: int) -> str:
    return in_bytes(size) if size else "?"
