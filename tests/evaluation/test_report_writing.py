"""The report on the disk: all files or none, the same bytes each time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from an_outcome import an_outcome

from napari_histoalign.errors import ResultError
from napari_histoalign.evaluation.report import write_report

FILES = {
    "report.html",
    "tables.tex",
    "results.csv",
    "results.parquet",
    "predictions.csv",
    "predictions.parquet",
    "comparisons.csv",
    "confusion.csv",
    "fold_rates.csv",
    "problems.csv",
    "outcome.json",
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_are_where_the_answer_says(tmp_path: Path) -> None:
    written = write_report(an_outcome(images=40), tmp_path / "deep" / "report")

    assert set(written) == FILES
    assert written == {name: tmp_path / "deep" / "report" / name for name in FILES}
    assert {path.name for path in (tmp_path / "deep" / "report").iterdir()} == FILES
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report"]


def test_the_same_outcome_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    write_report(an_outcome(images=60), tmp_path / "here")
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from an_outcome import an_outcome\n"
        "from napari_histoalign.evaluation.report import write_report\n"
        f"write_report(an_outcome(images=60), Path({str(tmp_path / 'there')!r}))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "7"})

    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_eight_rows_of_ten_thousand_images_make_a_small_page(tmp_path: Path) -> None:
    classes = tuple(f"class {i}" for i in range(8))

    written = write_report(an_outcome(images=10_000, classes=classes), tmp_path / "report")

    assert written["report.html"].stat().st_size < 3_000_000


def test_writing_again_replaces_the_report_and_leaves_other_files(tmp_path: Path) -> None:
    write_report(an_outcome(images=40, seed=1), tmp_path)
    (tmp_path / "mine.txt").write_text("kept")

    write_report(an_outcome(images=40, seed=2), tmp_path)

    found = contents(tmp_path)
    assert found.pop("mine.txt") == b"kept"
    write_report(an_outcome(images=40, seed=2), tmp_path / "new")
    assert found == contents(tmp_path / "new")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
@pytest.mark.parametrize("there", [False, True])
def test_nothing_is_left_or_replaced_where_the_disk_is_full(tmp_path: Path, there: bool) -> None:
    import resource

    folder = tmp_path / "report"
    before = {}
    if there:
        write_report(an_outcome(images=40, seed=1), folder)
        before = contents(folder)
    outcome = replace(an_outcome(images=2000, seed=2), examples={})
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limit[1]))  # the page fits, predictions do not
    try:
        with pytest.raises(ResultError, match=r"could not be written to .*report"):
            write_report(outcome, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    assert folder.exists() == there
    assert list(tmp_path.iterdir()) == ([folder] if there else [])
    assert not there or contents(folder) == before


def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "results.csv").mkdir()

    with pytest.raises(ResultError, match="there is a folder of that name"):
        write_report(an_outcome(images=20, rows=1), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("mine")

    with pytest.raises(ResultError, match="Check that it is a folder"):
        write_report(an_outcome(images=20, rows=1), tmp_path / "report")

    assert (tmp_path / "report").read_text() == "mine"


def test_names_that_are_no_unicode_are_written_visibly(tmp_path: Path) -> None:
    outcome = an_outcome(images=20, rows=2, bad=os.fsdecode(b"\xff"))

    written = write_report(outcome, tmp_path / "report")

    for name in ("report.html", "outcome.json", "predictions.csv", "results.csv", "problems.csv"):
        assert "\\udcff" in written[name].read_text("utf-8")


def test_rows_of_one_key_are_refused(tmp_path: Path) -> None:
    outcome = an_outcome(images=20, rows=2)
    same = replace(outcome.rows[1], key=outcome.rows[0].key)

    with pytest.raises(ResultError, match='would be called "clip/benign"'):
        write_report(replace(outcome, rows=(outcome.rows[0], same)), tmp_path / "report")


def test_rates_of_other_folds_are_refused(tmp_path: Path) -> None:
    outcome = replace(an_outcome(images=16, rows=1), folds=("fold 1", "fold 2"))

    with pytest.raises(ResultError, match='"clip" has rates of other folds than the 2'):
        write_report(outcome, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_probabilities_of_other_images_are_refused(tmp_path: Path) -> None:
    outcome = an_outcome(images=20, rows=1)
    short = replace(outcome.rows[0], probabilities=np.zeros((19, 2), np.float32))

    with pytest.raises(ResultError, match=r'Row "clip" has probabilities of shape \(19, 2\)'):
        write_report(replace(outcome, rows=(short,)), tmp_path / "report")
    with pytest.raises(ResultError, match="20 images but 19 patients"):
        write_report(replace(outcome, patients=outcome.patients[1:]), tmp_path / "report")
    assert not (tmp_path / "report").exists()
