"""What is handed to a project: annotations and tiles, in QuPath's coordinates."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qupath_bridge.projects.errors import ProjectError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

KINDS = ("annotation", "tile")


@dataclass(frozen=True)
class ProjectObject:
    """An annotation or a tile for a QuPath project.

    Attributes
    ----------
    uuid
        Its identity; the same run and place give the same.
    kind
        ``annotation`` or ``tile``.
    class_name, color
        Its class, and the class's ``#rrggbb``.
    rectangle
        (x, y, width, height) in QuPath's coordinates, which start at the slide's bounds; or
    geometry
        a shapely area in them.
    measurements
        Finite numbers by name.
    metadata
        Texts by name; QuPath 0.5 keeps them with annotations only.
    locked, name
        As QuPath has them.

    Raises
    ------
    ProjectError
        The parts do not make an object.
    """

    uuid: str
    kind: str
    class_name: str
    color: str
    rectangle: tuple[float, float, float, float] | None = None
    geometry: BaseGeometry | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    locked: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ProjectError(f"An object is an annotation or a tile, not {self.kind!r}.")
        if str(uuid.UUID(self.uuid)) != self.uuid:
            raise ProjectError(f"{self.uuid!r} is no UUID as QuPath writes it.")
        if (self.rectangle is None) == (self.geometry is None):
            raise ProjectError("An object has either a rectangle or a geometry.")
        if not self.class_name:
            raise ProjectError("A class has no name, and QuPath needs one. Name it in the prompt set.")
        if not all(math.isfinite(value) for value in self.measurements.values()):
            raise ProjectError("A measurement is no finite number, which QuPath cannot keep.")
        packed_rgb(self.color)

    def to_plain(self) -> dict[str, Any]:
        """As the helper process reads it; what is empty is left out."""
        values: dict[str, Any] = {
            "uuid": self.uuid,
            "kind": self.kind,
            "class": self.class_name,
            "rectangle": self.rectangle,
            "wkb": None if self.geometry is None else self.geometry.wkb_hex,
            "measurements": {name: float(value) for name, value in self.measurements.items()},
            "metadata": dict(self.metadata),
            "locked": self.locked,
            "name": self.name,
        }
        return {name: value for name, value in values.items() if value not in (None, {}, False)}


def write_objects(path: Path, objects: Iterable[ProjectObject]) -> None:
    """Write objects for the helper process, one a line."""
    encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(encode(entry.to_plain()) + "\n" for entry in objects)


def packed_rgb(color: str) -> int:
    """A ``#rrggbb`` as Java packs it: ARGB in a signed 32-bit number.

    Raises
    ------
    ProjectError
        It is none.
    """
    try:
        red, green, blue = bytes.fromhex(color.removeprefix("#"))
    except ValueError as err:
        raise ProjectError(
            f"The colour {color!r} is not of the form #rrggbb. Correct it in the prompt set."
        ) from err
    return (0xFF << 24 | red << 16 | green << 8 | blue) - (1 << 32)
