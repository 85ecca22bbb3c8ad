"""What passes between marking and the box that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from napari_histoalign.results.review import ARTEFACT, UNSURE, Label

MOST_KEYS = 9
"""Classes that have a key."""
OTHER_COLORS = {"class": "#808080", "unsure": "#9b5de5", "artefact": "#606060"}
"""A class that the prompts do not have is grey."""
UNSURE_KEY, ARTEFACT_KEY, CLEAR_KEY = "U", "X", "Backspace"


@dataclass(frozen=True)
class LabelRow:
    """A label that can be given, and how often it was.

    Attributes
    ----------
    label
        A class, unsure, or artefact.
    key
        Key on the keyboard; empty if it has none.
    color
        ``#rrggbb``.
    count
        Tiles marked so.
    known
        Whether the prompts have this class; marks of one that is gone are kept.
    """

    label: Label
    key: str
    color: str
    count: int
    known: bool = True


class MarkView(Protocol):
    """What marking needs of its box."""

    def show_rows(self, rows: Sequence[LabelRow], chosen: Label | None) -> None:
        """Show the labels, their counts, and the one that is drawn with."""

    def show_modes(self, *, keys: bool, drawing: bool, examples: bool) -> None:
        """Show what is switched on."""

    def show_notes(self, sentences: Sequence[str]) -> None:
        """Say why marks are not used."""


def labels_of(class_names: Sequence[str]) -> dict[str, Label]:
    """The label of each key."""
    classes = {str(i): Label.of(name) for i, name in enumerate(class_names[:MOST_KEYS], start=1)}
    return {**classes, UNSURE_KEY: UNSURE, ARTEFACT_KEY: ARTEFACT}
