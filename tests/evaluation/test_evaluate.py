"""Whole evaluations on small folders of pictures, with the embedded encoders."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_histoalign.alignment import PromptClass, PromptSet
from napari_histoalign.cli.app import app
from napari_histoalign.cli.evaluate import _figure
from napari_histoalign.encoders import load_encoder
from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.comparing import COMPARED
from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.evaluate import evaluate
from napari_histoalign.evaluation.fold_rates import RATES
from napari_histoalign.evaluation.folds import with_folds
from napari_histoalign.evaluation.leakage import check_images
from napari_histoalign.evaluation.outcome import ALL, Estimate
from napari_histoalign.evaluation.plan import Plan
from napari_histoalign.evaluation.protocols import balanced

PROMPTS = PromptSet(
    "test",
    (
        PromptClass("tumour", ("crowded dark tumour nuclei", "invasive carcinoma"), "#d62728", "lesion"),
        PromptClass("glass", ("blank glass without tissue", "empty white background"), "#b0b0b0"),
    ),
)


def picture(kind: str, rng: np.random.Generator) -> Image.Image:
    image = np.full((96, 120, 3), (236, 236, 238) if kind == "glass" else (220, 160, 200), float)
    if kind == "tumour":
        y, x = np.mgrid[:96, :120]
        for cx, cy in rng.uniform(0, 110, (60, 2)):
            image[np.hypot(x - cx, y - cy) < rng.uniform(4, 6)] = (86, 50, 130)
    return Image.fromarray(np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """Eight patients, three images each, a class a patient; one image is damaged."""
    root, rng = tmp_path_factory.mktemp("set"), np.random.default_rng(0)
    lines = ["path,label,patient"]
    for patient in range(8):
        kind = ("glass", "tumour")[patient % 2]
        for number in range(3):
            name = f"p{patient}-{number}.png"
            picture(kind, rng).save(root / name)
            lines.append(f"{name},{kind},p{patient}")
    (root / "p7-2.png").write_bytes(b"\x89PNG no more")
    (root / "images.csv").write_text("\n".join(lines))
    return root / "images.csv"


@pytest.fixture
def images(table):
    return with_folds(open_dataset("folder", table), count=4)


@pytest.fixture(scope="module")
def encoders():
    return [load_encoder(name, device="cpu") for name in ("demo-path", "demo-general")]


def test_every_row_is_scored_on_the_same_images(images, encoders) -> None:
    outcome = evaluate(images, encoders, PROMPTS, Plan(ablation=True, shots=2, replicates=200))

    keys = [row.key for row in outcome.rows]
    assert keys[:6] == [
        "one-to-one-1",
        "one-to-one-2",
        "cross-1-2",
        "cross-2-1",
        "joint-fusion",
        "mean-fusion",
    ]
    assert {"many-to-many", "many-to-many-optimal-transport", "many-to-many-content-free", "gda"} <= set(keys)
    assert len(outcome.labels) == 23
    main = next(row for row in outcome.rows if row.key == "many-to-many")
    assert main.slices[ALL].measures["AUROC"].value == 1.0  # glass and tumour, no fine art
    unreadable = [p for p in outcome.problems if p.kind == "unreadable"]
    assert [p.name for p in unreadable] == ["p7-2.png"] and unreadable[0].left_out
    # 23 images of 8 patients are too few for a signal to be trusted, and that is said
    assert any("TransCLIP" in note for note in outcome.notes)
    checks = outcome.provenance["checks of the labels"]
    assert len(checks) > 2 and all(text.endswith("as it must") for text in checks.values())
    for measure in COMPARED:
        compared = {row.key: c for row in outcome.rows for c in row.comparisons if c.measure == measure}
        (best,) = [row for row in outcome.rows if row.key not in compared]
        assert best.key.startswith("one-to-one")
        assert {c.against for c in compared.values()} == {best.title}
        assert all(c.p <= c.p_corrected <= 1 for c in compared.values())
    assert all(set(row.fold_rates[ALL]) == set(RATES) for row in outcome.rows)
    assert outcome.folds == tuple(fold.name for fold in images.folds)
    assert {e.label for e in outcome.examples["tumour"]} == {"tumour"}


def test_few_shot_rows_learn_from_other_patients_only(images, encoders) -> None:
    outcome = evaluate(images, encoders, PROMPTS, Plan(ablation=True, shots=2, replicates=200))
    gda = next(row for row in outcome.rows if row.key == "gda")
    assert np.isfinite(gda.probabilities).all()
    swapped = replace(images, records=tuple(replace(r, label=1 - r.label) for r in images.records))
    turned = evaluate(swapped, encoders, PROMPTS, Plan(ablation=True, shots=2, replicates=200))
    for row, other in zip(outcome.rows, turned.rows, strict=True):
        if row.kind == "few-shot":
            continue
        # labels move the measure and nothing else
        np.testing.assert_array_equal(row.probabilities, other.probabilities)
        for name in ("accuracy", "AUROC"):
            values = [r.slices[ALL].measures[name].value for r in (row, other)]
            assert sum(values) == pytest.approx(1), (row.key, name)


def test_a_second_evaluation_reads_no_pixels_to_score(images, encoders, monkeypatch) -> None:
    first = evaluate(images, encoders, PROMPTS, Plan(replicates=200))

    def forget(record):
        raise DatasetError("gone")

    second = evaluate(replace(images, read=forget), encoders, PROMPTS, Plan(replicates=200))
    for a, b in zip(first.rows, second.rows, strict=True):
        np.testing.assert_array_equal(a.probabilities, b.probabilities)
    assert second.examples["tumour"] == ()


def test_an_evaluation_that_was_stopped_goes_on(images, encoders) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done >= 8:
            raise Stop

    with pytest.raises(Stop):
        evaluate(images, encoders, PROMPTS, Plan(replicates=200, batch=4), on_progress=stop)
    begun: list[int] = []
    plan = Plan(replicates=200, batch=4)
    evaluate(images, encoders, PROMPTS, plan, on_progress=lambda done, _: begun.append(done))
    assert begun[0] >= 8


def test_prompts_have_to_name_the_classes(images, encoders) -> None:
    with pytest.raises(DatasetError, match="no class tumour"):
        evaluate(images, encoders, PromptSet.load("breast"), Plan())


def test_a_balanced_subset_has_as_many_of_each(images) -> None:
    smaller = balanced(replace(images, records=images.records[:20]), 0)
    labels = [record.label for record in smaller.records]
    assert labels.count(0) == labels.count(1)
    assert any("were drawn (seed 0) from 20" in note for note in smaller.notes)


def test_the_command_writes_a_report(table, tmp_path) -> None:
    PROMPTS.save(tmp_path / "prompts.yaml")
    given = ["folder", str(table), "-o", str(tmp_path / "out"), "--prompts", str(tmp_path / "prompts.yaml")]
    given += ["--replicates", "200", "--protocol", "seed", "--device", "cpu", "--json", "--set", "folds=0"]
    done = CliRunner().invoke(app, ["evaluate", *given])

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["files"]["report.html"].endswith("report.html")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "52.51" in page and "p7-2.png" in page and "crowded dark tumour nuclei" in page
    with (tmp_path / "out" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"many-to-many", "mean-fusion"} <= {value for row in rows for value in row.values()}
    # without the encoders' scales all probabilities lie near one half
    seed = next(row for row in found["rows"] if row["key"] == "mean-fusion")
    assert seed["measures"]["ECE"][0] > 0.2
    # found when images were checked; not told again when they were embedded
    with (tmp_path / "out" / "problems.csv").open() as file:
        assert [(p["kind"], p["name"]) for p in csv.DictReader(file)] == [("unreadable", "p7-2.png")]


def test_the_command_prints_figures_and_none_where_there_is_none(table, tmp_path) -> None:
    """Three patients: no interval. One class alone: no AUROC either."""
    lines = table.read_text().splitlines()
    few = table.with_name("few.csv")
    few.write_text("\n".join([lines[0], *lines[1:10]]))
    PROMPTS.save(tmp_path / "prompts.yaml")
    given = ["folder", str(few), "-o", str(tmp_path / "out"), "--prompts", str(tmp_path / "prompts.yaml")]
    given += ["--replicates", "200", "--device", "cpu", "--no-examples"]

    done = CliRunner().invoke(app, ["evaluate", *given], terminal_width=200)
    few.unlink()

    assert done.exit_code == 0, done.output
    line = next(line for line in done.output.splitlines() if "Joint fusion" in line)
    assert [cell.strip() for cell in line.split("│")[2:4]] == ["1.000", "1.000"]
    assert "nan" not in done.output
    assert _figure(Estimate(float("nan"), float("nan"), float("nan"))) == "-"
    assert _figure(Estimate(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"


def test_copies_are_told_or_left_out_as_asked(table, tmp_path) -> None:
    folder = tmp_path / "set"
    shutil.copytree(table.parent, folder)
    shutil.copy(folder / "p0-0.png", folder / "p2-9.png")  # glass, of another patient
    shutil.copy(folder / "p1-0.png", folder / "p4-9.png")  # tumour, called glass
    with (folder / "images.csv").open("a") as file:
        file.write("\np2-9.png,glass,p2\np4-9.png,glass,p4")
    PROMPTS.save(tmp_path / "prompts.yaml")
    given = ["evaluate", "folder", str(folder / "images.csv"), "--prompts", str(tmp_path / "prompts.yaml")]
    given += ["--replicates", "200", "--device", "cpu", "--no-examples", "--set", "folds=0"]

    def outcome(*more: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*given, "-o", str(tmp_path / "out"), *more])
        assert done.exit_code == 0, done.output
        return json.loads((tmp_path / "out" / "outcome.json").read_text())

    told = outcome()
    kinds = [(p["kind"], p["name"], p["left_out"]) for p in told["problems"]]
    assert kinds == [
        ("duplicate", "p0-0.png", False),
        ("duplicate", "p1-0.png", False),
        ("duplicate of another class", "p1-0.png", False),
        ("unreadable", "p7-2.png", True),
    ]
    assert len(told["names"]) == 25

    left = outcome("--leave-out-leaks", "--note", "Drawn, not stained.")
    assert left["notes"][0] == "Drawn, not stained."
    assert set(told["names"]) - set(left["names"]) == {"p2-9.png", "p1-0.png", "p4-9.png"}
    assert any("of 25 images 3 were, 1 as copies" in note for note in left["notes"])
    kinds = [(p["kind"], p["name"], p["left_out"]) for p in left["problems"] if "copy" in p["kind"]]
    assert kinds == [("copy left out", name, True) for name in ("p1-0.png", "p2-9.png", "p4-9.png")]
    assert not any(p["kind"] == "duplicate of another class" for p in left["problems"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "It is the same image as p0-0.png, which stays." in page and "3 were, 1 as copies" in page


def test_copies_on_both_sides_of_a_fold_are_told(table, tmp_path, encoders) -> None:
    folder = tmp_path / "set"
    shutil.copytree(table.parent, folder)
    shutil.copy(folder / "p0-0.png", folder / "p2-9.png")
    with (folder / "images.csv").open("a") as file:
        file.write("\np2-9.png,glass,p2")
    found = with_folds(open_dataset("folder", folder / "images.csv"), count=8)  # a patient a fold
    check = check_images(found)

    told = evaluate(found, encoders, PROMPTS, Plan(replicates=200), check=check)
    left = evaluate(found, encoders, PROMPTS, Plan(replicates=200, leave_out_leaks=True), check=check)

    assert sum(p.kind == "duplicate in train and test" for p in told.problems) == 2
    assert not any("in train and test" in p.kind for p in left.problems)
    assert "p2-9.png" in told.names and "p2-9.png" not in left.names
    with pytest.raises(DatasetError, match="Leaks are found by reading"):
        evaluate(found, encoders, PROMPTS, Plan(leave_out_leaks=True))


def test_a_class_whose_images_cannot_be_read_is_no_reason_to_fail(images, encoders) -> None:
    def glass_only(record):
        if record.label:
            raise DatasetError(f"{record.name} is damaged")
        return images.read(record)

    outcome = evaluate(replace(images, read=glass_only), encoders, PROMPTS, Plan(replicates=200))

    assert outcome.provenance["checks of the labels"] == {"not made": "There is no judged image of tumour."}
    assert len(outcome.names) == 12


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "."], "There is no data set 'nowhere'"),
        (["folder", "/no/such"], "is not there"),
        (["folder", ".", "--set", "colour"], "--set takes NAME=VALUE"),
        (["folder", ".", "--protocol", "other"], "no protocol 'other'"),
        (["folder", ".", "--leave-out-leaks", "--no-check"], "leave --no-check out"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments, sentence, tmp_path) -> None:
    done = CliRunner().invoke(app, ["evaluate", *arguments, "-o", str(tmp_path / "out")])
    assert done.exit_code == 1 and sentence in done.output
    assert not (tmp_path / "out").exists()
