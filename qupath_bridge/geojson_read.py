"""Annotations from GeoJSON, whichever QuPath (or other program) wrote it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import GeoJSONError
from qupath_bridge.features import OBJECT_KEY, RUN_NAME
from qupath_bridge.geometries import geometry_from_json
from qupath_bridge.properties import class_name, color, identity, kind, measurements, metadata, text

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

MAX_BYTES = 600_000_000
"""Largest text that is read, after unpacking: a million objects; reading takes eight times as much memory."""


@dataclass(frozen=True)
class Annotation:
    """One object of a GeoJSON file.

    Attributes
    ----------
    geometry
        Valid shapely geometry in level-0 pixels.
    name, class_name, color
        As far as the file has them; the colour (the class's, else its own) as ``#rrggbb``.
    kind
        QuPath's object type; ``annotation`` where none is named.
    measurements
        Finite numbers by name.
    identity
        The feature's id, where it has one.
    locked
        Whether it is locked against changes.
    metadata
        Texts kept with it; versions before 0.5 lose them.
    """

    geometry: BaseGeometry
    name: str | None = None
    class_name: str | None = None
    color: str | None = None
    kind: str = "annotation"
    measurements: Mapping[str, float] = field(default_factory=dict)
    identity: str | None = None
    locked: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def stands_for_a_run(self) -> bool:
        """Whether it is no region but the frame around all that a run scored."""
        named = (self.name or "").startswith(f"{RUN_NAME} ")
        return self.class_name is None and (self.metadata.get(OBJECT_KEY) == "run" or named)


@dataclass(frozen=True)
class ReadResult:
    """What a file held.

    Attributes
    ----------
    annotations
        Objects that could be read, in order.
    errors
        A sentence for each one that could not, or that had to be repaired.
    """

    annotations: tuple[Annotation, ...]
    errors: tuple[str, ...]


def read_geojson(path: Path, *, bounds_offset: tuple[int, int] = (0, 0)) -> ReadResult:
    """Read annotations; a feature that cannot be read is reported and the rest kept.

    Parameters
    ----------
    path
        A FeatureCollection, a list of features or collections, or a single feature; objects within objects
        count, too. ``.gz`` is unpacked.
    bounds_offset
        Corner (x, y) of the slide's bounds, at which QuPath's coordinates start; added.

    Raises
    ------
    GeoJSONError
        The file cannot be read, or is no GeoJSON.
    """
    from shapely.errors import ShapelyError

    annotations: list[Annotation] = []
    errors: list[str] = []
    for number, entry in _numbered(_features(_load(path), path)):
        try:
            annotation, repaired = _annotation(entry, bounds_offset)
        except (ValueError, TypeError, ShapelyError) as err:
            errors.append(f"{path.name}: object {number} is left out: {err}.")
            continue
        annotations.append(annotation)
        if repaired:
            errors.append(f"{path.name}: the outline of object {number} crossed itself and was repaired.")
    return ReadResult(tuple(annotations), tuple(errors))


def roi_geometry(path: Path, *, bounds_offset: tuple[int, int] = (0, 0)) -> BaseGeometry:
    """The union of all annotated areas in a file, in level-0 pixels; tiles, cells and our frame do not count.

    Raises
    ------
    GeoJSONError
        The file cannot be read or holds no annotated area.
    """
    from shapely import union_all

    found = read_geojson(path, bounds_offset=bounds_offset)
    areas = [
        a.geometry
        for a in found.annotations
        if a.kind == "annotation" and a.geometry.area > 0 and not a.stands_for_a_run
    ]
    if not areas:
        why = f" ({found.errors[0]})" if found.errors else ""
        raise GeoJSONError(
            f"{path} holds no area to look at{why}. Draw an annotation (rectangle, ellipse or polygon) "
            "and export it as GeoJSON."
        )
    return union_all(areas)


def _load(path: Path) -> Any:
    """The JSON of a file."""
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
        if raw is not None and raw[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                raw = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as err:
        reason = getattr(err, "strerror", None) or err
        raise GeoJSONError(f"{path} cannot be read ({reason}). Check the path, or export it again.") from err
    if raw is None or len(raw) > MAX_BYTES:
        raise GeoJSONError(f"{path} is too large: more than {MAX_BYTES:,} bytes. Export fewer objects.")
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as err:
        raise GeoJSONError(f"{path} is no GeoJSON ({err}). Export it from QuPath again.") from err


def _features(content: Any, path: Path) -> Sequence[Any]:
    """The features of a collection, a list, or a single feature or geometry."""
    if isinstance(content, list):
        return content
    found = _unwrapped(content)
    if found is None:
        raise GeoJSONError(
            f"{path} is JSON, but no GeoJSON: it holds no features. Export it from QuPath again."
        )
    return found


def _unwrapped(content: Any) -> list[Any] | None:
    """Features of a collection, or the feature that a feature or a geometry is; None if it is neither."""
    if isinstance(content, Mapping):
        features = content.get("features")
        if content.get("type") == "FeatureCollection" and isinstance(features, list):
            return features
        if content.get("type") == "Feature":
            return [content]
        if "coordinates" in content or "geometries" in content:
            return [{"geometry": content}]
    return None


def _numbered(features: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Each feature after the one it lies in, with its number: the second one in the third is 3.2."""
    waiting = [(str(i), entry) for i, entry in enumerate(features, start=1)][::-1]
    while waiting:  # no recursion: how deep they are nested is the file's business
        number, entry = waiting.pop()
        inner: Any = _unwrapped(entry)
        if not (
            isinstance(entry, Mapping) and entry.get("type") == "FeatureCollection" and inner is not None
        ):
            feature = inner[0] if inner else entry
            yield number, feature
            properties = feature.get("properties") if isinstance(feature, Mapping) else None
            # QuPath knows them by both names
            nested = properties if isinstance(properties, Mapping) else {}
            inner = nested.get("childObjects", nested.get("children"))
        if isinstance(inner, list):
            waiting += [(f"{number}.{i}", child) for i, child in enumerate(inner, start=1)][::-1]


def _annotation(entry: Any, offset: tuple[int, int]) -> tuple[Annotation, bool]:
    """One feature; True with it if its outline had to be repaired."""
    if not isinstance(entry, Mapping):
        raise TypeError("it is no object")
    geometry, repaired = geometry_from_json(entry.get("geometry"), offset)
    properties = entry.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    classification = properties.get("classification")
    annotation = Annotation(
        geometry=geometry,
        name=text(properties.get("name")),
        class_name=class_name(classification),
        color=color(classification) or color(properties),
        kind=kind(entry, properties),
        measurements=measurements(properties.get("measurements")),
        identity=identity(entry),
        locked=properties.get("isLocked", properties.get("locked")) is True,
        metadata=metadata(properties.get("metadata")),
    )
    return annotation, repaired
