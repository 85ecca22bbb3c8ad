"""Annotations of every version come in; what cannot be read is reported and the rest kept."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from drawn import SQUARE, feature, write
from shapely import box, force_2d
from shapely.affinity import translate
from shapely.geometry import shape
from written import RUN, region

from napari_histoalign.errors import GeoJSONError
from qupath_bridge import read_geojson, roi_geometry, write_regions


@pytest.mark.parametrize(
    "content",
    [
        {"type": "FeatureCollection", "features": [feature()]},
        [feature()],
        feature(),
        SQUARE,
        {"type": "GeometryCollection", "geometries": [SQUARE]},
    ],
    ids=["collection", "list", "feature", "geometry", "geometries"],
)
def test_every_wrapping_is_read(tmp_path: Path, content: Any) -> None:
    result = read_geojson(write(tmp_path, content))

    assert [a.geometry.area for a in result.annotations] == [100]
    assert result.errors == ()


@pytest.mark.parametrize(
    ("classification", "name", "color"),
    [
        ({"name": "Tumor", "colorRGB": -3670016}, "Tumor", "#c80000"),
        ({"name": "Tumor", "color": [200, 0, 0]}, "Tumor", "#c80000"),
        ({"names": ["Tumor", "Positive"], "color": [1, 2, 3]}, "Tumor: Positive", "#010203"),
        ({"name": "Tumor", "color": -3670016}, "Tumor", "#c80000"),
        ({"name": "Tumor", "color": "#C80000"}, "Tumor", "#c80000"),
        ({"name": "Tumor", "color": "red"}, "Tumor", None),
        ({"name": "Tumor", "color": [200, 0, 256]}, "Tumor", None),
        ({"name": "Tumor", "color": [200, 0]}, "Tumor", None),
        ({"name": "Tumor", "colorRGB": True}, "Tumor", None),
        ({"name": None, "names": [3, None]}, None, None),
        ({"name": "Tumor"}, "Tumor", None),
        ("Tumor", "Tumor", None),
        (None, None, None),
    ],
)
def test_classes_of_every_version(
    tmp_path: Path, classification: Any, name: str | None, color: str | None
) -> None:
    (annotation,) = read_geojson(write(tmp_path, feature(classification=classification))).annotations

    assert (annotation.class_name, annotation.color) == (name, color)


@pytest.mark.parametrize(
    "measurements",
    [
        {"a": 1, "b": 2.5, "c": None, "d": True, "e": "x", "f": float("nan"), "g": 10**400, "h": [1]},
        [{"name": "a", "value": 1}, {"name": "b", "value": 2.5}, {"name": "c", "value": None}, 3],
        [{"name": "a", "value": 1}, {"name": "b", "value": 2.5}, {"name": None, "value": 3}, {}],
    ],
)
def test_measurements_as_map_and_as_list(tmp_path: Path, measurements: Any) -> None:
    (annotation,) = read_geojson(write(tmp_path, feature(measurements=measurements))).annotations

    assert annotation.measurements == {"a": 1.0, "b": 2.5}


def test_gz_and_byte_order_mark(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(feature()).encode())
    marked = b"\xef\xbb\xbf" + json.dumps(feature()).encode()

    for content in (packed, marked):
        assert len(read_geojson(write(tmp_path, content)).annotations) == 1


def test_bad_features_are_reported_by_number_and_the_rest_kept(tmp_path: Path) -> None:
    bad = [
        feature(None),
        feature({"type": "Polygon"}),
        feature({"type": "Polygon", "coordinates": "x"}),
        feature({"type": "Blob", "coordinates": [1, 2]}),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
        feature({"type": "Polygon", "coordinates": []}),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [5, 0], [9, 0], [0, 0]]]}),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [5, 0, 3], [5, 5], [0, 0]]]}),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [None, 0], [5, 5], [0, 0]]]}),
        feature({"type": "Polygon", "coordinates": [[["a", 0], [5, 0], [5, 5], [0, 0]]]}),
        feature({"type": "Polygon", "coordinates": {"x": 1}}),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [1e308, 1e308], [1e308, 0], [0, 0]]]}),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 1], [5, 5], [0, 0]]]}),
        feature({"type": "MultiPolygon", "coordinates": [[[0, 0], [5, 0], [5, 5]]]}),
        feature({"type": "LineString", "coordinates": [[0, 0]]}),
        feature({"type": "Point", "coordinates": []}),
        feature({"type": "Point", "coordinates": 3}),
        feature({"type": "Point", "coordinates": [10**400, 0]}),
        feature({"type": "Point", "coordinates": [1e400, 0]}),
        feature({"type": ["Polygon"], "coordinates": []}),
        feature({"type": "GeometryCollection", "geometries": []}),
        feature({"type": "GeometryCollection", "geometries": [3]}),
        feature([SQUARE]),
        feature("POLYGON ((0 0, 1 0, 1 1, 0 0))"),
        3,
        None,
        [],
        {"type": "Feature"},
    ]
    path = write(tmp_path, [feature(name="first"), *bad, feature(name="last")])

    result = read_geojson(path)

    assert [a.name for a in result.annotations] == ["first", "last"]
    assert len(result.errors) == len(bad)
    for number, error in enumerate(result.errors, start=2):
        assert error.startswith(f"drawn.geojson: object {number} ")


def test_an_outline_that_crosses_itself_is_repaired_and_named(tmp_path: Path) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]}

    result = read_geojson(write(tmp_path, feature(bow_tie)))

    assert result.annotations[0].geometry.is_valid
    assert result.annotations[0].geometry.area == pytest.approx(50)
    assert "repaired" in result.errors[0]


def test_an_area_that_is_repaired_stays_an_area(tmp_path: Path) -> None:
    spike = {
        "type": "Polygon",
        "coordinates": [[[0, 0], [10, 0], [10, 10], [10, 50], [10, 10], [0, 10], [0, 0]]],
    }

    result = read_geojson(write(tmp_path, feature(spike)))

    assert result.annotations[0].geometry.equals(box(0, 0, 10, 10))
    assert result.annotations[0].geometry.geom_type == "Polygon"
    assert "repaired" in result.errors[0]


@pytest.mark.parametrize(
    "plain",
    [
        {"type": "Point", "coordinates": [3, 4]},
        {"type": "Point", "coordinates": [3, 4, 5]},
        {"type": "MultiPoint", "coordinates": [[3, 4], [5, 6]]},
        {"type": "LineString", "coordinates": [[3, 4], [5, 6]]},
        {"type": "MultiLineString", "coordinates": [[[3, 4], [5, 6]], [[7, 8], [9, 9]]]},
        {
            "type": "MultiPolygon",
            "coordinates": [SQUARE["coordinates"], [[[20, 0], [30, 0], [30, 9], [20, 0]]]],
        },
        {**SQUARE, "isEllipse": True, "plane": {"c": -1, "z": 0, "t": 0}},
        {
            "type": "Polygon",
            "coordinates": [*SQUARE["coordinates"], [[2, 2], [2, 4], [4, 4], [4, 2], [2, 2]]],
        },
    ],
    ids=["point", "3d", "points", "line", "lines", "polygons", "ellipse", "hole"],
)
def test_every_geometry_is_read_and_moved_by_the_offset(tmp_path: Path, plain: dict[str, Any]) -> None:
    result = read_geojson(write(tmp_path, feature(plain)), bounds_offset=(100, 1000))

    assert result.errors == ()
    assert result.annotations[0].geometry.equals(translate(force_2d(shape(plain)), 100, 1000))
    assert not result.annotations[0].geometry.has_z


@pytest.mark.parametrize(
    ("entry", "kind", "identity"),
    [
        ({"properties": {"objectType": "tile", "object_type": "tile"}, "id": "u"}, "tile", "u"),
        ({"properties": {"object_type": "detection"}}, "detection", None),
        ({"properties": {"type": "cell"}}, "cell", None),
        ({"properties": {"objectType": "Tile"}}, "annotation", None),
        ({"properties": {"objectType": ["tile"]}, "id": ["u"]}, "annotation", None),
        ({"properties": {}, "id": "PathTileObject"}, "tile", None),
        ({"properties": {"objectType": "PathCellObject"}}, "cell", None),
        ({"properties": {"object_type": "tma_core"}}, "tmaCore", None),
        ({"properties": {}, "id": 7}, "annotation", None),
    ],
)
def test_types_and_ids_of_every_version(
    tmp_path: Path, entry: dict[str, Any], kind: str, identity: str | None
) -> None:
    (found,) = read_geojson(write(tmp_path, {"type": "Feature", "geometry": SQUARE, **entry})).annotations

    assert (found.kind, found.identity) == (kind, identity)


def test_half_a_character_in_a_name_can_be_written_again(tmp_path: Path) -> None:
    (found,) = read_geojson(write(tmp_path, feature(name="a\ud800", classification="b\udfff"))).annotations

    assert (found.name, found.class_name) == ("a?", "b?")


@pytest.mark.parametrize(
    "properties", [None, [], "x", 3, {"classification": 3, "measurements": 3, "name": 3, "isLocked": "yes"}]
)
def test_odd_properties_do_no_harm(tmp_path: Path, properties: Any) -> None:
    entry = {"type": "Feature", "geometry": SQUARE, "properties": properties}

    (annotation,) = read_geojson(write(tmp_path, entry)).annotations

    assert annotation.kind == "annotation"
    assert annotation.locked is False


def test_the_region_of_interest_is_the_union_of_all_areas(tmp_path: Path) -> None:
    other = {"type": "Polygon", "coordinates": [[[5, 0], [15, 0], [15, 10], [5, 10], [5, 0]]]}
    line = {"type": "LineString", "coordinates": [[0, 0], [500, 500]]}
    tile = {"type": "Polygon", "coordinates": [[[50, 0], [60, 0], [60, 10], [50, 10], [50, 0]]]}
    drawn = [feature(), feature(other), feature(line), feature(tile, objectType="tile"), feature(None)]

    roi = roi_geometry(write(tmp_path, drawn), bounds_offset=(100, 200))

    assert roi.area == pytest.approx(150)
    assert roi.bounds == (100, 200, 115, 210)


def test_objects_within_objects_and_collections_within_lists_are_read(tmp_path: Path) -> None:
    innermost = feature(name="innermost")
    inner = [feature(name="inner", children=[innermost]), feature(None), feature(name="second")]
    content = [
        feature(name="outer", childObjects=inner),
        {"type": "FeatureCollection", "features": [feature(name="in a collection"), 3]},
        SQUARE,
    ]

    result = read_geojson(write(tmp_path, content))

    names = [a.name for a in result.annotations]
    assert names == ["outer", "inner", "innermost", "second", "in a collection", None]
    assert [error.split(" is left out")[0] for error in result.errors] == [
        "drawn.geojson: object 1.2",
        "drawn.geojson: object 2.2",
    ]


def test_metadata_are_kept_as_texts(tmp_path: Path) -> None:
    kept = {"histoalign run": "abc", "number": 3, "empty": "", "half\ud800": "x"}

    (found,) = read_geojson(write(tmp_path, feature(metadata=kept))).annotations

    assert found.metadata == {"histoalign run": "abc", "half?": "x"}


@pytest.mark.parametrize("kept", [True, False], ids=["0.7", "0.3"])
def test_the_frame_around_a_run_is_no_region_of_interest(tmp_path: Path, kept: bool) -> None:
    path = tmp_path / "r.geojson"
    write_regions(path, [region(box(5, 5, 9, 9))], run_area=box(0, 0, 900, 900), **RUN)
    content = json.loads(path.read_text(encoding="utf-8"))
    if not kept:  # what QuPath 0.3 writes again of what it read
        for plain in content["features"]:
            del plain["properties"]["metadata"]

    assert roi_geometry(write(tmp_path, content)).equals(box(5, 5, 9, 9))


def test_a_file_without_areas_is_no_region_of_interest(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [1, 2]}

    with pytest.raises(GeoJSONError, match=r"drawn\.geojson holds no area"):
        roi_geometry(write(tmp_path, [feature(point)]))
