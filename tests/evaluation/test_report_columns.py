"""CSV, Parquet and JSON come back as they were."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from an_outcome import an_outcome
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from napari_histoalign.evaluation.report import write_report
from napari_histoalign.evaluation.report.as_json import as_json
from napari_histoalign.evaluation.report.columns import METADATA, as_csv, cell, text_of

if TYPE_CHECKING:
    from napari_histoalign.evaluation.outcome import Outcome

BAD = '=HYPERLINK("x","y"),\n'


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return an_outcome(images=60, bad=BAD)


@pytest.fixture(scope="module")
def folder(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "written"
    write_report(outcome, folder)
    return folder


def test_results_hold_each_row_slice_and_measure_once(outcome: Outcome, folder: Path) -> None:
    table = pd.read_csv(folder / "results.csv").map(lambda v: text_of(v) if isinstance(v, str) else v)
    same = parquet.read_table(folder / "results.parquet").to_pandas()

    assert len(table) == len(outcome.rows) * len(outcome.slices) * 10
    assert not table.duplicated(["row", "slice", "measure"]).any()
    pd.testing.assert_frame_equal(table, same, check_dtype=False)
    for row in outcome.rows:
        for name, result in row.slices.items():
            for measure, estimate in result.measures.items():
                line = table[(table.row == row.key) & (table.slice == name) & (table.measure == measure)]
                np.testing.assert_array_equal(
                    line[["value", "low", "high", "undefined"]].to_numpy()[0],
                    [estimate.value, estimate.low, estimate.high, estimate.undefined],
                )


def test_results_in_parquet_have_types_and_nulls(folder: Path) -> None:
    table = parquet.read_table(folder / "results.parquet")

    assert [(f.name, f.type) for f in table.schema][-5:] == [
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("undefined", pa.float64()),
    ]
    assert table["value"].null_count == len(table) / 10  # AUROC of the fixture


def test_predictions_come_back_bit_for_bit(outcome: Outcome, folder: Path) -> None:
    table = parquet.read_table(folder / "predictions.parquet")
    text = pd.read_csv(folder / "predictions.csv", keep_default_na=False, dtype=str)

    assert table["image"].to_pylist() == list(outcome.names)
    assert table["label"].to_pylist() == [outcome.class_names[i] for i in outcome.labels]
    assert [text_of(name) for name in text["image"]] == list(outcome.names)
    assert [text_of(name) for name in text["patient"]] == list(outcome.patients)
    assert json.loads(table.schema.metadata[METADATA])["class_names"] == list(outcome.class_names)
    for row in outcome.rows:
        for i, name in enumerate(outcome.class_names):
            column = f"{row.key}/{name}"
            assert table.schema.field(column).type == pa.float32()
            np.testing.assert_array_equal(table[column].to_numpy(), row.probabilities[:, i])
            read = np.array([np.float32(v) if v else np.nan for v in text[column]], np.float32)
            np.testing.assert_array_equal(read, row.probabilities[:, i])


def test_images_that_a_row_does_not_judge_are_null(outcome: Outcome, folder: Path) -> None:
    few = parquet.read_table(folder / "predictions.parquet")[f"few-shot-8/{outcome.class_names[0]}"]

    assert few.null_count == np.isnan(outcome.rows[-1].probabilities[:, 0]).sum() > 0


def test_confusion_and_problems_come_back(outcome: Outcome, folder: Path) -> None:
    confusion = pd.read_csv(folder / "confusion.csv")
    problems = pd.read_csv(folder / "problems.csv")

    row = outcome.rows[2]
    line = confusion[(confusion.row == row.key) & (confusion.slice == "40X")]
    np.testing.assert_array_equal(line.images.to_numpy().reshape(2, 2), row.slices["40X"].confusion)
    assert [text_of(true) for true in line.true] == [c for c in outcome.class_names for _ in range(2)]
    assert [text_of(name) for name in problems.name] == [p.name for p in outcome.problems]
    assert problems.left_out.tolist() == [True, False]


def test_comparisons_and_rates_of_folds_come_back(outcome: Outcome, folder: Path) -> None:
    comparisons = pd.read_csv(folder / "comparisons.csv")
    rates = pd.read_csv(folder / "fold_rates.csv")

    wanted = [(row.key, c) for row in outcome.rows for c in row.comparisons]
    assert len(comparisons) == len(wanted) == 9
    for (key, c), line in zip(wanted, comparisons.to_dict("records"), strict=True):
        assert line == {"row": key} | vars(c)
    assert len(rates) == len(outcome.rows) * len(outcome.slices) * 2 * 3
    of = rates[(rates.row == "plip") & (rates.slice == "100X") & (rates.rate == "patient level")]
    assert [text_of(name) for name in of.fold] == list(outcome.folds)
    assert tuple(of.value) == outcome.rows[1].fold_rates["100X"]["patient level"].by_fold


def test_no_cell_begins_as_a_formula(folder: Path) -> None:
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.reader(file):
                for value in line:
                    assert not value.startswith(("=", "+", "@", "\t", "\r", "\n"))
                    if value.startswith("-"):
                        float(value)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "'", "＝"])  # noqa: RUF001
def test_formulas_are_marked_as_text(start: str) -> None:
    assert cell(start + "1") == "'" + start + "1"
    assert text_of(cell(start + "1")) == start + "1"


def test_numbers_stay_numbers() -> None:
    assert [cell(v) for v in (-0.5, -3, np.float32(0.1), math.nan, None, True)] == [
        "-0.5",
        "-3",
        "0.1",
        "",
        "",
        "true",
    ]


@given(texts=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=2, max_size=5))
def test_any_text_comes_back_from_csv(texts: list[str]) -> None:
    written = as_csv(texts, [texts]).decode("utf-8")

    lines = list(csv.reader(io.StringIO(written, newline="")))

    assert [[text_of(value) for value in line] for line in lines] == [texts, texts]


def test_json_holds_all_but_probabilities_and_pictures(outcome: Outcome, folder: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads((folder / "outcome.json").read_text("utf-8"), parse_constant=refuse)

    assert found["names"] == list(outcome.names)
    assert found["labels"] == outcome.labels.tolist()
    assert "probabilities" not in found["rows"][0]
    assert [c["p_corrected"] for c in found["rows"][4]["comparisons"]] == [0.044, 0.0125]
    assert found["rows"][4]["comparisons"][1]["undefined"] == 0.02
    rate = outcome.rows[0].fold_rates["40X"]["image level"]
    assert found["rows"][0]["fold_rates"]["40X"]["image level"] == {
        "by_fold": list(rate.by_fold), "mean": rate.mean, "std": rate.std
    }  # fmt: skip
    assert found["rows"][0]["slices"]["all"]["measures"]["auprc"]["undefined"] == 0.25
    result = found["rows"][0]["slices"]["40X"]
    assert result["measures"]["auroc"] == {
        "value": None,
        "low": pytest.approx(-1),
        "high": pytest.approx(1),
    } or (result["measures"]["auroc"]["value"] is None)
    assert result["confusion"] == outcome.rows[0].slices["40X"].confusion.tolist()
    assert set(found["examples"][outcome.class_names[0]][0]) == {"name", "label", "predicted", "probability"}
    assert found["problems"][0]["left_out"] is True


def test_json_takes_values_it_has_no_form_for() -> None:
    provenance = {
        "where": Path("a/b"),
        "n": np.int64(3),
        "x": np.float32(0.5),
        "s": {"b", "a"},
        "t": (1, math.inf),
    }
    outcome = replace(an_outcome(images=8, rows=1), provenance=provenance)

    found = json.loads(as_json(outcome))["provenance"]

    assert found == {"where": str(Path("a/b")), "n": 3, "x": 0.5, "s": ["a", "b"], "t": [1, None]}
