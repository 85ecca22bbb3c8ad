"""LaTeX tables: whole, escaped, and with the right figures."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from an_outcome import MAGNIFICATIONS, an_outcome
from hypothesis import given
from hypothesis import strategies as st

from napari_histoalign.evaluation.outcome import ALL
from napari_histoalign.evaluation.report.latex import escaped, tables

BAD = r"\end{table} 50% & $x$ #1 _a_ ~ ^ [x] *"
EIGHT = ("adenosis", "fibroadenoma", "phyllodes", "tubular", "ductal", "lobular", "mucinous", "papillary")


def bodies(source: str) -> list[tuple[str, int, list[list[str]]]]:
    """Caption, columns and cells of each table; the cells of lines that have all columns."""
    found = []
    for table in re.findall(r"\\begin\{table\*\}.*?\\end\{table\*\}", source, re.S):
        caption = re.search(r"\\caption\{(.*)\}", table)
        columns = re.search(r"\\begin\{tabular\}\{@\{\}l\*\{(\d+)\}\{c\}@\{\}\}", table)
        assert caption
        assert columns
        lines = [line[:-3] for line in table.splitlines() if line.endswith(r" \\")]
        cells = [re.split(r"(?<!\\)&", line) for line in lines]
        found.append((caption[1], int(columns[1]), [[c.strip() for c in line] for line in cells]))
    return found


def is_balanced(text: str) -> bool:
    depth = 0
    for letter in re.findall(r"\\.|[{}]", text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize("classes", [("benign", "malignant"), EIGHT])
@pytest.mark.parametrize("magnifications", [MAGNIFICATIONS, ()])
@pytest.mark.parametrize("bad", ["", BAD])
def test_environments_braces_and_columns_are_balanced(
    classes: tuple[str, ...], magnifications: tuple[str, ...], bad: str
) -> None:
    source = tables(an_outcome(images=60, classes=classes, magnifications=magnifications, bad=bad))
    source = re.sub("^%.*$", "", source, flags=re.M)  # the title among them, on one line
    stack: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{([a-z]+\*?)\}", source):
        if what == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name

    assert stack == []
    assert is_balanced(source)
    for _, columns, lines in bodies(source):
        for line in lines:
            spans = [int(n) for cell in line for n in re.findall(r"\\multicolumn\{(\d+)\}", cell)]
            assert len(line) - len(spans) + sum(spans) == columns + 1


def test_ablation_holds_measures_with_intervals_and_classes() -> None:
    outcome = an_outcome()
    row = outcome.rows[0]
    result = row.slices[ALL]

    _, columns, lines = bodies(tables(outcome))[0]
    at = next(i for i, line in enumerate(lines) if line[0] == escaped(row.title))

    assert columns == 6 + 2 * 3
    assert lines[1] == [
        "Configuration",
        "Accuracy",
        "Balanced accuracy",
        "Precision",
        "Recall",
        "F1",
        "AUROC",
        *["Precision", "Recall", "F1"] * 2,
    ]
    accuracy = result.measures["accuracy"]
    assert lines[at][1] == f"{accuracy.value:.3f}"
    assert lines[at + 1][1] == rf"{{\tiny [{accuracy.low:.3f}, {accuracy.high:.3f}]}}"
    assert lines[at][6] == "--"
    assert lines[at][7:] == [
        f"{result.per_class[name][measure]:.3f}"
        for name in outcome.class_names
        for measure in ("precision", "recall", "f1")
    ]


def test_there_is_an_ablation_for_each_slice_and_a_table_of_magnifications_for_each_measure() -> None:
    captions = [caption for caption, _, _ in bodies(tables(an_outcome()))]

    assert [caption.split(".")[0] for caption in captions] == [
        "Benign or malignant: Mean over magnifications",
        *(f"Benign or malignant: {name}" for name in MAGNIFICATIONS),
        "Accuracy in per cent at each magnification",
        "Balanced accuracy in per cent at each magnification",
        "AUROC in per cent at each magnification",
    ]


def test_magnifications_stand_across_in_per_cent() -> None:
    outcome = an_outcome()
    row = outcome.rows[5]

    _, _, lines = next(body for body in bodies(tables(outcome)) if body[0].startswith("Balanced accuracy"))
    line = next(line for line in lines if line[0] == escaped(row.title))

    assert lines[0] == ["Configuration", *MAGNIFICATIONS, "Mean"]
    values = [row.slices[name].measures["balanced_accuracy"].value for name in outcome.slices]
    assert [re.sub(r"\\textbf\{(.*)\}", r"\1", cell) for cell in line[1:]] == [
        f"{100 * v:.1f}" for v in values
    ]


def test_many_classes_have_tables_of_their_own() -> None:
    outcome = an_outcome(classes=EIGHT, magnifications=())

    found = bodies(tables(outcome))
    _, columns, lines = found[1]

    assert [caption.split(".")[0] for caption, _, _ in found[1:]] == [
        f"{name} of each class: All images" for name in ("Precision", "Recall", "F1")
    ]
    assert columns == 8
    expected = [f"{outcome.rows[0].slices[ALL].per_class[name]['precision']:.3f}" for name in EIGHT]
    assert next(line for line in lines if line[0] == escaped(outcome.rows[0].title))[1:] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b & 5% of $1 #2", r"a\_b \& 5\% of \$1 \#2"),
        ("[x] *", "{[}x{]} {*}"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("M-to-M -- x", "M-to-M {-}{-} x"),
        ("one\n\ntwo", "one two"),
        (
            "\N{GREEK SMALL LETTER LAMDA} \N{LESS-THAN OR EQUAL TO} 1 \N{MICRO SIGN}m",
            r"$\lambda$ $\le$ 1 $\mu$m",
        ),
        ("Stroma, übrig", "Stroma, übrig"),
    ],
)
def test_escaping(text: str, expected: str) -> None:
    assert escaped(text) == expected


@given(st.text(max_size=60))
def test_no_text_breaks_out_of_its_cell(text: str) -> None:
    found = escaped(text)

    assert is_balanced(found)
    assert "\n" not in found
    assert not re.search(r"(?<!\\)[&%#_~^]", re.sub(r"\\\\", "", found))
    assert found.replace(r"\$", "").count("$") % 2 == 0


def test_figures_whose_intervals_leave_draws_out_are_marked_and_explained() -> None:
    outcome = an_outcome(rows=2, magnifications=())
    first = outcome.rows[0]
    few = replace(first.slices[ALL].measures["accuracy"], undefined=0.02)
    measures = {**first.slices[ALL].measures, "accuracy": few}
    marked = replace(first, slices={ALL: replace(first.slices[ALL], measures=measures)})

    caption, _, lines = bodies(tables(replace(outcome, rows=(marked, outcome.rows[1]))))[0]
    plain, _, _ = bodies(tables(outcome))[0]

    at = next(line for line in lines if line[0] == escaped(first.title))
    assert at[1] == rf"{few.value:.3f}$^\dagger$"
    assert not any(r"\dagger" in cell for cell in at[2:])
    assert r"$^\dagger$: in more than 1\,\% of the draws" in caption
    assert "dagger" not in plain
