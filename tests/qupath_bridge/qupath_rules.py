"""What QuPath 0.4 to 0.7 refuse in a GeoJSON file, as a checker. One fault there fails the whole file."""

from __future__ import annotations

import json
import math
import uuid
from typing import Any

from shapely.geometry import shape

TYPES = {"annotation", "detection", "tile", "cell", "tmaCore", "root"}


def check_file(content: str) -> list[dict[str, Any]]:
    """Check a whole file; returns its features."""

    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    collection = json.loads(content, parse_constant=refuse)
    assert collection["type"] == "FeatureCollection"
    for feature in collection["features"]:
        check_feature(feature)
    identities = [f["id"] for f in collection["features"]]
    assert len(set(identities)) == len(identities)
    return collection["features"]


def check_feature(feature: dict[str, Any]) -> None:
    """Check one feature against the rules of every version."""
    assert feature["type"] == "Feature"
    assert str(uuid.UUID(feature["id"])) == feature["id"]  # other ids are ignored
    properties = feature["properties"]
    # 0.2 and 0.3 read object_type, later ones objectType
    assert properties["objectType"] == properties["object_type"]
    assert properties["objectType"] in TYPES
    assert properties["isLocked"] is False
    if "name" in properties:
        assert isinstance(properties["name"], str)
    _check_class(properties["classification"])
    for measurement in properties["measurements"]:  # a list is what 0.2 and 0.3 read; a map they drop
        assert set(measurement) == {"name", "value"}
        value = measurement["value"]
        assert not isinstance(value, bool)
        assert math.isfinite(value)
    for key, value in properties.get("metadata", {}).items():  # a flat map of strings
        assert isinstance(key, str)
        assert isinstance(value, str)
    _check_no_null(feature)
    _check_geometry(feature["geometry"])


def _check_class(plain: dict[str, Any]) -> None:
    assert isinstance(plain["name"], str)
    assert plain["name"]
    rgb = plain["color"]  # a class without a colour is an error from 0.4 on
    assert len(rgb) == 3
    assert all(isinstance(v, int) and 0 <= v <= 255 for v in rgb)
    packed = plain["colorRGB"]
    assert -(2**31) <= packed < 2**31
    unsigned = packed % 2**32
    assert unsigned >> 24 == 255
    assert [unsigned >> 16 & 255, unsigned >> 8 & 255, unsigned & 255] == rgb


def _check_geometry(plain: dict[str, Any]) -> None:
    polygons = [plain["coordinates"]] if plain["type"] == "Polygon" else plain["coordinates"]
    for polygon in polygons:
        for ring in polygon:
            assert len(ring) >= 4
            assert ring[0] == ring[-1]
    assert shape(plain).is_valid  # a bow-tie is an error in 0.6 and 0.7
    assert shape(plain).area > 0


def _check_no_null(value: Any) -> None:
    assert value is not None
    if isinstance(value, dict):
        for inner in value.values():
            _check_no_null(inner)
    if isinstance(value, list):
        for inner in value:
            _check_no_null(inner)
