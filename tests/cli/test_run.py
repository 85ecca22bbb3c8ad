"""`histoalign run` as its users call it: a command, its files, its exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_histoalign.cli import app

HISTOALIGN = Path(sys.executable).with_name("histoalign")
FILES = {"tiles.parquet", "probabilities.zarr", "regions.geojson", "tiles.geojson", "overlay.png", "run.json"}


def call(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HISTOALIGN, *map(str, arguments)], capture_output=True, text=True, timeout=240, **options
    )


def test_help_and_version_come_at_once() -> None:
    assert "run" in call("--help").stdout
    assert call("--version").stdout.startswith("napari-histoalign ")
    for command in ("run", "demo"):
        assert "--json" in call(command, "--help", env={**os.environ, "COLUMNS": "200"}).stdout


def test_json_goes_to_stdout_alone_and_names_the_six_files(slide: Path, tmp_path: Path) -> None:
    done = call("run", slide, "-o", tmp_path, "--json")

    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["slides"]
    folder = tmp_path / "small"
    assert {p.name for p in folder.iterdir()} == FILES
    assert set(result["files"]) == FILES
    assert result["tiles"] == sum(row["tiles"] for row in result["classes"])
    assert "not for diagnosis" in done.stderr


def test_a_second_run_embeds_nothing_and_says_the_same(slide: Path, tmp_path: Path) -> None:
    first = json.loads(call("run", slide, "-o", tmp_path / "a", "--json").stdout)["slides"][0]
    second = json.loads(call("run", slide, "-o", tmp_path / "b", "--json").stdout)["slides"][0]

    assert first["reused"] == 0
    assert second["reused"] == second["tiles"] == first["tiles"]
    for name in ("regions.geojson", "tiles.geojson"):
        assert (tmp_path / "a/small" / name).read_bytes() == (tmp_path / "b/small" / name).read_bytes()


def test_a_failing_slide_does_not_stop_the_others_and_the_status_tells(slide: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.svs"
    broken.write_bytes(b"not a slide at all")

    done = call("run", broken, slide, "-o", tmp_path / "out", "--json")

    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert [s["slide"] for s in report["slides"]] == [str(slide)]
    assert len(report["errors"]) == 1
    assert "broken.svs" in report["errors"][0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "broken").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prompts", "no-such-set"], "no-such-set"),
        (["--alignment", "guesswork"], "guesswork"),
        (["--encoders", "demo-path,nobody"], "nobody"),
        (["--region", "1,2,3"], "four numbers"),
        (["--region", "90000,90000,10,10"], "outside"),
        (["--slide-mpp", "-1"], "pixel size"),
        (["--mpp", "0"], "0"),
        (["--threshold", "2"], "between 0 and 1"),
        (["--roi", "absent.geojson"], "absent.geojson"),
        (["--views", "sideways"], "sideways"),
    ],
)
def test_a_bad_option_is_one_sentence_and_status_1(
    slide: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = CliRunner().invoke(app, ["run", str(slide), "-o", str(tmp_path / "out"), "--json", *arguments])

    assert done.exit_code == 1
    said = json.loads(done.stdout)
    text = said.get("error") or said["errors"][0]
    assert sentence in text
    assert not (tmp_path / "out" / "small").exists()


def test_slides_of_one_name_get_folders_of_their_own(slide: Path, tmp_path: Path) -> None:
    png = tmp_path / "small.png"
    Image.fromarray(np.full((300, 300, 3), (200, 120, 170), np.uint8)).save(png)

    done = call("run", slide, png, "-o", tmp_path / "out", "--json")

    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"small.tif", "small.png"}


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to another process")
def test_ctrl_c_stops_within_two_seconds_and_the_next_run_goes_on(slide: Path, tmp_path: Path) -> None:
    arguments = ["run", str(slide), "-o", str(tmp_path / "out"), "--stride", "48", "--batch", "4", "--json"]
    process = subprocess.Popen(
        [HISTOALIGN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    cache = Path(os.environ["HISTOALIGN_CACHE"])
    deadline = time.monotonic() + 120
    while not embedded_tiles(cache) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    stdout, stderr = process.communicate(timeout=60)
    took = time.monotonic() - sent
    kept = embedded_tiles(cache)

    assert process.returncode == 130, stderr
    assert "Stopped" in json.loads(stdout)["error"]
    assert "Traceback" not in stderr
    assert took < 2.0
    assert not (tmp_path / "out" / "small").exists()

    again = json.loads(call(*arguments).stdout)["slides"][0]
    assert again["reused"] == kept
    assert again["tiles"] > kept


def embedded_tiles(cache: Path) -> int:
    """Tiles that every store in a cache has marked as done."""
    states = [np.fromfile(path, np.uint32) != 0 for path in cache.rglob("state.u32")]
    return int(np.logical_and.reduce(states).sum()) if len(states) == 2 else 0
