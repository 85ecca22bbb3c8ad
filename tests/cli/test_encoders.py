"""`histoalign encoders` as its users call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_histoalign.cli import app

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "encoders"))
from small_clip import DIM, save_small_clip

HISTOALIGN = Path(sys.executable).with_name("histoalign")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return save_small_clip(tmp_path_factory.mktemp("clip"))


def call(*arguments: object, status: int = 0, stdin: str | None = None):
    done = CliRunner().invoke(app, [*map(str, arguments)], input=stdin)
    assert done.exit_code == status, done.output
    return done


def test_the_list_names_every_encoder_in_lines_that_fit_a_terminal() -> None:
    done = subprocess.run(
        [HISTOALIGN, "encoders", "list"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )

    assert max(map(len, done.stdout.splitlines()[:30])) <= 80
    rows = {
        line.split()[0]: line for line in done.stdout.splitlines() if line.startswith(" ") and line.split()
    }
    assert "demonstration" in rows["demo-path"]
    assert "pathology" in rows["plip"] and "download" in rows["plip"] and "gated" not in rows["plip"]
    assert "CC-BY-NC-ND" in rows["conch"] and "download, gated" in rows["conch"]
    assert "control" in rows["bioclip"] and "control" in rows["medclip"]
    assert "by hand" in rows["cplip"]


def test_json_tells_what_a_program_needs(clip) -> None:
    rows = {r["name"]: r for r in json.loads(call("encoders", "list", "--json").stdout)["encoders"]}

    assert len(rows) >= 28
    assert rows["plip"] == {
        **rows["plip"], "role": "pathology", "gated": False, "here": False, "space": "clip-vit-b-32",
        "input_size": 224, "dim": 512, "downloadable": True,
    }  # fmt: skip
    assert rows["plip"]["problem"].startswith("not on this computer")
    assert rows["demo-path"]["problem"] is None


def test_an_own_encoder_scores_a_slide_and_is_removed(clip, slide, tmp_path) -> None:
    added = call("encoders", "add", "mine", "--path", clip, "--role", "pathology", "--mpp", "0.5", "--json")
    record = json.loads(added.stdout)
    assert record["files"]["model.safetensors"]["size"] == (clip / "model.safetensors").stat().st_size
    assert f"in {DIM} numbers" in added.stderr

    run = call(
        "run",
        slide,
        "-o",
        tmp_path,
        "--encoders",
        "mine,demo-general",
        "--alignment",
        "joint-fusion",
        "--json",
    )
    provenance = json.loads((tmp_path / "small" / "run.json").read_text())
    assert json.loads(run.stdout)["slides"][0]["tiles"] > 0
    assert [e["name"] for e in provenance["encoders"]] == ["mine", "demo-general"]

    assert "Nobody can be asked" in call("encoders", "remove", "mine", status=1).stderr
    call("encoders", "remove", "mine", "--yes")
    assert (
        "There is no encoder 'mine'"
        in call("run", slide, "-o", tmp_path, "--encoders", "mine", status=1).stderr
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "mine", "--path", "nowhere"], "There is no file or folder nowhere"),
        (["add", "mine", "--path", ".", "--role", "oracle"], "There is no role 'oracle'"),
        (["add", "plip", "--path", ".", "--role", "general"], "stand in the registry"),
        (["remove", "plip", "--yes"], "nothing was removed"),
        (["remove", "demo-path", "--yes"], "ships with the package"),
        (["export", "plip", "--onnx", "out"], "PLIP is not on this computer"),
        (["export", "demo-path", "--onnx", "out"], "Demo pathology encoder.*cannot be written as ONNX"),
        (["folder", "x", "--default"], "not both"),
        (["folder", __file__], "cannot be the folder of encoders \\(it is a file\\)"),
        (["folder", __file__ + "/x"], "cannot be the folder of encoders \\(Not a directory\\)"),
        (["folder", "~nobody-of-that-name"], "cannot be the folder of encoders"),
        (["folder", "x" * 5000], "cannot be the folder of encoders \\(File name too long\\)"),
        (["add", "mine", "--path", "x" * 5000], "cannot be read \\(File name too long\\)"),
        (["add", "mine", "--path", "a\x1b[31mb"], "There is no file or folder a\\?\\[31mb"),
        (["remove", "../..", "--yes"], "is no name for an encoder"),
        (["remove", "nothing"], "is not in .*; nothing was removed"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments, sentence, tmp_path, monkeypatch) -> None:
    import re

    monkeypatch.chdir(tmp_path)
    done = call("encoders", *arguments, status=1)

    assert re.search(sentence, done.stderr), done.stderr
    assert "Traceback" not in done.stderr and list(tmp_path.iterdir()) == []


def test_the_folder_is_shown_and_set(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert "goes before this setting" in call("encoders", "folder", tmp_path / "lab").stderr
    monkeypatch.delenv("HISTOALIGN_ENCODERS")

    assert call("encoders", "folder").stdout.strip() == str(tmp_path / "lab")
    assert json.loads(call("encoders", "folder", "--default", "--json").stdout)["folder"].startswith(
        str(tmp_path / "data")
    )


def test_the_list_is_printed_whatever_state_the_library_is_in(own_encoders) -> None:
    long, broken = "x" * 64, own_encoders / "broken"
    for name in (long, "broken", "red\x1b[31m", "\udcff"):
        (own_encoders / name).mkdir(parents=True)
        (own_encoders / name / "encoder.json").write_text("[" * 100_000)
    done = subprocess.run(
        [HISTOALIGN, "encoders", "list"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    table, _, below = done.stdout.partition("\nbroken: ")

    assert max(map(len, table.splitlines())) <= 80 and "x" * 18 in table
    assert "The record of encoder 'broken'" in below and "nested too deeply" in below and ".." not in below
    assert "\x1b" not in done.stdout and "red?[31m" in table and f"kept in {own_encoders}" in below

    for file in broken.iterdir():
        file.unlink()
    (broken / "encoder.json").mkdir()
    listed = json.loads(call("encoders", "list", "--json").stdout)
    rows = {r["name"]: r for r in listed["encoders"]}
    assert rows["broken"]["problem"] and rows["broken"]["downloadable"] is False
    assert rows["demo-path"]["problem"] is None and listed["problem"] is None


@pytest.mark.parametrize("named", ["~nobody-of-that-name/x", "x" * 5000, __file__])
def test_the_list_is_printed_where_there_can_be_no_library(named, monkeypatch) -> None:
    monkeypatch.setenv("HISTOALIGN_ENCODERS", named)
    done = call("encoders", "list")
    assert "demonstration" in done.stdout and "cannot be told" in done.stdout
    assert "cannot be the folder of encoders" in done.stdout

    listed = json.loads(call("encoders", "list", "--json").stdout)
    assert listed["folder"] is None and "cannot be the folder" in listed["problem"]
    assert sum(r["problem"] is None for r in listed["encoders"]) == 2


def test_names_that_cannot_be_written_are_escaped_in_json(own_encoders) -> None:
    (own_encoders / "\udcff").mkdir(parents=True)
    problem = json.loads(call("encoders", "list", "--json").stdout)["encoders"][-1]["problem"]
    assert "\udcff has a name that no encoder can have" in problem
