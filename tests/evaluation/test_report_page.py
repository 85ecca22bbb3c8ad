"""The page: figures, names that are not to be trusted, nothing from outside."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from a_page import Page
from an_outcome import an_outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_histoalign.evaluation.outcome import ALL, Estimate
from napari_histoalign.evaluation.report.page import page
from napari_histoalign.evaluation.report.texts import DASH, NOTICE, shown

BAD = "<script>alert(1)</script>\"'&</style><img src=x onerror=alert(1)>{{7*7}}"
EIGHT = ("adenosis", "fibroadenoma", "phyllodes", "tubular", "ductal", "lobular", "mucinous", "papillary")


@pytest.fixture(scope="module")
def two() -> Page:
    return Page(page(an_outcome()))


def test_page_holds_the_figures_with_their_intervals(two: Page) -> None:
    outcome = an_outcome()

    for row in outcome.rows:
        found = two.line(two.table_of("Balanced accuracy", row.title), row.title)
        for i, estimate in enumerate(row.slices[ALL].measures.values(), 1):
            if math.isnan(estimate.value):
                expected = DASH
            elif math.isnan(estimate.low):
                expected = f"{estimate.value:.3f}"
            else:
                expected = f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
                expected += "†" if estimate.undefined > 0.01 else ""
            assert found[i] == expected.replace("-", "\N{MINUS SIGN}")


def test_differences_have_a_table_for_each_measure(two: Page) -> None:
    outcome = an_outcome()
    compared, best = outcome.rows[4], outcome.rows[3]
    c, in_ranks = compared.comparisons

    first, second = (i for i, t in enumerate(two.tables) if t[0][-1] == "p, corrected")
    found = two.line(first, compared.title)

    assert found[1:] == [f"+{c.difference:.3f} [{c.low:.3f}, {c.high:.3f}]", "0.011", "0.044"]
    # another measure, another family, another best one
    assert in_ranks.measure == "auprc"
    for row in (compared, best):
        assert two.line(second, row.title)[1:] == ["+0.250 [0.125, 0.375]†", "0.001", "0.013"]
    assert not any(best.title in line[0] for line in two.tables[first])
    assert f"Balanced accuracy, less that of {best.title}" in two.text
    assert f"AUPRC, less that of {outcome.rows[1].title}" in two.text
    assert [line[0] for line in two.tables[second] if len(line) == 1] == [
        "Inductive", "Transductive", "Few-shot"
    ]  # fmt: skip
    alone = replace(outcome, rows=tuple(replace(r, comparisons=()) for r in outcome.rows))
    assert "Differences" not in Page(page(alone)).text


def test_intervals_that_leave_draws_out_are_marked_and_say_how_many(two: Page) -> None:
    shares = [attributes["title"] for tag, attributes in two.tags if tag == "sup"]

    assert shares.count("No value in 25.0 % of the draws") == 5 * 8  # AUPRC on each slice
    assert shares.count("No value in 2.0 % of the draws") == 5  # of differences in it
    assert len(shares) == 5 * 8 + 5  # one draw in a hundred is passed over: ECE
    assert "† where in more than 1" in two.text


def test_rates_of_folds_stand_in_a_table_for_each_kind(two: Page) -> None:
    outcome = an_outcome()
    row = outcome.rows[-1]
    tables = [i for i, t in enumerate(two.tables) if t[0][1:2] == ["Mean over magnifications, image level"]]

    assert len(tables) == 3
    line = two.line(tables[-1], row.title)
    for cell, name in zip(line[1:3], ("image level", "patient level"), strict=True):
        rate = row.fold_rates[ALL][name]
        assert cell == f"{rate.mean:.3f} ± {rate.std:.3f}"
    without = replace(outcome, folds=(), rows=tuple(replace(r, fold_rates={}) for r in outcome.rows))
    assert "By fold" in two.text
    assert "By fold" not in Page(page(without)).text


def test_each_kind_has_a_table_of_its_own(two: Page) -> None:
    outcome = an_outcome()
    where = {row.title: two.table_of("Balanced accuracy", row.title) for row in outcome.rows}
    kinds = {row.kind: {where[r.title] for r in outcome.rows if r.kind == row.kind} for row in outcome.rows}

    assert all(len(tables) == 1 for tables in kinds.values())
    assert len({table for tables in kinds.values() for table in tables}) == 3


def test_bold_is_what_lies_outside_the_interval_of_the_next_best() -> None:
    outcome = an_outcome(rows=2, magnifications=())
    first, second = outcome.rows

    def with_accuracy(row: object, value: float) -> object:
        result = first.slices[ALL]
        measures = {"accuracy": Estimate(value, value - 0.05, value + 0.05)}
        return replace(row, slices={ALL: replace(result, measures=measures)})  # type: ignore[type-var]

    near = page(replace(outcome, rows=(with_accuracy(first, 0.80), with_accuracy(second, 0.83))))  # type: ignore[arg-type]
    far = page(replace(outcome, rows=(with_accuracy(first, 0.80), with_accuracy(second, 0.86))))  # type: ignore[arg-type]

    assert re.findall(r"<td><strong>([^<]*)</strong>", near) == []
    assert re.findall(r"<td><strong>([^<]*)</strong>", far) == ["0.860"]


def test_counts_are_those_of_the_images(two: Page) -> None:
    outcome = an_outcome()
    of = (outcome.labels == 1) & (np.array(outcome.magnifications) == "40X")
    patients = {p for p, there in zip(outcome.patients, of, strict=True) if there}

    assert two.line(0, "malignant")[1] == f"{of.sum()} {len(patients)} patients"
    assert two.line(0, "All")[-1] == f"240 {len(set(outcome.patients))} patients"


def test_confusion_matrices_hold_counts_and_shares(two: Page) -> None:
    outcome = an_outcome()
    matrices = [table for table in two.tables if table[0][0] == "" and len(table) == 3]

    assert len(matrices) == len(outcome.rows)
    for row, table in zip(outcome.rows, matrices, strict=True):
        counted = row.slices[ALL].confusion
        for i in range(2):
            shares = 100 * counted[i] / counted[i].sum()
            expected = [
                f"{n} {share:.1f}\N{NO-BREAK SPACE}%" for n, share in zip(counted[i], shares, strict=True)
            ]
            assert table[i + 1][1:] == expected


@pytest.mark.parametrize("classes", [("benign", "malignant"), EIGHT])
def test_page_needs_nothing_from_outside(classes: tuple[str, ...]) -> None:
    source = page(an_outcome(classes=classes))
    found = Page(source)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]

    assert not {tag for tag, _ in found.tags} & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    }
    assert len(set(ids)) == len(ids)
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("src", "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
        if "href" in attributes:
            assert tag == "a"
            assert attributes["href"].removeprefix("#") in ids
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in source


def test_names_from_elsewhere_are_shown_and_never_run() -> None:
    outcome = an_outcome(bad=BAD)
    source = page(outcome)
    found = Page(source)

    assert not [tag for tag, _ in found.tags if tag == "script"]
    assert not [attributes for _, attributes in found.tags if "onerror" in attributes]
    assert len(found.pictures) == sum(map(len, outcome.examples.values()))
    alts = {attributes["alt"] for tag, attributes in found.tags if tag == "img"}
    assert alts == {e.name for shown_ in outcome.examples.values() for e in shown_}
    everything = [
        outcome.title,
        *outcome.class_names,
        *outcome.notes,
        *(prompt for prompts in outcome.prompts.values() for prompt in prompts),
        *(text for row in outcome.rows for text in (row.title, row.group, *row.notes)),
        *(text for problem in outcome.problems for text in (problem.name, problem.what)),
        *(str(value) for encoder in outcome.encoders for value in encoder.values()),
        str(outcome.dataset["citation"]),
        str(outcome.provenance["command"]),
    ]
    for text in everything:
        assert text in found.text


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\r"), min_size=1, max_size=30))
def test_any_text_leaves_the_page_whole(text: str) -> None:
    outcome = an_outcome(images=20, rows=1, magnifications=())
    outcome = replace(outcome, title=text, prompts={text: (text,)}, examples={})

    found = Page(page(outcome))

    assert shown(text) in found.text


def test_letters_that_hide_or_turn_text_round_are_made_visible() -> None:
    outcome = replace(an_outcome(rows=1), title="benign\u202egnp.exe \udcff\x00")

    source = page(outcome)

    assert "benign\\u202egnp.exe \\udcff\\u0000" in source
    source.encode("utf-8")


def test_notice_stands_at_the_top_and_at_the_end(two: Page) -> None:
    text = two.text

    assert text.count(NOTICE) == 2
    assert text.index(NOTICE) < text.index("What these figures are not")
    assert text.rstrip().endswith(NOTICE)


def test_pictures_are_small_and_are_of_the_examples() -> None:
    outcome = an_outcome(rows=1)
    image = np.zeros((600, 300, 3), np.uint8)
    image[:300] = (250, 10, 10)
    first = replace(outcome.examples["benign"][0], image=image)
    outcome = replace(outcome, examples={"benign": (first,)})

    (source,) = Page(page(outcome)).pictures
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))

    assert picture.shape == (224, 112, 3)
    np.testing.assert_allclose(picture[20, 50], (250, 10, 10), atol=6)
    np.testing.assert_allclose(picture[200, 50], (0, 0, 0), atol=6)


def test_every_class_has_its_line_where_none_is_looked_for() -> None:
    outcome = an_outcome(classes=EIGHT, rows=2)
    source = page(outcome)

    assert source.count('aria-label="ROC curves"') == 2  # one a row
    first = source[source.index('aria-label="ROC curves"') :]
    assert len(re.findall(r'class="series c\d d0"', first[: first.index("</svg>")])) == 8


def test_what_there_is_not_is_a_dash_and_not_nan() -> None:
    outcome = an_outcome(rows=1, magnifications=())
    row = replace(outcome.rows[0], settings={"shots": None, "floor": math.nan, "share": 1 / 3, "on": True})

    found = Page(page(replace(outcome, rows=(row,))))

    assert "nan" not in [word.strip().lower() for word in found.texts]
    assert "None" not in found.text
    assert re.findall(r"^(shots|floor|share|on)(\S+)$", found.text, re.M) == [
        ("shots", DASH),
        ("floor", DASH),
        ("share", "0.333333"),
        ("on", "yes"),
    ]


def test_an_outcome_of_one_row_one_slice_and_no_measures_has_a_page() -> None:
    outcome = an_outcome(images=8, rows=1, magnifications=())
    bare = replace(outcome.rows[0], slices={ALL: replace(outcome.rows[0].slices[ALL], measures={})})

    found = Page(page(replace(outcome, rows=(bare,), problems=(), encoders=(), prompts={}, examples={})))

    assert "There is no measure to show." in found.text
    assert "By magnification" not in found.text
