"""QuPath objects as GeoJSON features, in the form that QuPath 0.3 to 0.7 all read.

One bad feature fails a whole file in QuPath, so everything here is on the safe side:
both spellings of the object type, a class with its colour in both forms, measurements as a
list of finite numbers, UUIDs as ids, closed valid rings, and no key with nothing in it.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import ResultError
from qupath_bridge.geometries import geometry_json, made_valid, number
from qupath_bridge.simplification import simplified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapely import Polygon

    from napari_histoalign.results import Region

NAMESPACE = uuid.UUID("2b7a1c9e-6f0d-5c1e-8a53-0d9f4e6b7c21")
"""Any fixed UUID will do (RFC 9562, 5.5); changing it changes every id."""
PREFIX = "histoalign: "
"""Begins the name of each of our measurements."""
RUN_KEY, REVIEW_KEY, NOTICE_KEY, OBJECT_KEY = (
    f"histoalign {word}" for word in ("run", "review", "notice", "object")
)
"""Metadata of our annotations; `OBJECT_KEY` is ``run`` at the one that stands for a whole run."""
RUN_NAME = "histoalign run"
"""Begins the name of that annotation; versions before 0.5 drop metadata and keep names."""
DECIDED = ("accepted", "rejected")
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
"""A value as JSON in one line."""


def origin_of(slide_fingerprint: str, run_id: str) -> uuid.UUID:
    """Namespace of the ids of one run on one slide."""
    return uuid.uuid5(NAMESPACE, f"{slide_fingerprint} {run_id}")


def region_feature(
    region: Region,
    *,
    origin: uuid.UUID,
    offset: tuple[int, int],
    metadata: Mapping[str, str],
    identity: str | None = None,
    model_class: str | None = None,
    disagreement: float | None = None,
    simplify_um: float = 0.0,
    mpp: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """An annotation with class, probability, area and, in its name, what was decided on it.

    Every version of QuPath reads the name and shows it in the list of annotations; metadata are dropped up to
    0.4, and a measurement would be a number that means nothing. So a decision stands in the name, for people,
    and in the metadata, for programs.

    Parameters
    ----------
    region
        In level-0 pixels; an outline that crosses itself is repaired.
    origin
        Namespace of the ids: one for each slide and run.
    offset
        Corner of the slide's bounds, at which QuPath's coordinates start.
    metadata
        Texts kept with the annotation.
    identity
        Its UUID, where it has one already: a region that was redrawn or got another class stays the same.
    model_class
        The class that its probability is of, where a person gave it another one.
    disagreement
        Of the encoder pairs, mean over its tiles, 0 to 1.
    simplify_um, mpp
        Farthest that the outline may move in micrometre, and micrometres per level-0 pixel. The id is that of
        the exact outline, so that it stays when the tolerance is changed.

    Raises
    ------
    ResultError
        The region cannot be expressed.
    """
    measurements = {
        f"P({model_class or region.class_name})": region.probability,
        "area um^2": region.area_um2,
        "tiles": region.tiles,
        "margin": region.margin,
        "disagreement": disagreement,
    }
    outline, _ = made_valid(region.polygon)
    geometry = geometry_json(outline, offset)
    if identity is None:
        identity = str(uuid.uuid5(origin, f"{region.class_name} {geometry['coordinates']}"))
    if simplify_um:
        geometry = geometry_json(simplified(outline, simplify_um, mpp), offset)
    return feature(
        "annotation",
        _uuid(identity),
        geometry,
        region.class_name,
        region.color,
        measurements,
        name=shown_name(region.class_name, region.review),
        metadata=metadata,
    )


def decision(review: str) -> str:
    """``accepted``, ``rejected``, or ``pending`` for whatever else."""
    return review if review in DECIDED else "pending"


def shown_name(class_name: str, review: str) -> str:
    """Name of a region in QuPath: its class, and what was decided on it."""
    return f"{class_name} ({review})" if review in DECIDED else class_name


def run_feature(
    area: Polygon, *, origin: uuid.UUID, offset: tuple[int, int], run_id: str, metadata: Mapping[str, str]
) -> dict[str, Any]:
    """An annotation around all that a run scored: without a class, so that it is no region of any.

    It stands beside the run's objects; QuPath's own "Resolve hierarchy" puts them into it. (Features within a
    feature, ``childObjects``, are lost in 0.3, and a million of them could not be streamed.)
    """
    return feature(
        "annotation",
        uuid.uuid5(origin, "run"),
        geometry_json(made_valid(area)[0], offset),
        None,
        "",
        {},
        name=f"{RUN_NAME} {run_id[:8]}",
        metadata={OBJECT_KEY: "run", **metadata},
    )


def feature(
    kind: str,
    identity: uuid.UUID,
    geometry: Mapping[str, Any],
    class_name: str | None,
    color: str,
    measurements: Mapping[str, float | None],
    *,
    name: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One object as a GeoJSON feature; measurements that are None are left out, and a class that is None.

    Raises
    ------
    ResultError
        The class has no name or no colour, or a measurement is not finite.
    """
    properties: dict[str, Any] = {"objectType": kind, "object_type": kind}
    if class_name is not None:
        if not class_name:
            raise ResultError("A class has no name, and QuPath needs one. Name it in the prompt set.")
        red, green, blue = _rgb(color, class_name)
        properties["classification"] = {
            "name": class_name,
            "color": [red, green, blue],
            # Java's packed ARGB, a signed 32-bit number
            "colorRGB": (0xFF << 24 | red << 16 | green << 8 | blue) - (1 << 32),
        }
    properties["isLocked"] = False
    properties["measurements"] = [
        {"name": PREFIX + key, "value": number(value)}
        for key, value in measurements.items()
        if value is not None
    ]
    if name:
        properties["name"] = name
    if metadata:
        properties["metadata"] = dict(metadata)
    return {"type": "Feature", "id": str(identity), "geometry": geometry, "properties": properties}


def _uuid(identity: str) -> uuid.UUID:
    """An id that QuPath keeps: a UUID as it is, and one for each other text."""
    try:
        return uuid.UUID(identity)
    except ValueError:
        return uuid.uuid5(NAMESPACE, identity)


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
