"""What people decided goes along: in the name, in the class, in the outline, under the same id."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from shapely import Polygon, box
from shapely.geometry import shape
from written import RUN, region

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review import Act, AreaTarget, fold
from qupath_bridge import reviewed_regions, write_regions

MODEL = {"class": "malignant", "probability": 0.8125}
OURS = [region(box(1000 * i, 0, 1000 * i + 400, 400)) for i in range(4)]


def act(what: str, target: AreaTarget, after: object = None, who: str = "a") -> Act:
    return Act(who, what, target, after=after, model=MODEL)


def targets(tmp_path: Path) -> list[AreaTarget]:
    """What acts are about, with the ids of the exported file."""
    write_regions(tmp_path / "first.geojson", OURS, **RUN)
    plain = json.loads((tmp_path / "first.geojson").read_text(encoding="utf-8"))["features"]
    return [AreaTarget.of(r.polygon, f["id"]) for r, f in zip(OURS, plain, strict=True)]


def test_decisions_classes_and_outlines_arrive_under_the_same_ids(tmp_path: Path) -> None:
    first, second, third, fourth = targets(tmp_path)
    drawn = box(3000, 0, 3200, 400)
    acts = [
        act("accept", first, {"decision": "accepted"}),
        act("reject", second, {"decision": "rejected"}),
        act("relabel", third, {"class": "benign"}),
        act("redraw", fourth, AreaTarget.of(drawn).geometry),
    ]

    found = reviewed_regions(OURS, fold(acts), colors={"benign": "#0000ff"}, mpp=(0.5, 0.5), **RUN)
    write_regions(
        tmp_path / "r.geojson",
        found.regions,
        identities=found.identities,
        model_classes=found.model_classes,
        **RUN,
    )

    features = json.loads((tmp_path / "r.geojson").read_text(encoding="utf-8"))["features"]
    assert [f["id"] for f in features] == [t.uuid for t in (first, second, third, fourth)]
    properties = [f["properties"] for f in features]
    assert [p["name"].split(" (")[0] for p in properties] == ["malignant", "malignant", "benign", "malignant"]
    assert [p["metadata"]["histoalign review"] for p in properties[:2]] == ["accepted", "rejected"]
    assert properties[0]["name"] == "malignant (accepted)"
    assert properties[2]["classification"]["color"] == [0, 0, 255]
    numbers = [{m["name"]: m["value"] for m in p["measurements"]} for p in properties]
    # the model said this of its own class, whatever a person made of it
    assert {n["histoalign: P(malignant)"] for n in numbers} == {0.8125}
    assert not any("histoalign: P(benign)" in n for n in numbers)
    assert shape(features[3]["geometry"]).equals(drawn)
    assert numbers[3]["histoalign: area um^2"] == 200 * 400 / 4
    assert found.notes == ()


def test_a_review_of_an_earlier_outline_finds_its_region_again(tmp_path: Path) -> None:
    earlier = AreaTarget.of(box(0, 0, 420, 400))
    elsewhere = AreaTarget.of(box(9000, 9000, 9400, 9400))
    acts = [
        act("accept", earlier, {"decision": "accepted"}),
        act("accept", elsewhere, {"decision": "accepted"}),
    ]

    found = reviewed_regions(OURS, fold(acts), **RUN)

    assert found.identities[0] == earlier.uuid
    assert [r.review for r in found.regions] == ["accepted", "unreviewed", "unreviewed", "unreviewed"]
    assert found.regions[0].polygon.equals(OURS[0].polygon)
    assert found.notes == ("1 reviewed regions are of other results and not among these.",)


def test_a_region_that_nobody_reviewed_goes_out_as_it_would_without_a_review(tmp_path: Path) -> None:
    found = reviewed_regions(OURS, fold([]), **RUN)

    assert found.regions == tuple(OURS)
    assert list(found.identities) == [t.uuid for t in targets(tmp_path)]


def test_ids_that_qupath_would_ignore_become_ids_that_it_keeps(tmp_path: Path) -> None:
    path = tmp_path / "r.geojson"
    write_regions(path, OURS[:1], identities=["region 7"], **RUN)

    (once,) = json.loads(path.read_text(encoding="utf-8"))["features"]
    write_regions(path, OURS[:1], identities=["region 7"], **RUN)
    (twice,) = json.loads(path.read_text(encoding="utf-8"))["features"]

    assert str(uuid.UUID(once["id"])) == once["id"] == twice["id"]


def test_two_regions_of_one_id_are_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.geojson"
    write_regions(path, OURS, **RUN)
    before = path.read_bytes()

    with pytest.raises(ResultError, match="Region 2 has the id of another one"):
        write_regions(path, [OURS[0], region(Polygon(OURS[0].polygon))], **RUN)

    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["identities", "model_classes", "disagreement"])
def test_lists_of_another_length_are_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ResultError, match="4 regions need as many"):
        write_regions(tmp_path / "r.geojson", OURS, **{name: [None]}, **RUN)
