"""`histoalign demo`: the whole path, and napari at its end where there is a display."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_histoalign.cli import app

FILES = {"tiles.parquet", "probabilities.zarr", "regions.geojson", "tiles.geojson", "overlay.png", "run.json"}


@pytest.fixture
def shown(slide: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A small slide in the place of the sample, and what napari would have been opened on."""
    opened: list[Path] = []
    monkeypatch.setattr("napari_histoalign.sample.sample_slide", lambda progress=None: slide)
    monkeypatch.setattr("napari_histoalign.plugin.app.show_slide", opened.append)
    return opened


def test_it_writes_the_results_and_says_what_the_encoders_are(shown: list[Path], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--no-gui"])

    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "small").iterdir()} == FILES
    assert "not for diagnosis" in done.output
    assert "malignant" in done.stdout
    assert "mm²" in done.stdout
    assert "tiles/s" in done.stdout
    assert shown == []


def test_with_a_display_it_opens_napari_on_the_slide(
    shown: list[Path], slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":7")

    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--json"])

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["slides"][0]["slide"] == str(slide)
    assert shown == [slide]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can lack a display")
def test_without_a_display_it_says_so_and_succeeds(
    shown: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)])

    assert done.exit_code == 0, done.output
    assert "no display" in done.stderr
    assert shown == []


@pytest.mark.full
def test_the_real_sample_slide_is_drawn_once_and_scored(tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("histoalign"), "demo", "--no-gui", "--json", "--out", tmp_path]

    first, second = (
        json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["slides"][0]
        for _ in range(2)
    )

    assert first["tiles"] > 500
    assert first["reused"] == 0
    assert second["reused"] == second["tiles"] == first["tiles"]
    malignant = next(c for c in first["classes"] if c["name"] == "malignant")
    assert 1.0 < malignant["area_mm2"] < 5.0
