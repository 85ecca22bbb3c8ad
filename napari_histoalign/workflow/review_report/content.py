"""What a review report says, before it becomes a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.results.areas import UM2_PER_MM2, area_by_class
from napari_histoalign.results.review import TileTarget, between_reviewers, decisions, with_model

if TYPE_CHECKING:
    from napari_histoalign.results import ProbabilityMap, Region, Run
    from napari_histoalign.results.review import Act, Agreement, Compared, Decisions, ReviewState
    from napari_histoalign.workflow.review_report.regions import RegionLine


@dataclass(frozen=True)
class AreaLine:
    """What one class covers.

    Attributes
    ----------
    class_name, color
        The class.
    tiles, model_mm2
        Tiles in which it is the most probable, and their area.
    regions, regions_mm2
        Regions above the threshold; None for a background class, which has none.
    accepted, accepted_mm2
        Regions that hold the class after the review, and were accepted.
    """

    class_name: str
    color: str
    tiles: int
    model_mm2: float | None
    regions: int | None
    regions_mm2: float | None
    accepted: int
    accepted_mm2: float | None


@dataclass(frozen=True)
class ReviewerLine:
    """What one reviewer did.

    Attributes
    ----------
    who
        The reviewer.
    first, last
        When, of acts that count.
    labels
        Marked tiles by label.
    blinded
        Tiles answered while the model's answer was hidden.
    areas
        Drawn areas by label.
    """

    who: str
    first: str
    last: str
    labels: Mapping[str, int]
    blinded: int
    areas: Mapping[str, int]


@dataclass(frozen=True)
class EncoderLine:
    """An encoder, its terms and what identifies its weights."""

    title: str
    name: str
    licence: str
    licence_url: str
    citation: str
    notice: str
    weights: str


@dataclass(frozen=True, eq=False)
class Agreements:
    """How far answers agree."""

    reviewers: tuple[Compared, ...]
    model: tuple[Compared, ...]
    decisions: tuple[Decisions, ...]


def counted_pairs(agreement: Agreement) -> tuple[list[str], list[list[int]]]:
    """Categories that occur, and the counts of their pairs."""
    used = np.flatnonzero(agreement.table.sum(axis=0) + agreement.table.sum(axis=1))
    return [agreement.labels[i] for i in used], agreement.table[np.ix_(used, used)].tolist()


def area_lines(
    map: ProbabilityMap,
    roles: Sequence[str],
    regions: Sequence[Region],
    lines: Sequence[RegionLine],
    *,
    slide_size: tuple[int, int],
    mpp: tuple[float, float] | None,
) -> list[AreaLine]:
    """Areas by class, of tiles, regions and those accepted; classes that only reviewers gave follow."""
    from shapely import union_all

    taken: dict[str, list[Any]] = {}
    for line in lines:
        if line.decision == "accepted":
            taken.setdefault(line.class_name, []).append(line.polygon)

    def mm2(area_px: float) -> float | None:
        return None if mpp is None else float(area_px * mpp[0] * mpp[1] / UM2_PER_MM2)

    def accepted(name: str) -> tuple[int, float | None]:
        return len(taken.get(name, ())), mm2(union_all(taken.get(name, ())).area)

    found = []
    for area, role, color in zip(area_by_class(map, slide_size, mpp), roles, map.colors, strict=True):
        own = [r for r in regions if r.class_name == area.class_name]
        none = role == "background"
        found.append(
            AreaLine(
                area.class_name,
                color,
                area.tiles,
                area.area_mm2,
                None if none else len(own),
                None if none else mm2(sum(r.area_px for r in own)),
                *accepted(area.class_name),
            )
        )
    for name in taken:
        if name not in map.class_names:
            found.append(AreaLine(name, "#5f6b76", 0, mm2(0.0), None, None, *accepted(name)))
    return found


def other_comments(state: ReviewState, lines: Sequence[RegionLine]) -> list[tuple[Act, str]]:
    """Comments on anything but the regions listed, and what each is on."""
    listed = {line.key for line in lines}
    found = []
    for comment in state.comments:
        target = comment.act.target
        if isinstance(target, TileTarget):
            found.append((comment.act, f"the tile at {target.xy[0]}, {target.xy[1]}"))
        elif target is None:
            found.append((comment.act, "the slide"))
        elif target.uuid not in listed:
            found.append((comment.act, "a drawn area"))
    return found


def reviewer_lines(acts: Sequence[Act], state: ReviewState) -> list[ReviewerLine]:
    """What each reviewer did, in the order of names."""
    lines = []
    for who, own in sorted(state.reviewers.items()):
        times = [act.time for act in acts if act.who == who and act.id not in state.undone]
        lines.append(
            ReviewerLine(
                who,
                min(times),
                max(times),
                Counter(str(mark.label) for mark in own.tiles.values()),
                len(own.blinded),
                Counter(str(mark.label) for mark in own.areas.values()),
            )
        )
    return lines


def agreements(state: ReviewState, class_names: Sequence[str]) -> Agreements:
    """All that can be compared."""
    return Agreements(between_reviewers(state, class_names), with_model(state, class_names), decisions(state))


def encoder_lines(run: Run) -> list[EncoderLine]:
    """Encoders of a run, with the terms that the registry knows of them."""
    from napari_histoalign.encoders.registry import registry

    known = registry()
    lines = []
    for entry in run.encoders:
        name = str(entry.get("name", ""))
        spec = known.get(name)
        lines.append(
            EncoderLine(
                title=spec.title if spec else name,
                name=name,
                licence=str(entry.get("licence") or (spec.licence if spec else "")),
                licence_url=spec.licence_url if spec else "",
                citation=spec.citation if spec else "",
                notice=spec.notice if spec else "",
                weights=str(entry.get("weights_sha256", "")),
            )
        )
    return lines
