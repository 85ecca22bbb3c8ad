"""Options become the alignment and the refinement they describe; contradictions are said before any work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_histoalign.alignment import Alignment
from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.cli import app
from napari_histoalign.cli.method import alignment_from, prompts_from, refinement_from
from napari_histoalign.errors import AlignmentError, HistoalignError

FILE = Path("marks.geojson")


def test_options_that_are_not_given_leave_the_defaults() -> None:
    assert alignment_from("joint-fusion") == Alignment("joint-fusion")
    assert refinement_from(None, "none", 0.0, "none", None) == Refinement()


def test_every_option_reaches_the_alignment() -> None:
    found = alignment_from(
        "many-to-many",
        pooling="top-k",
        temperature=2.0,
        screening="zpe",
        centring=0.25,
        prior="otter",
        shares="0.2, 0.8",
    )

    assert found == Alignment(
        "many-to-many",
        temperature=2.0,
        pooling="top-k",
        screening="zpe",
        centring=0.25,
        prior="otter",
        shares=(0.2, 0.8),
    )


def test_examples_mean_few_shot_by_gda_unless_said_otherwise() -> None:
    assert refinement_from(None, "none", 0.0, "none", FILE).few_shot == "gda"
    assert refinement_from("none", "none", 0.0, "examples", FILE) == Refinement(calibration="examples")
    found = refinement_from("tip-adapter", "zlap", 1.5, "0.75", FILE)
    assert found == Refinement("tip-adapter", "zlap", 1.5, "confidence", 0.75)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("gda", "none", 0.0, "none", None), "need --examples"),
        ((None, "none", 0.0, "examples", None), "need --examples"),
        ((None, "none", 0.0, "much", None), "--calibrate takes"),
        ((None, "em", 0.0, "none", None), "'em' is none of"),
        ((None, "none", 99.0, "none", None), "smoothing is a number"),
    ],
)
def test_what_cannot_be_meant_is_said(arguments, sentence) -> None:
    with pytest.raises(HistoalignError, match=sentence):
        refinement_from(*arguments)


def test_shares_without_the_prior_that_uses_them_are_refused() -> None:
    with pytest.raises(HistoalignError, match="--prior otter"):
        alignment_from("joint-fusion", shares="0.5,0.5")
    with pytest.raises(HistoalignError, match="takes numbers"):
        alignment_from("joint-fusion", prior="otter", shares="half,half")
    with pytest.raises(AlignmentError):
        alignment_from("joint-fusion", pooling="best")


def test_templates_and_organ_multiply_the_prompts() -> None:
    plain = prompts_from("breast", None, None)
    conch = prompts_from("breast", "conch", None)
    organ = prompts_from("breast", "organ", "breast")

    assert len(conch.expand().texts) == 22 * len(plain.expand().texts)
    named = [text for text in organ.expand().texts if "of the breast" in text]
    assert len(named) >= 4 * len(plain.expand().texts)


def test_a_run_with_a_method_of_its_own_writes_both_results(slide: Path, tmp_path: Path) -> None:
    arguments = ["run", str(slide), "-o", str(tmp_path), "--json", "--smooth", "1", "--prior", "frolic"]
    arguments += ["--templates", "plip", "--region", "0,0,700,700"]

    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 0, done.stderr
    (result,) = json.loads(done.stdout)["slides"]
    assert result["refined"]["steps"] == ["smoothing"]
    run = json.loads(Path(result["files"]["run.json"]).read_text(encoding="utf-8"))
    assert run["alignment"]["details"]["prior"]["method"] == "frolic"
    assert run["prompts"]["templates"] == ["plip"]


def test_what_texts_without_content_get_is_taken_off(slide: Path, tmp_path: Path) -> None:
    arguments = ["run", str(slide), "-o", str(tmp_path), "--json", "--prior", "content-free"]

    done = CliRunner().invoke(app, [*arguments, "--region", "0,0,700,700"])

    assert done.exit_code == 0, done.stderr
    (result,) = json.loads(done.stdout)["slides"]
    prior = json.loads(Path(result["files"]["run.json"]).read_text(encoding="utf-8"))["alignment"]["details"]
    assert prior["prior"]["method"] == "content-free"
    assert any(abs(shift) > 1e-3 for shift in prior["prior"]["shift"])


def test_an_evaluation_names_the_template_set_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for name in ("a/1.png", "b/1.png"):
        Image.new("RGB", (32, 32), "pink").save(tmp_path / name)
    arguments = ["evaluate", "folder", str(tmp_path), "-o", str(tmp_path / "out"), "--prompts", "breast"]

    done = CliRunner().invoke(app, [*arguments, "--templates", "conk"])

    assert done.exit_code == 1
    assert "conk" in done.stderr
    assert not (tmp_path / "out").exists()
