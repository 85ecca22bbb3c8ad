"""Every key of the plugin in one table, for the help; pure data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_histoalign.plugin.marking_seams import ARTEFACT_KEY, CLEAR_KEY, MOST_KEYS, UNSURE_KEY

HELP_KEY = "F1"


@dataclass(frozen=True)
class KeyRow:
    """Keys that do something.

    Attributes
    ----------
    keys
        Each as Qt writes it ("Ctrl+Shift+Z"); they all do the same.
    what
        What they do.
    span
        Whether the two `keys` are the first and the last of a row.
    """

    keys: tuple[str, ...]
    what: str
    span: bool = False


@dataclass(frozen=True)
class KeyGroup:
    """Keys that work in the same place.

    Attributes
    ----------
    where
        The place, and when if not always.
    rows
        What they do.
    """

    where: str
    rows: tuple[KeyRow, ...]


@dataclass(frozen=True)
class KeyTable:
    """All groups, in the order in which they are shown."""

    groups: tuple[KeyGroup, ...] = ()

    def with_rows(self, where: str, *rows: KeyRow) -> KeyTable:
        """The table with more keys in a place, which is added where there is none of that name."""
        places = [group.where for group in self.groups]
        if where not in places:
            return KeyTable((*self.groups, KeyGroup(where, rows)))
        groups = list(self.groups)
        at = places.index(where)
        groups[at] = replace(groups[at], rows=(*groups[at].rows, *rows))
        return KeyTable(tuple(groups))


ANYWHERE = "Anywhere in the window"
CANVAS = "On the slide"
MARKING = "On the slide, while \u201cMark with keys\u201d is on"
DRAWING = "On the slide, while \u201cDraw areas\u201d is on"
REVIEWING = "On the slide, while reviewing"
PROMPTS = "In the prompts"
CLASSES = "In a class"
PICTURES = "On a picture of a tile"

KEYS = (
    KeyTable()
    .with_rows(
        ANYWHERE,
        KeyRow(("Ctrl+Return",), "Run on the tissue in view"),
        KeyRow(("Ctrl+Shift+R",), "Run on the selected shapes"),
        KeyRow(("Ctrl+Shift+F",), "Follow the view"),
        KeyRow((HELP_KEY,), "Show these keys"),
    )
    .with_rows(CANVAS, KeyRow(("I",), "Inspect the tile under the cursor"))
    .with_rows(
        MARKING,
        KeyRow(("1", str(MOST_KEYS)), "Mark as that class; hold and move for a stroke", span=True),
        KeyRow((UNSURE_KEY,), "Mark as unsure"),
        KeyRow((ARTEFACT_KEY,), "Mark as an artefact"),
        KeyRow((CLEAR_KEY,), "Take the mark off"),
        KeyRow(("Ctrl+Z",), "Undo"),
        KeyRow(("Ctrl+Shift+Z",), "Redo"),
    )
    .with_rows(
        DRAWING,
        KeyRow(("1", str(MOST_KEYS)), "Draw with that class", span=True),
        KeyRow((UNSURE_KEY,), "Draw with unsure"),
        KeyRow((ARTEFACT_KEY,), "Draw with artefact"),
        KeyRow(("Ctrl+Z",), "Undo"),
        KeyRow(("Ctrl+Shift+Z",), "Redo"),
    )
    .with_rows(
        REVIEWING,
        KeyRow(("A",), "Accept the region"),
        KeyRow(("R",), "Reject the region"),
        KeyRow(("D",), "Draw its outline anew"),
        KeyRow(("1", str(MOST_KEYS)), "Give it that class, or answer blinded", span=True),
        KeyRow((UNSURE_KEY,), "Answer unsure, blinded"),
        KeyRow((ARTEFACT_KEY,), "Answer artefact, blinded"),
        KeyRow(("N", "Right"), "Next"),
        KeyRow(("P", "Left"), "Previous"),
        KeyRow(("Ctrl+Z",), "Undo"),
        KeyRow(("Ctrl+Shift+Z",), "Redo"),
    )
    .with_rows(
        PROMPTS,
        KeyRow(("Alt+Up", "Alt+Down"), "Move the line up or down"),
        KeyRow(("Ctrl+D",), "Double the line"),
        KeyRow(("Ctrl+Z",), "Undo, also what was removed"),
        KeyRow(("Ctrl+Shift+Z", "Ctrl+Y"), "Redo"),
    )
    .with_rows(
        CLASSES,
        KeyRow(("Ctrl+Shift+Up", "Ctrl+Shift+Down"), "Move the class up or down"),
        KeyRow(("Ctrl+Shift+D",), "Duplicate the class"),
    )
    .with_rows(PICTURES, KeyRow(("Return", "Space"), "Go to the tile"))
)
"""The keys there are; a part that has others shows `KEYS.with_rows(...)`."""
