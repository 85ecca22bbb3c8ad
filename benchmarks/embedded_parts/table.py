"""Sections of the report: Markdown to read, plain values for JSON, and their place in a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from math import isfinite
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Table:
    """A caption, column heads and rows of text."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table with its caption above it; figures stand to the right."""
        lines = [list(self.head), ["---", *["---:"] * (len(self.head) - 1)], *map(list, self.rows)]
        return "\n".join([f"{self.caption}", "", *(f"| {' | '.join(line)} |" for line in lines)])


@dataclass(frozen=True)
class Section:
    """What one part found.

    Attributes
    ----------
    title
        Its heading.
    notes
        Paragraphs before the tables.
    tables
        What is printed.
    figures
        The same as plain values.
    """

    title: str
    notes: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        """Heading, notes and tables."""
        return "\n\n".join([f"### {self.title}", *self.notes, *(table.markdown() for table in self.tables)])


def plain(value: Any) -> Any:
    """Values that JSON can hold: data classes as mappings, what is not a number as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    return value


def with_measured(card: str, measured: str) -> str:
    """A model card's text with `measured` between its two marks.

    Raises
    ------
    ValueError
        If the card does not hold each mark once, in their order.
    """
    if card.count(BEGIN) != 1 or card.count(END) != 1 or card.index(BEGIN) > card.index(END):
        raise ValueError(f"the card must hold {BEGIN} and, after it, {END}, each once")
    before, rest = card.split(BEGIN)
    return f"{before}{BEGIN}\n{measured.strip()}\n{END}{rest.split(END)[1]}"


def replace_measured(path: Path, measured: str) -> None:
    """Write `measured` into a model card."""
    text = with_measured(path.read_text(encoding="utf-8"), measured)
    path.write_text(text, encoding="utf-8")
