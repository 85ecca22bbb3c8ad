"""The readers of each version refuse and drop what those versions do, and open all that is written here."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import SQUARE, feature
from qupath_versions import SUPPORTED, V02, V03, V04, V05, V06, V07, VERSIONS, RefusedError, Seen, open_in
from shapely import MultiPolygon, Polygon, box
from shapely.geometry import shape
from written import RUN, SHAPES, region, scores

from qupath_bridge import read_geojson, write_regions, write_tiles

BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]}
OPEN = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10]]]}
ALL = set(VERSIONS)
LATE = {V04, V05, V06, V07}


def seen(plain: Any, version: str) -> Seen | None:
    try:
        (found,) = open_in(json.dumps(plain).encode(), version)
    except RefusedError:
        return None
    return found


@pytest.mark.parametrize(
    ("plain", "opened_by"),
    [
        (feature(), ALL),
        (feature(BOW_TIE), {V02, V03, V04, V05}),
        (feature(OPEN), set()),
        (feature(None), set()),
        (feature(name=None), set()),
        ({**feature(), "id": None}, set()),
        ({**feature(), "properties": None}, set()),
        (feature(classification={"name": "a"}), {V02, V03}),
        (feature(classification={"name": "a", "color": [1, 2, 3]}), ALL),
        (feature(classification={"name": "a", "colorRGB": -1}), ALL),
        (feature(classification={"name": "a", "color": -1}), {V02, V03}),
        (feature(classification={"name": "a", "color": "#010203"}), {V02, V03}),
        (feature(classification="a"), LATE),
        (feature(classification=None), LATE),
        (feature(measurements=[{"name": "m", "value": "x"}]), set()),
        (feature(measurements=[{"name": "m", "value": None}]), set()),
        (feature(measurements={"m": "x"}), {V02, V03}),
        (feature(measurements={"m": math.nan}), ALL - {V04}),
        (feature(measurements={"m": None}), ALL - {V04}),
        (feature(measurements={"m": True}), ALL - {V04}),
    ],
    ids=range(20),
)
def test_versions_open_what_they_were_seen_to_open(plain: dict[str, Any], opened_by: set[str]) -> None:
    assert {version for version in VERSIONS if seen(plain, version)} == opened_by


@pytest.mark.parametrize(
    ("entry", "properties", "tiles_in"),
    [
        ({}, {"objectType": "tile"}, LATE),
        ({}, {"object_type": "tile"}, ALL - {V02}),
        ({}, {"type": "tile"}, ALL - {V02}),
        ({}, {"objectType": "Tile"}, set()),
        ({"id": "PathTileObject"}, {}, ALL),
    ],
    ids=range(5),
)
def test_types_as_each_version_takes_them(
    entry: dict[str, Any], properties: dict[str, Any], tiles_in: set[str]
) -> None:
    plain = {**feature(**properties), **entry}

    kinds = {version: seen(plain, version) for version in VERSIONS}

    assert {version for version, found in kinds.items() if found and found.kind == "tile"} == tiles_in


def test_one_fault_fails_the_whole_file_there_and_not_here(tmp_path: Path) -> None:
    path = tmp_path / "mixed.geojson"
    path.write_text(json.dumps([feature(name="good"), feature(OPEN), feature(None)]), encoding="utf-8")

    for version in VERSIONS:
        with pytest.raises(RefusedError):
            open_in(path.read_bytes(), version)
    assert [a.name for a in read_geojson(path).annotations] == ["good", None]


@pytest.mark.parametrize("version", SUPPORTED)
def test_regions_arrive_whole_in_every_version(tmp_path: Path, version: str) -> None:
    path = tmp_path / "r.geojson"
    regions = [
        region(s, review=r) for s, r in zip(SHAPES, ("accepted", "rejected", "unreviewed"), strict=True)
    ]
    write_regions(path, regions, disagreement=[0.25, None, 0.5], run_area=box(0, 0, 5000, 5000), **RUN)

    run, *found = open_in(path.read_bytes(), version)

    assert (run.class_name, run.name, run.kind) == (None, "histoalign run 11111111", "annotation")
    assert [f.name for f in found] == ["malignant (accepted)", "malignant (rejected)", "malignant"]
    for one, source, spread in zip(found, regions, (0.25, None, 0.5), strict=True):
        assert one.kind == "annotation"
        assert one.geometry.symmetric_difference(source.polygon).area == 0
        assert (one.class_name, one.rgb) == ("malignant", 0xD62728 - (1 << 24))
        assert one.measurements == {
            "histoalign: P(malignant)": 0.8125,
            "histoalign: area um^2": source.area_um2,
            "histoalign: tiles": 3,
            "histoalign: margin": 0.6,
            **({} if spread is None else {"histoalign: disagreement": spread}),
        }
        assert not one.locked
    if version >= V05:
        decisions = [f.metadata["histoalign review"] for f in found]
        assert decisions == ["accepted", "rejected", "pending"]
        assert {f.metadata["histoalign run"] for f in (run, *found)} == {RUN["run_id"]}
        assert run.metadata["histoalign object"] == "run"


@pytest.mark.parametrize("version", SUPPORTED)
def test_tiles_arrive_as_tiles_in_every_version(tmp_path: Path, version: str) -> None:
    path = tmp_path / "t.geojson"
    tiles = scores(40)
    spread = np.linspace(0, 1, 40)
    write_tiles(path, tiles, disagreement=spread, **RUN)

    found = open_in(path.read_bytes(), version)

    assert {f.kind for f in found} == {"tile"}
    assert [f.class_name for f in found] == tiles.labels
    names = ("P(malignant)", "P(benign)", "P(glass)", "margin", "disagreement")
    measured = [[f.measurements[f"histoalign: {name}"] for name in names] for f in found]
    expected = np.column_stack([tiles.probabilities, tiles.margin, spread])
    np.testing.assert_allclose(measured, expected, atol=1e-6)
    ids = {f.identity for f in found}
    assert (None in ids) == (version == V03)
    assert version == V03 or len(ids) == 40


@pytest.mark.parametrize("version", VERSIONS)
def test_names_in_every_script_arrive_in_every_version(tmp_path: Path, version: str) -> None:
    path = tmp_path / "r.geojson"
    name = 'bösartig, 悪性, \U0001f52c, "злокачественный"'
    write_regions(path, [region(box(0, 0, 9, 9), class_name=name)], notice="naïve", **RUN)

    (found,) = open_in(path.read_bytes(), version)

    assert (found.class_name, found.name) == (name, name)
    assert f"histoalign: P({name})" in found.measurements


def test_packed_files_open_from_0_4_on(tmp_path: Path) -> None:
    write_tiles(tmp_path / "t.geojson", scores(9), **RUN)
    write_tiles(tmp_path / "t.geojson.gz", scores(9), **RUN)
    packed = (tmp_path / "t.geojson.gz").read_bytes()

    opened = {version: len(open_in(packed, version, packed=True)) for version in SUPPORTED}

    assert opened == {V03: 0, V04: 9, V05: 9, V06: 9, V07: 9}
    assert gzip.decompress(packed) == (tmp_path / "t.geojson").read_bytes()


def test_an_outline_drawn_across_itself_is_repaired_before_0_6_would_refuse_it(tmp_path: Path) -> None:
    path = tmp_path / "r.geojson"
    knot = Polygon(BOW_TIE["coordinates"][0])

    notes = write_regions(path, [region(box(20, 0, 30, 9)), region(knot, area_um2=12.5)], **RUN)

    assert notes == ("The outline of region 2 crossed itself and was repaired.",)
    for version in SUPPORTED:
        found = open_in(path.read_bytes(), version)
        assert isinstance(found[1].geometry, MultiPolygon)
        assert found[1].geometry.area == pytest.approx(50)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_square_of_these_tests_is_read_as_drawn(version: str) -> None:
    found = seen(feature(objectType="annotation", isLocked=True), version)

    assert found is not None
    assert found.geometry.equals(shape(SQUARE))
    assert found.locked
