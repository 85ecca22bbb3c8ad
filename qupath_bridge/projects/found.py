"""Objects as QuPath wrote them, and how one is told from what it was."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qupath_bridge.features import PREFIX, RUN_KEY
from qupath_bridge.projects.errors import ProjectError

DESCRIPTION = "ANNOTATION_DESCRIPTION"
"""Metadata in which QuPath keeps what a person wrote of an annotation."""


@dataclass(frozen=True)
class Found:
    """An object of an entry.

    Attributes
    ----------
    uuid
        Its identity.
    feature
        As QuPath wrote it.
    stamp
        Tells whether a person changed it: class, outline, name, description, measurements added.
    """

    uuid: str
    feature: Mapping[str, Any]
    stamp: str

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties; empty where there are none."""
        found = self.feature.get("properties")
        return found if isinstance(found, Mapping) else {}

    @property
    def kind(self) -> str:
        """QuPath's type of it."""
        return str(self.properties.get("objectType", "annotation"))

    @property
    def class_name(self) -> str:
        """Its class; empty where it has none."""
        return class_of(self.properties)

    @property
    def locked(self) -> bool:
        """Whether it is locked."""
        return self.properties.get("isLocked") is True

    @property
    def looks_ours(self) -> bool:
        """Whether we made it, told by itself: our run's name, or an id and measurements as we give them."""
        metadata = self.properties.get("metadata")
        if isinstance(metadata, Mapping) and RUN_KEY in metadata:
            return True
        names = _measurement_names(self.properties)
        return _version(self.uuid) == 5 and bool(names) and all(name.startswith(PREFIX) for name in names)


def read_found(path: Path) -> list[Found]:
    """The objects of a GeoJSON file that QuPath wrote.

    Raises
    ------
    ProjectError
        It is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        features = content["features"] if isinstance(content, dict) else content
        ids = [str(feature["id"]) for feature in features]
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ProjectError(f"What QuPath told of the project's objects cannot be read ({err}).") from err
    stamps = _stamps(features)
    return [Found(*each) for each in zip(ids, features, stamps, strict=True)]


def class_of(properties: Mapping[str, Any]) -> str:
    """Class of an object in any form that QuPath writes."""
    value = properties.get("classification")
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        if isinstance(value.get("names"), list):
            return ": ".join(str(name) for name in value["names"])
        return str(value.get("name") or "")
    return ""


def _stamps(features: Sequence[Mapping[str, Any]]) -> list[str]:
    outlines = _outlines([feature.get("geometry") for feature in features])
    made = []
    for feature, outline in zip(features, outlines, strict=True):
        properties = feature.get("properties") or {}
        metadata = properties.get("metadata") or {}
        foreign = sorted(n for n in _measurement_names(properties) if not n.startswith(PREFIX))
        about = [
            properties.get("objectType", "annotation"),
            class_of(properties),
            properties.get("name") or "",
            metadata.get(DESCRIPTION) or "",
            foreign,
        ]
        text = json.dumps(about).encode("ascii") + outline
        made.append(hashlib.sha256(text).hexdigest()[:16])
    return made


def _outlines(geometries: Sequence[Any]) -> list[bytes]:
    """Outlines to a hundredth of a pixel, wherever they begin and which way they run."""
    import numpy as np
    import shapely
    from shapely.geometry import shape

    made = [_four_corners(geometry) for geometry in geometries]
    others = [number for number, outline in enumerate(made) if outline is None]
    shapes = np.array([shape(geometries[number]) for number in others], dtype=object)
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, 2) + 0.0)
    for number, outline in zip(others, shapely.to_wkb(shapely.normalize(rounded)).tolist(), strict=True):
        made[number] = outline
    return [outline or b"" for outline in made]


def _four_corners(geometry: Any) -> bytes | None:
    """The short way for the many: tiles; empty for no geometry, None for all else."""
    if geometry is None:
        return b""
    rings: list[Any] = geometry["coordinates"] if geometry.get("type") == "Polygon" else []
    if len(rings) != 1 or len(rings[0]) != 5:
        return None
    return repr(sorted((round(x + 0.0, 2), round(y + 0.0, 2)) for x, y in rings[0][:4])).encode("ascii")


def _measurement_names(properties: Mapping[str, Any]) -> list[str]:
    values = properties.get("measurements")
    if isinstance(values, Mapping):
        return [str(name) for name in values]
    if isinstance(values, list):
        return [str(value.get("name")) for value in values if isinstance(value, Mapping)]
    return []


def _version(text: str) -> int | None:
    try:
        return uuid.UUID(text).version
    except ValueError:
        return None
