"""Finding QuPath, and saying what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_parts import helper

from qupath_bridge.projects import NoQuPathError, diagnose, find_qupath
from qupath_bridge.projects.finding import parts_of
from qupath_bridge.projects.listing import path_of


def installed(folder: Path, version: str = "0.5.1") -> Path:
    """Something with QuPath's layout on this system."""
    app, machine = parts_of(folder)
    app.mkdir(parents=True)
    machine.parent.mkdir(parents=True)
    machine.touch()
    (app / f"qupath-core-{version}.jar").touch()
    (app / "qupath-core-processing-9.9.9.jar").touch()
    return folder


def test_the_first_that_is_named_counts(tmp_path: Path) -> None:
    one, two, three = (installed(tmp_path / name, f"0.{n}.0") for n, name in enumerate("abc", start=5))
    environment = {"PAQUO_QUPATH_DIR": str(three)}

    by_person = find_qupath(one, setting=str(two), environment=environment)
    by_setting = find_qupath(setting=str(two), environment=environment)
    by_environment = find_qupath(environment=environment)

    assert [f.version for f in (by_person, by_setting, by_environment)] == ["0.5.0", "0.6.0", "0.7.0"]
    assert (by_person.source, by_setting.source) == ("--qupath", "the settings")
    assert by_environment.source == "the environment variable PAQUO_QUPATH_DIR"


def test_a_named_folder_that_is_none_is_not_passed_over(tmp_path: Path) -> None:
    environment = {"PAQUO_QUPATH_DIR": str(installed(tmp_path / "good"))}

    with pytest.raises(NoQuPathError, match=r"is not there.*GeoJSON|regions\.geojson"):
        find_qupath(tmp_path / "bad", environment=environment)


def test_one_too_old_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoQuPathError, match=r"QuPath 0\.3\.2 .* too old"):
        find_qupath(installed(tmp_path / "old", "0.3.2"), environment={})


def test_without_qupath_the_doctor_says_what_works_all_the_same(tmp_path: Path) -> None:
    found = diagnose(tmp_path)

    assert not found.works
    assert "regions.geojson and tiles.geojson open in QuPath" in found.advice[0]


@pytest.mark.parametrize(
    ("fault", "works", "advice"),
    [("", True, ""), ("without openslide", True, "OpenSlide cannot be loaded"), ("dies", False, "SIGSEGV")],
)
def test_the_doctor_asks_qupath(tmp_path: Path, fault: str, works: bool, advice: str) -> None:
    found = diagnose(installed(tmp_path / "QuPath"), helper=lambda qupath: helper(fault))

    assert found.works is works
    assert found.qupath == "0.5.1"
    assert advice in " ".join(found.advice)
    assert bool(advice) == bool(found.advice)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:/a/b%20c.tif", Path("/a/b c.tif")),
        ("file:///a/%C3%BC.tif", Path("/a/ü.tif")),
        ("file://server/share/a.tif", Path("//server/share/a.tif")),
        ("https://omero.example/img-1", None),
    ],
)
def test_files_of_uris(uri: str, path: Path | None) -> None:
    assert path_of(uri) == path
