"""Annotations from GeoJSON, whichever QuPath (or other program) wrote it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from napari_histoalign.errors import GeoJSONError
from qupath_bridge.feature_stream import TooLargeError, entries
from qupath_bridge.features import OBJECT_KEY, RUN_NAME
from qupath_bridge.geometries import geometry_from_json
from qupath_bridge.properties import class_name, color, identity, kind, measurements, metadata, text

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

MAX_BYTES = 1_000_000_000
"""Largest text that is read, after unpacking: more than a million objects. Those that are wanted stay in
memory, at 1.5 kB each."""


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


def read_geojson(
    path: Path, *, bounds_offset: tuple[int, int] = (0, 0), kinds: Collection[str] | None = None
) -> ReadResult:
    """Read annotations; a feature that cannot be read is reported and the rest kept.

    Parameters
    ----------
    path
        A FeatureCollection, a list of features or collections, or a single feature; objects within objects
        count, too. ``.gz`` is unpacked.
    bounds_offset
        Corner (x, y) of the slide's bounds, at which QuPath's coordinates start; added.
    kinds
        Object types that are wanted; others are passed over, which saves time and memory where a file has
        a million tiles. All by default.

    Raises
    ------
    GeoJSONError
        The file cannot be read, or is no GeoJSON.
    """
    from shapely.errors import ShapelyError

    annotations: list[Annotation] = []
    errors: list[str] = []
    for number, entry in _features(path):
        if kinds is not None and isinstance(entry, Mapping) and kind(entry, _properties(entry)) not in kinds:
            continue
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

    found = read_geojson(path, bounds_offset=bounds_offset, kinds=("annotation",))
    areas = [a.geometry for a in found.annotations if a.geometry.area > 0 and not a.stands_for_a_run]
    if not areas:
        why = f" ({found.errors[0]})" if found.errors else ""
        raise GeoJSONError(
            f"{path} holds no area to look at{why}. Draw an annotation (rectangle, ellipse or polygon) "
            "and export it as GeoJSON."
        )
    return union_all(areas)


def _features(path: Path) -> Iterator[tuple[str, Any]]:
    """Each feature of a file as it comes, after the one it lies in: the second one in the third is 3.2.

    Raises
    ------
    GeoJSONError
        The file cannot be read, or is no GeoJSON.
    """
    try:
        with path.open("rb") as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file
            for number, entry in enumerate(entries(stream, MAX_BYTES), start=1):
                yield from _flat(str(number), entry)
    except (OSError, EOFError, zlib.error) as err:
        reason = getattr(err, "strerror", None) or err
        raise GeoJSONError(f"{path} cannot be read ({reason}). Check the path, or export it again.") from err
    except TooLargeError as err:
        raise GeoJSONError(
            f"{path} is too large: more than {MAX_BYTES:,} bytes. Export fewer objects."
        ) from err
    except (ValueError, RecursionError) as err:
        raise GeoJSONError(f"{path} is no GeoJSON ({err}). Export it from QuPath again.") from err


def _flat(number: str, whole: Any) -> Iterator[tuple[str, Any]]:
    """A feature and those within it; a collection in a list counts for what it holds."""
    waiting = [(number, whole)]
    while waiting:  # no recursion: how deep they are nested is the file's business
        number, entry = waiting.pop()
        plain = entry if isinstance(entry, Mapping) else {}
        inner = plain.get("features") if plain.get("type") == "FeatureCollection" else None
        if not isinstance(inner, list):
            geometry = "geometry" not in plain and ("coordinates" in plain or "geometries" in plain)
            yield number, {"geometry": entry} if geometry else entry
            # QuPath knows them by both names
            inner = _properties(plain).get("childObjects", _properties(plain).get("children"))
        if isinstance(inner, list):
            waiting += [(f"{number}.{i}", child) for i, child in enumerate(inner, start=1)][::-1]


def _properties(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its properties, if it has any."""
    found = entry.get("properties")
    return found if isinstance(found, Mapping) else {}


def _annotation(entry: Any, offset: tuple[int, int]) -> tuple[Annotation, bool]:
    """One feature; True with it if its outline had to be repaired."""
    if not isinstance(entry, Mapping):
        raise TypeError("it is no object")
    geometry, repaired = geometry_from_json(entry.get("geometry"), offset)
    properties = _properties(entry)
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
