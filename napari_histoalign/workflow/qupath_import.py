"""What people drew in a QuPath project, as files that a run takes, and as acts of a review."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_histoalign.errors import ResultError
from napari_histoalign.files import whole_file
from napari_histoalign.results.review import AreaTarget, Reviewer, ReviewState, fold
from napari_histoalign.results.review.state import ACCEPTED, REJECTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_histoalign.results.review import Act
    from qupath_bridge.projects import EntryObjects, Found

Purpose = Literal["roi", "examples", "truth"]
FROM_QUPATH = "Set in QuPath."
LEAST_CHANGE = 0.01
"""Share of an outline's area that has to differ to count as redrawn: rounding does not."""


@dataclass(frozen=True)
class Written:
    """Annotations of an image, written to a file.

    Attributes
    ----------
    path
        The file.
    count
        Annotations in it.
    classes
        How many there are of each class; empty text: of none.
    """

    path: Path
    count: int
    classes: Mapping[str, int]


def chosen_annotations(objects: EntryObjects, purpose: Purpose) -> list[Found]:
    """The annotations of an image that serve a purpose.

    As a region of interest: what people drew. As examples or as truth: what people drew and gave a class,
    and of ours what they locked, which is how one says in QuPath that an object is right.
    """
    drawn = [one for one in objects.found if one.kind == "annotation" and _is_area(one)]
    if purpose == "roi":
        return [one for one in drawn if not objects.is_ours(one)]
    return [one for one in drawn if one.class_name and (one.locked or not objects.is_ours(one))]


def write_annotations(path: Path, objects: EntryObjects, purpose: Purpose) -> Written:
    """Write annotations as GeoJSON in QuPath's coordinates, as ``--roi`` and ``--examples`` take it.

    Raises
    ------
    ResultError
        There is none, or the file cannot be written.
    """
    chosen = chosen_annotations(objects, purpose)
    if not chosen:
        what = "annotation that a person drew" if purpose == "roi" else "annotation with a class"
        raise ResultError(f"The image {objects.entry.name} has no {what}. Draw one in QuPath and save.")
    content = {"type": "FeatureCollection", "features": [one.feature for one in chosen]}
    try:
        with whole_file(path) as new:
            new.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    except OSError as err:
        raise ResultError(f"{path} could not be written ({err.strerror or err}).") from err
    names = [one.class_name for one in chosen]
    return Written(path, len(chosen), {name: names.count(name) for name in dict.fromkeys(names)})


def review_acts(objects: EntryObjects, acts: Sequence[Act], who: str) -> tuple[Act, ...]:
    """What was decided in QuPath on regions of ours, as acts for the log.

    A region with another class is relabelled, one with another outline redrawn, one that is gone rejected,
    and one that is locked accepted. What the log says already is not said again, so that reading a project
    twice adds nothing.

    Parameters
    ----------
    objects
        What the image holds now, and what we wrote there.
    acts
        The log so far.
    who
        The person who worked in QuPath.
    """
    reviewer = Reviewer(who)
    state = fold(acts)
    now = {one.uuid: one for one in objects.found}
    made: list[Act] = []
    for identity, region in objects.ledger.regions.items():
        target = AreaTarget(identity, _moved(region["geometry"], objects.ledger.offset))
        model = {"class": region["class"], "run": objects.ledger.run_id}
        made += _acts_on(reviewer, state, target, model, now.get(identity), objects.ledger.offset)
    return tuple(made)


def _acts_on(
    reviewer: Reviewer,
    state: ReviewState,
    target: AreaTarget,
    model: dict[str, Any],
    one: Found | None,
    offset: tuple[int, int],
) -> list[Act]:
    known = state.of(reviewer.who).regions.get(target.uuid)
    decision = known.decision if known else ""
    if one is None:
        if decision == REJECTED:
            return []
        return [reviewer.reject(state, target, model=model, note=FROM_QUPATH)]
    made: list[Act] = []
    said = (known.class_name if known else "") or model["class"]
    # held against what we wrote as well: what was decided here since is not taken back
    if one.class_name not in ("", model["class"], said):
        made.append(reviewer.relabel(state, target, one.class_name, model=model, note=FROM_QUPATH))
    if _is_area(one):
        drawn = AreaTarget(target.uuid, _moved(one.feature["geometry"], offset))
        last = known.target if known else target
        if _differ(target, drawn) and _differ(last, drawn):
            made.append(reviewer.redraw(last, drawn.polygon, model=model, note=FROM_QUPATH))
    if one.locked and not made and decision != ACCEPTED:
        made.append(reviewer.accept(state, target, model=model, note=FROM_QUPATH))
    return made


def _is_area(one: Found) -> bool:
    geometry = one.feature.get("geometry")
    return isinstance(geometry, dict) and geometry.get("type") in ("Polygon", "MultiPolygon")


def _differ(one: AreaTarget, other: AreaTarget) -> bool:
    area = one.polygon.area
    changed = float(one.polygon.symmetric_difference(other.polygon).area)
    return changed > LEAST_CHANGE * float(area)


def _moved(geometry: Mapping[str, Any], offset: tuple[int, int]) -> dict[str, Any]:
    """A GeoJSON area in level-0 pixels."""

    def moved(value: Any) -> Any:
        if value and isinstance(value[0], int | float):
            return [value[0] + offset[0], value[1] + offset[1]]
        return [moved(part) for part in value]

    return {"type": geometry["type"], "coordinates": moved(geometry["coordinates"])}
