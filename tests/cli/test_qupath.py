"""`histoalign qupath`, with a stand-in for QuPath's classes behind the pipe."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_histoalign.cli import app
from napari_histoalign.results import Run
from napari_histoalign.results.review import fold, read_log
from napari_histoalign.workflow.qupath_objects import result_objects, result_slide
from qupath_bridge import read_geojson
from qupath_bridge.projects import Helper
from qupath_bridge.projects.ledger import read_ledger

STAND_IN = Path(__file__).parents[1] / "qupath_bridge" / "projects" / "stand_in.py"


@pytest.fixture(scope="module")
def result(slide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small slide, run."""
    out = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HISTOALIGN_CACHE", str(tmp_path_factory.mktemp("cache")))
        done = CliRunner().invoke(app, ["run", str(slide), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out / "small"


@pytest.fixture(autouse=True)
def qupath(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A helper process that needs no QuPath, but for the doctor."""
    monkeypatch.delenv("PAQUO_QUPATH_DIR", raising=False)
    if "doctor" not in request.node.name:
        command = (sys.executable, str(STAND_IN), "", "1536", "1536")
        monkeypatch.setattr("qupath_bridge.projects.find_qupath", lambda *_: None)
        monkeypatch.setattr("qupath_bridge.projects.Helper", partial(Helper, command=command))


@pytest.fixture
def own(slide: Path, tmp_path: Path) -> Path:
    """A copy of the slide, beside which a review can be kept."""
    copy = tmp_path / "slides" / slide.name
    copy.parent.mkdir()
    copy.write_bytes(slide.read_bytes())
    return copy


@pytest.fixture
def project(result: Path, own: Path, tmp_path: Path) -> Path:
    """A project with the result in it."""
    told = said("export", result, "--project", tmp_path / "study", "--create", "--slide", own.parent)
    assert told["exported"][0]["removed"] == 0
    return tmp_path / "study"


def said(*words: object, status: int = 0) -> Any:
    """What a command says as JSON."""
    done = CliRunner().invoke(app, ["qupath", *map(str, words), "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def stored(project: Path) -> list[dict[str, Any]]:
    return json.loads((project / "data/1/data.qpdata").read_text(encoding="utf-8"))


def edited(project: Path, features: list[dict[str, Any]]) -> None:
    (project / "data/1/data.qpdata").write_text(json.dumps(features), encoding="utf-8")


def test_doctor_without_qupath_fails_and_says_that_geojson_works(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["qupath", "doctor", "--qupath", str(tmp_path)])

    assert done.exit_code == 1
    assert "is no QuPath that can be used" in done.output
    assert "regions.geojson and tiles.geojson open in QuPath" in done.output


def test_the_project_holds_what_the_geojson_files_hold(result: Path, project: Path) -> None:
    found = {f["id"]: f for f in stored(project)}
    regions = read_geojson(result / "regions.geojson").annotations
    tiles = read_geojson(result / "tiles.geojson").annotations

    assert set(found) == {one.identity for one in (*regions, *tiles)}
    for one in (*regions, *tiles):
        properties = found[str(one.identity)]["properties"]
        assert properties["objectType"] == one.kind
        assert properties["classification"]["name"] == one.class_name
        shared = one.measurements.keys() & properties["measurements"].keys()
        assert {"histoalign: P(malignant)", "histoalign: P(benign)"} & shared
        for name in shared:
            assert properties["measurements"][name] == pytest.approx(one.measurements[name], abs=1e-5)
    assert read_ledger(project / "data/1").run_id == Run.read(result / "run.json").run_id


@pytest.mark.parametrize("match", ["name", "uri", "fingerprint"])
def test_an_image_is_known_again(result: Path, project: Path, own: Path, match: str) -> None:
    told = said("export", result, "-p", project, "--match", match, "--slide", own)

    assert [one["image"] for one in told["exported"]] == ["1"]
    assert told["exported"][0]["added"] == told["exported"][0]["removed"] > 0
    assert [image["name"] for image in said("images", "-p", project)["images"]] == ["small.tif"]


def test_coordinates_start_at_the_bounds_where_qupath_shows_no_more(result: Path) -> None:
    slide = replace(result_slide(result), bounds=(100, 50, 1000, 800))  # the regions' file starts there, then
    of_bounds, of_all = slide.offset_for((1000, 800)), slide.offset_for((1536, 1536))
    cropped = {one.uuid: one for one in result_objects(slide, of_bounds)}
    whole = {one.uuid: one for one in result_objects(slide, of_all)}

    assert (of_bounds, of_all, slide.offset_for(None)) == ((100, 50), (0, 0), (100, 50))
    assert (slide.size_with(of_bounds), slide.size_with(of_all)) == ((1000, 800), (1536, 1536))
    assert cropped.keys() == whole.keys()
    for identity, one in cropped.items():
        other = whole[identity]
        if one.rectangle and other.rectangle:
            assert np.subtract(other.rectangle, one.rectangle).tolist() == [100, 50, 0, 0]
        else:
            assert one.geometry is not None and other.geometry is not None
            assert np.subtract(other.geometry.bounds, one.geometry.bounds).tolist() == [100, 50, 100, 50]


def test_without_tiles_regions_alone_are_written(result: Path, project: Path) -> None:
    said("export", result, "-p", project, "--no-tiles")

    assert {f["properties"]["objectType"] for f in stored(project)} == {"annotation"}


def test_another_slide_of_the_same_name_is_refused(result: Path, project: Path, own: Path) -> None:
    own.write_bytes(own.read_bytes() + b"\0")
    before = (project / "data/1/data.qpdata").read_bytes()

    told = said("export", result, "-p", project, status=1)

    assert "is another slide" in told["errors"][0]
    assert (project / "data/1/data.qpdata").read_bytes() == before


def test_a_slide_that_the_project_lacks_is_asked_for(result: Path, tmp_path: Path) -> None:
    told = said("export", result, "-p", tmp_path / "new", "--create", status=1)

    assert "Give its file with --slide" in told["errors"][0]
    assert not (tmp_path / "new").exists()


def test_what_people_drew_comes_back_as_files_for_a_run(project: Path, tmp_path: Path) -> None:
    square = [[[10, 20], [300, 20], [300, 220], [10, 220], [10, 20]]]
    drawn = [
        {
            "type": "Feature",
            "id": f"{n}1111111-2222-4333-8444-555555555555",
            "geometry": {"type": "Polygon", "coordinates": square},
            "properties": {"objectType": "annotation", **more},
        }
        for n, more in enumerate(({}, {"classification": {"name": "Tumor"}}))
    ]
    edited(project, [*stored(project), *drawn])

    roi = said("import", "-p", project, "-o", tmp_path / "roi")
    examples = said("import", "-p", project, "-o", tmp_path / "examples", "--as", "examples")

    assert roi["images"][0]["annotations"] == 2
    assert examples["images"][0]["classes"] == {"Tumor": 1}
    (found,) = read_geojson(Path(examples["images"][0]["file"])).annotations
    assert (found.class_name, found.geometry.bounds) == ("Tumor", (10, 20, 300, 220))


def test_nothing_drawn_is_told(project: Path, tmp_path: Path) -> None:
    told = said("import", "-p", project, "-o", tmp_path / "roi", status=1)

    assert "Draw one in QuPath and save" in told["errors"][0]


def test_decisions_come_back_into_the_review_once(project: Path, own: Path) -> None:
    features = stored(project)
    regions = [f for f in features if f["properties"]["objectType"] == "annotation"]
    first, rest = regions[0], regions[1:]
    first["properties"]["classification"] = {"name": "benign"}
    x, y = first["geometry"]["coordinates"][0][0]
    first["geometry"]["coordinates"][0] = [[x, y], [x + 400, y], [x + 400, y + 90], [x, y + 90], [x, y]]
    gone = rest[:1]
    edited(project, [f for f in features if f not in gone])

    told = said("import", "-p", project, "--reviewer", "Anna")
    again = said("import", "-p", project, "--reviewer", "Anna")

    log = read_log(own.with_name(own.name + ".histoalign") / "review.jsonl")
    review = fold(log.acts).regions
    assert told["images"][0]["acts"] == 2 + len(gone)
    assert again["images"][0]["acts"] == 0
    assert review[first["id"]].class_name == "benign"
    assert review[first["id"]].decision == "accepted"
    assert review[first["id"]].redrawn
    assert review[first["id"]].target.polygon.area == 400 * 90
    assert all(review[one["id"]].decision == "rejected" for one in gone)


def test_a_locked_region_is_an_accepted_one(project: Path, own: Path) -> None:
    features = stored(project)
    region = next(f for f in features if f["properties"]["objectType"] == "annotation")
    region["properties"]["isLocked"] = True
    edited(project, features)

    said("import", "-p", project, "--reviewer", "Anna")

    log = read_log(own.with_name(own.name + ".histoalign") / "review.jsonl")
    assert [act.what for act in log.acts] == ["accept"]
    assert log.acts[0].note == "Set in QuPath."
    assert fold(log.acts).regions[region["id"]].decision == "accepted"


def test_an_image_that_is_not_there_is_told(project: Path, tmp_path: Path) -> None:
    told = said("import", "-p", project, "-o", tmp_path / "roi", "--entry", "none.tif", status=1)

    assert "has no image none.tif. It has: small.tif" in told["error"]


def test_batch_runs_each_image_within_what_was_drawn_and_goes_on(
    own: Path, result: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HISTOALIGN_CACHE", str(tmp_path / "cache"))
    square = [[[224, 224], [890, 224], [890, 660], [224, 660], [224, 224]]]
    drawn = {
        "type": "Feature",
        "id": "11111111-2222-4333-8444-555555555555",
        "geometry": {"type": "Polygon", "coordinates": square},
        "properties": {"objectType": "annotation"},
    }
    edited(project, [*stored(project), drawn])
    content = json.loads((project / "project.qpproj").read_text(encoding="utf-8"))
    lost = {"serverBuilder": {"uri": "file:/no/where.svs"}, "entryID": 2, "imageName": "where.svs"}
    content["images"].append(lost)
    (project / "project.qpproj").write_text(json.dumps(content), encoding="utf-8")
    words = ("batch", "-p", project, "-o", tmp_path / "out")

    first, missing = said(*words, status=1)["images"]
    again, _ = said(*words, status=1)["images"]
    edited(project, [f for f in stored(project) if f["id"] != drawn["id"]])
    wider = said(*words, "--entry", "small.tif")["images"][0]

    assert (first["status"], again["status"], wider["status"]) == ("done", "kept", "done")
    assert missing["status"] == "failed"
    assert "not where the project has it" in missing["message"]
    assert first["tiles"] == 6  # 3 x 2 tiles of 224 px have their centres in it
    assert wider["tiles"] > first["tiles"]
    ours = [f for f in stored(project) if f["properties"]["objectType"] == "tile"]
    assert len(ours) == wider["tiles"]
