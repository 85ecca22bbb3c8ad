"""Annotations of every version come in; what cannot be read is reported and the rest kept."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from napari_histoalign.errors import GeoJSONError
from qupath_bridge import read_geojson, roi_geometry

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]}


def write(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "drawn.geojson"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def feature(geometry: Any = SQUARE, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


@pytest.mark.parametrize(
    "content",
    [
        {"type": "FeatureCollection", "features": [feature()]},
        [feature()],
        feature(),
        SQUARE,
    ],
    ids=["collection", "list", "feature", "geometry"],
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
        {"a": 1, "b": 2.5, "c": None, "d": True, "e": "x"},
        [{"name": "a", "value": 1}, {"name": "b", "value": 2.5}, {"name": "c", "value": None}, 3],
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
        feature({"type": "Point", "coordinates": [1e400, 0]}),
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

    roi = roi_geometry(write(tmp_path, [feature(), feature(other), feature(line)]), bounds_offset=(100, 200))

    assert roi.area == pytest.approx(150)
    assert roi.bounds == (100, 200, 115, 210)


def test_a_file_without_areas_is_no_region_of_interest(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [1, 2]}

    with pytest.raises(GeoJSONError, match=r"drawn\.geojson holds no area"):
        roi_geometry(write(tmp_path, [feature(point)]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"3",
        b'"text"',
        b"{}",
        b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": 3}',
        b'{"type": "Topology"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        bytes(range(256)),
        "[]".encode("utf-16"),
        b"\x1f\x8b broken gzip",
        gzip.compress(b"x" * 100)[:-12],
    ],
    ids=range(15),
)
def test_what_is_no_geojson_is_a_sentence_with_the_files_name(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(GeoJSONError, match=r"drawn\.geojson"):
        read_geojson(write(tmp_path, content))


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(GeoJSONError, match=r"gone\.geojson cannot be read"):
        read_geojson(tmp_path / "gone.geojson")
