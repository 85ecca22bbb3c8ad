"""Tables for a paper: LaTeX with booktabs, to be read with an input command."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from napari_histoalign.evaluation.outcome import ALL
from napari_histoalign.evaluation.report import naming, texts
from napari_histoalign.evaluation.report.layout import Block, Cell, blocks, class_figure, is_marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_histoalign.evaluation.outcome import Outcome, Row

WIDE = 2
"""Up to so many classes their own measures stand beside the others; more get tables of their own."""
PREAMBLE = (
    "% Needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc};\n"
    "% names beyond Latin letters need XeLaTeX or LuaLaTeX.\n"
    f"% {texts.NOTICE}\n"
)
CAPTION = (
    "Below each figure its 95\\,\\% interval, a bootstrap over patients. Bold: best of its kind and outside "
    "the interval of the next best."
)
MARK = (
    r"$^\dagger$: in more than 1\,\% of the draws the figure has no value, for want of a class; they are "
    "left out of its interval."
)
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after the end of a line, [ and * would be read as its options
    "]": "{]}",
    "*": "{*}",
    "-": "{-}",  # two or three in a row would become a dash
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\le$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\ge$",
    "\N{MICRO SIGN}": r"$\mu$",
    "\N{GREEK SMALL LETTER MU}": r"$\mu$",
    "\N{GREEK SMALL LETTER ALPHA}": r"$\alpha$",
    "\N{GREEK SMALL LETTER BETA}": r"$\beta$",
    "\N{GREEK SMALL LETTER LAMDA}": r"$\lambda$",
    "\N{GREEK SMALL LETTER TAU}": r"$\tau$",
}


def escaped(text: str) -> str:
    """Text on one line that LaTeX prints as it is."""
    line = texts.one_line(text)
    lone = re.sub(r"(?<!-)-(?!-)", "\0", line)  # one hyphen needs no help
    return "".join(_SPECIAL.get(letter, letter) for letter in lone).replace("\0", "-")


def tables(outcome: Outcome) -> str:
    """All tables: the ablation for each slice, the classes where they are many, the magnifications."""
    parts = [PREAMBLE + f"% {texts.one_line(outcome.title)}\n"]
    for number, name in enumerate(naming.slices_in_order(outcome), 1):
        parts += _ablation(outcome, name, number)
    if len(outcome.slices) > 1:
        parts += _magnifications(outcome)
    return "\n".join(parts)


def _ablation(outcome: Outcome, slice_name: str, number: int) -> Iterator[str]:
    """Configurations down; measures across, then precision, recall and F1 of each class."""
    measures = naming.chosen(naming.TABLE_MEASURES, naming.all_measures(outcome.rows))
    beside = outcome.class_names if len(outcome.class_names) <= WIDE else ()
    caption = f"{escaped(outcome.title)}: {escaped(naming.slice_heading(outcome, slice_name))}."
    names = [part[0] for part in naming.CLASS_MEASURES]
    columns = len(measures) + len(names) * len(beside)
    head = [escaped(naming.heading(m)) for m in measures] + [naming.heading(n) for n in names] * len(beside)
    above, rules = [], []
    for i, name in enumerate(beside):
        first = len(measures) + 2 + i * len(names)
        above.append(rf"\multicolumn{{{len(names)}}}{{c}}{{{escaped(name)}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{first + len(names) - 1}}}")
    top = [" & ".join(["", *[""] * len(measures), *above]) + r" \\", "".join(rules)] if beside else []

    def figures(row: Row) -> list[str]:
        result = row.slices.get(slice_name)
        return [_bare(class_figure(result, name, measure)) for name in beside for measure in names]

    body = _body(outcome, [(slice_name, m) for m in measures], columns, figures)
    yield _table(f"ablation-{number}", f"{caption} {CAPTION}", columns, [*top, _heads(head)], body)
    if not beside:
        for measure in names:
            yield _class_table(outcome, slice_name, measure, number)


def _class_table(outcome: Outcome, slice_name: str, measure: str, number: int) -> str:
    """One measure of each class: configurations down, classes across."""

    def figures(row: Row) -> list[str]:
        result = row.slices.get(slice_name)
        return [_bare(class_figure(result, name, measure)) for name in outcome.class_names]

    columns = len(outcome.class_names)
    caption = (
        f"{naming.heading(measure)} of each class: {escaped(naming.slice_heading(outcome, slice_name))}."
    )
    heads = _heads([escaped(name) for name in outcome.class_names])
    return _table(f"{measure}-{number}", caption, columns, [heads], _body(outcome, [], columns, figures))


def _magnifications(outcome: Outcome) -> Iterator[str]:
    """Configurations down and magnifications across, in per cent, as papers on BreakHis print them."""
    there = naming.all_measures(outcome.rows)
    columns = [*(name for name in outcome.slices if name != ALL), ALL]
    heads = _heads([*(escaped(name) for name in columns[:-1]), "Mean"])
    for measure in naming.chosen(naming.MAGNIFICATION_MEASURES, there):
        body = _body(outcome, [(name, measure) for name in columns], len(columns), None, percent=True)
        caption = f"{escaped(naming.heading(measure))} in per cent at each magnification. {CAPTION}"
        label = f"magnifications-{naming.plain_name(measure)}"
        yield _table(label, caption, len(columns), [heads], body)


def _body(
    outcome: Outcome,
    columns: Sequence[tuple[str, str]],
    width: int,
    more: Callable[[Row], list[str]] | None = None,
    *,
    percent: bool = False,
) -> list[str]:
    """Lines of a table: a heading for each group of each kind, then each row and its intervals."""
    lines: list[str] = []
    for kind, rows in naming.kinds(outcome):
        for block in blocks(rows, columns):
            lines += _block(block, kind, width, more, 100.0 if percent else 1.0)
    return lines


def _block(
    block: Block, kind: str, width: int, more: Callable[[Row], list[str]] | None, factor: float
) -> list[str]:
    title = escaped(naming.group_title(block.heading, kind))
    lines = [r"\midrule", rf"\multicolumn{{{width + 1}}}{{@{{}}l@{{}}}}{{\textit{{{title}}}}} \\"]
    for line in block.lines:
        extra = [] if more is None else more(line.row)
        figures = [_figure(cell, factor) for cell in line.cells]
        lines.append(" & ".join([escaped(line.row.title), *figures, *extra]) + r" \\")
        below = [_interval(cell, factor) for cell in line.cells]
        if any(below):
            lines.append(" & ".join(["", *below, *[""] * len(extra)]) + r" \\")
    return lines


def _figure(cell: Cell, factor: float) -> str:
    text = _bare(cell.estimate.value, factor)
    if is_marked(cell.estimate) and not math.isnan(cell.estimate.value):
        text += r"$^\dagger$"
    return rf"\textbf{{{text}}}" if cell.bold else text


def _bare(value: float, factor: float = 1.0) -> str:
    if math.isnan(value):
        return "--"
    return texts.number(value * factor, 3 if factor == 1 else 1).replace(texts.MINUS, "$-$")


def _interval(cell: Cell, factor: float) -> str:
    e = cell.estimate
    found = texts.interval(e.low * factor, e.high * factor, 3 if factor == 1 else 1)
    return rf"{{\tiny {found.replace(texts.MINUS, '$-$')}}}" if found else ""


def _heads(names: Sequence[str]) -> str:
    return " & ".join(["Configuration", *names]) + r" \\"


def _table(label: str, caption: str, columns: int, head: Sequence[str], body: Sequence[str]) -> str:
    if any(r"$^\dagger$" in line for line in body):
        caption = f"{caption} {MARK}"
    lines = [
        r"\begin{table*}[tbp]",
        r"\centering\scriptsize",
        r"\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{@{{}}l*{{{columns}}}{{c}}@{{}}}}",
        r"\toprule",
        *head,
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(line for line in lines if line) + "\n"
