"""What measures are called, which way they point, and which of them go into which table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_histoalign.evaluation.outcome import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_histoalign.evaluation.outcome import Outcome, Row

KINDS = {
    "inductive": (
        "Inductive",
        "No answer depends on what other images were taken for.",
    ),
    "transductive": (
        "Transductive",
        "All images, without their labels, were looked at together before any was judged.",
    ),
    "few-shot": (
        "Few-shot",
        "Some images were given with their labels; a row is judged by others only.",
    ),
}
"""Heading and meaning of each kind of row, in the order of the report."""
TABLE_MEASURES = (
    ("accuracy",),
    ("balancedaccuracy",),
    ("macroprecision", "precision"),
    ("macrorecall", "recall"),
    ("macrof1", "f1"),
    ("auroc", "macroauroc", "auc"),
)
"""Columns of the ablation table, each by the first of its names that is there."""
MAGNIFICATION_MEASURES = (
    ("accuracy",),
    ("patientrecognitionrate", "recognitionrate", "patientaccuracy"),
    ("balancedaccuracy",),
    ("auroc", "macroauroc", "auc"),
)
"""One table of magnifications each."""
CLASS_MEASURES = (("precision",), ("recall",), ("f1",))
_UPPER = {"auroc", "auprc", "auc", "f1", "ece", "mcc", "nll", "ap", "roc"}
_ERRORS = ("calibrationerror", "brier", "logloss", "likelihood", "crossentropy", "errorrate")


def plain_name(name: str) -> str:
    """Letters and digits alone, small: "Balanced accuracy" and "balanced_accuracy" are the same."""
    return re.sub("[^a-z0-9]", "", name.lower())


def heading(name: str) -> str:
    """A measure's name for people: "balanced_accuracy" is "Balanced accuracy", "auroc" is "AUROC"."""
    words = [word.upper() if word.lower() in _UPPER else word for word in re.split(r"[_\s]+", name) if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def less_is_better(name: str) -> bool:
    """Whether a measure is an error."""
    plain = plain_name(name)
    return plain.endswith(("ece", "nll")) or any(part in plain for part in _ERRORS)


def all_measures(rows: Iterable[Row]) -> tuple[str, ...]:
    """Every measure of any row, in the order in which they come first."""
    return tuple(
        dict.fromkeys(name for row in rows for result in row.slices.values() for name in result.measures)
    )


def chosen(wanted: Iterable[Sequence[str]], there: Iterable[str]) -> tuple[str, ...]:
    """Those names of `there` that are wanted, each by the first of its names that is found."""
    by_plain = {plain_name(name): name for name in there}
    found = (next((by_plain[plain] for plain in names if plain in by_plain), None) for names in wanted)
    return tuple(name for name in found if name is not None)


def compared_by(outcome: Outcome) -> tuple[str, ...]:
    """Measures that rows are compared by, in their order.

    The row that is best by one of them is not compared by it: the order is that of a row with the most.
    """
    most_first = sorted((row.comparisons for row in outcome.rows), key=len, reverse=True)
    return tuple(dict.fromkeys(c.measure for found in most_first for c in found))


def main_measure(outcome: Outcome) -> str | None:
    """The first measure that rows are compared by; else balanced accuracy, else the first there is."""
    there = all_measures(outcome.rows)
    wanted = [(plain_name(name),) for name in compared_by(outcome)] + [("balancedaccuracy",), ("accuracy",)]
    return next(iter((*chosen(wanted, there), *there)), None)


def kinds(outcome: Outcome) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    """The rows of each kind: known kinds first, in their order."""
    order = dict.fromkeys([*KINDS, *(row.kind for row in outcome.rows)])
    found = ((kind, tuple(row for row in outcome.rows if row.kind == kind)) for kind in order)
    return tuple((kind, rows) for kind, rows in found if rows)


def groups(rows: Iterable[Row]) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    """The rows under each heading, in the order in which headings come first."""
    rows = tuple(rows)
    order = dict.fromkeys(row.group for row in rows)
    return tuple((group, tuple(row for row in rows if row.group == group)) for group in order)


def group_title(group: str, kind: str) -> str:
    """A heading with its kind, unless it says so itself."""
    return group if kind.lower() in group.lower() else f"{group} ({kind})"


def slices_in_order(outcome: Outcome) -> tuple[str, ...]:
    """Slices, `ALL` first: it is what a reader looks for."""
    return tuple(sorted(outcome.slices, key=lambda name: name != ALL))


def slice_heading(outcome: Outcome, name: str) -> str:
    """A slice for people: what "all" is depends on whether there are magnifications."""
    if name != ALL:
        return name
    return "All images" if len(outcome.slices) == 1 else "Mean over magnifications"
