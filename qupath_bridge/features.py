"""QuPath objects as GeoJSON features, in the form that QuPath 0.3 to 0.7 all read.

One bad feature fails a whole file in QuPath, so everything here is on the safe side:
both spellings of the object type, a class with its colour in both forms, measurements as a
list of finite numbers, UUIDs as ids, closed valid rings, and no key with nothing in it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import ResultError
from qupath_bridge.geometries import geometry_json, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_histoalign.results import Region, TileScores

NAMESPACE = uuid.UUID("2b7a1c9e-6f0d-5c1e-8a53-0d9f4e6b7c21")
"""Any fixed UUID will do (RFC 9562, 5.5); changing it changes every id."""
PREFIX = "histoalign: "
"""Begins the name of each of our measurements."""
BLOCK_ROWS = 2048
"""Tiles turned into Python numbers at a time."""


def region_feature(
    region: Region, *, origin: uuid.UUID, offset: tuple[int, int], metadata: Mapping[str, str]
) -> dict[str, Any]:
    """An annotation with class, probability and area.

    Parameters
    ----------
    region
        In level-0 pixels.
    origin
        Namespace of the ids: one for each slide and run.
    offset
        Corner of the slide's bounds, at which QuPath's coordinates start.
    metadata
        Texts kept with the annotation.
    """
    measurements = {
        f"P({region.class_name})": region.probability,
        "area um^2": region.area_um2,
        "tiles": region.tiles,
        "margin": region.margin,
    }
    geometry = geometry_json(region.polygon, offset)
    return feature(
        "annotation",
        uuid.uuid5(origin, f"{region.class_name} {geometry['coordinates']}"),
        geometry,
        region.class_name,
        region.color,
        measurements,
        name=region.class_name,
        metadata=metadata,
    )


def tile_features(
    scores: TileScores, *, origin: uuid.UUID, offset: tuple[int, int]
) -> Iterator[dict[str, Any]]:
    """Tile objects with their class and one measurement a class, one after the other."""
    names = [f"P({name})" for name in scores.class_names]
    side = scores.tile_px
    for start in range(0, len(scores.xy), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        parts = (scores.xy[rows], scores.label[rows], scores.probabilities[rows])
        for (left, top), label, probabilities in zip(*(p.tolist() for p in parts), strict=True):
            x, y = left - offset[0], top - offset[1]
            ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
            yield feature(
                "tile",
                uuid.uuid5(origin, f"tile {left} {top} {side}"),
                {"type": "Polygon", "coordinates": [ring]},
                scores.class_names[label],
                scores.colors[label],
                dict(zip(names, probabilities, strict=True)),
            )


def feature(
    kind: str,
    identity: uuid.UUID,
    geometry: Mapping[str, Any],
    class_name: str,
    color: str,
    measurements: Mapping[str, float | None],
    *,
    name: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One object as a GeoJSON feature; measurements that are None are left out.

    Raises
    ------
    ResultError
        The class has no name or no colour, or a measurement is not finite.
    """
    if not class_name:
        raise ResultError("A class has no name, and QuPath needs one. Name it in the prompt set.")
    red, green, blue = _rgb(color, class_name)
    properties: dict[str, Any] = {
        "objectType": kind,
        "object_type": kind,
        "classification": {
            "name": class_name,
            "color": [red, green, blue],
            # Java's packed ARGB, a signed 32-bit number
            "colorRGB": (0xFF << 24 | red << 16 | green << 8 | blue) - (1 << 32),
        },
        "isLocked": False,
        "measurements": [
            {"name": PREFIX + key, "value": number(value)}
            for key, value in measurements.items()
            if value is not None
        ],
    }
    if name:
        properties["name"] = name
    if metadata:
        properties["metadata"] = dict(metadata)
    return {"type": "Feature", "id": str(identity), "geometry": geometry, "properties": properties}


def _rgb(color: str, class_name: str) -> tuple[int, int, int]:
    """The three parts, 0..255, of ``#rrggbb``."""
    try:
        red, green, blue = bytes.fromhex(color.removeprefix("#"))
    except ValueError as err:
        raise ResultError(
            f"The colour {color!r} of the class {class_name} is not of the form #rrggbb. "
            "Correct it in the prompt set."
        ) from err
    return red, green, blue
