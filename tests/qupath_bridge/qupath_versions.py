"""QuPath's reading of GeoJSON, version by version, written from what its classes were seen to do.

One fault fails the whole file there, and so it does here. What a version ignores is None or empty.
"""

from __future__ import annotations

import gzip
import json
import math
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shapely import make_valid
from shapely.geometry import shape

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

V02, V03, V04, V05, V06, V07 = VERSIONS = ("0.2.3", "0.3.2", "0.4.4", "0.5.1", "0.6.0", "0.7.0")
SUPPORTED = VERSIONS[1:]
LEGACY = {
    "PathAnnotationObject": "annotation",
    "PathDetectionObject": "detection",
    "PathTileObject": "tile",
    "PathCellObject": "cell",
    "TMACoreObject": "tmaCore",
    "PathRootObject": "root",
}
TYPES = {**LEGACY, **{name: name for name in LEGACY.values()}, "tma_core": "tmaCore"}


class RefusedError(Exception):
    """The version does not open the file."""


@dataclass(frozen=True)
class Seen:
    """An object as the version has it afterwards."""

    kind: str
    geometry: BaseGeometry
    identity: str | None = None
    class_name: str | None = None
    rgb: int | None = None
    measurements: dict[str, float] = field(default_factory=dict)
    name: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    locked: bool = False


def open_in(content: bytes, version: str, *, packed: bool = False) -> list[Seen]:
    """All objects of a file, children after their parents.

    Raises
    ------
    RefusedError
        Something in it stops this version.
    """
    if packed:
        if version < V04:
            return []  # an ending that it does not know
        content = gzip.decompress(content)
    # up to 0.4.0 the computer's own encoding, here that of Windows in western Europe
    text = content.decode("cp1252" if version < V04 else "utf-8", errors="replace")
    return [seen for feature in _features(json.loads(text)) for seen in _read(feature, version)]


def _features(plain: Any) -> list[Any]:
    if isinstance(plain, list):
        return [feature for entry in plain for feature in _features(entry)]
    if plain.get("type") == "FeatureCollection":
        return list(plain["features"])
    if plain.get("type") == "Feature":
        return [plain]
    return [{"geometry": plain}] if "coordinates" in plain else []


def _read(feature: Any, version: str) -> list[Seen]:
    _refuse(not isinstance(feature, dict), "no object")
    identity = feature.get("id", "")
    _refuse(not isinstance(identity, str), "id is no text")
    properties = feature.get("properties", {})
    _refuse(not isinstance(properties, dict), "properties is no object")
    name = properties.get("name", "")
    _refuse(not isinstance(name, str), "name is no text")
    class_name, rgb = _class(properties, version)
    kind = _kind(identity, properties, version)
    metadata = properties.get("metadata", {})
    stored = kind == "tmaCore" or version >= V06 or (version >= V05 and kind == "annotation")
    seen = Seen(
        kind=kind,
        geometry=_geometry(feature.get("geometry"), version),
        identity=identity if version >= V04 and _is_uuid(identity) else None,
        class_name=class_name,
        rgb=rgb,
        measurements=_measurements(properties.get("measurements"), version),
        name=name or None,
        metadata={k: v for k, v in metadata.items() if isinstance(v, str)} if stored else {},
        locked=properties.get("isLocked") is True,
    )
    children = properties.get("childObjects", []) if version >= V04 else []
    return [seen, *(one for child in children for one in _read(child, version))]


def _kind(identity: str, properties: dict[str, Any], version: str) -> str:
    keys = {V02: [], V03: ["object_type", "type"]}.get(version, ["objectType", "object_type", "type"])
    named = next((properties[key] for key in keys if key in properties), None)
    if named is None:
        return LEGACY.get(identity, "annotation")
    return TYPES.get(named, "annotation")


def _geometry(plain: Any, version: str) -> BaseGeometry:
    _refuse(not isinstance(plain, dict), "no geometry")
    polygons = {"Polygon": [plain["coordinates"]], "MultiPolygon": plain["coordinates"]}.get(
        plain["type"], []
    )
    _refuse(any(r[0] != r[-1] or len(r) < 4 for rings in polygons for r in rings), "a ring is not closed")
    geometry = shape(plain)
    if geometry.is_valid:
        return geometry
    _refuse(version >= V06, "an outline crosses itself")
    return make_valid(geometry)


def _class(properties: dict[str, Any], version: str) -> tuple[str | None, int | None]:
    if "classification" not in properties:
        return None, None
    plain = properties["classification"]
    if not isinstance(plain, dict):
        _refuse(version < V04 or not isinstance(plain, str | None), "the class is no object")
        return plain, None
    if version < V04:
        return plain["name"], plain.get("colorRGB")
    color = plain.get("color")
    if isinstance(color, list):
        red, green, blue = color
        return plain["name"], (0xFF << 24 | red << 16 | green << 8 | blue) - (1 << 32)
    _refuse(color is not None, "the colour is no list")
    _refuse(not isinstance(plain.get("colorRGB"), int), "the class has no colour")
    return plain["name"], plain["colorRGB"]


def _measurements(plain: Any, version: str) -> dict[str, float]:
    if isinstance(plain, list):
        _refuse(any(not _is_number(m["value"]) for m in plain), "a measurement is no number")
        return {m["name"]: float(m["value"]) for m in plain}
    if not isinstance(plain, dict) or version < V04:
        return {}
    _refuse(any(isinstance(v, str) for v in plain.values()), "a measurement is a text")
    numbers = {name: float(v) for name, v in plain.items() if _is_number(v)}
    odd = len(numbers) < len(plain) or not all(map(math.isfinite, numbers.values()))
    _refuse(version == V04 and odd, "a measurement is not finite")
    return numbers


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _refuse(wrong: bool, why: str) -> None:
    if wrong:
        raise RefusedError(why)
