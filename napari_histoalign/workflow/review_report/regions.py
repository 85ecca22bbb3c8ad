"""Regions of a run and what was said of them, joined by ids that QuPath has, too."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_histoalign.results.areas import UM2_PER_MM2
from napari_histoalign.results.review import AreaTarget, KnownRegion, same_regions
from qupath_bridge.features import NAMESPACE, region_feature

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

    from napari_histoalign.results import Region
    from napari_histoalign.results.review import Act, RegionReview, ReviewState

PENDING_LINES = 40
"""Regions that nobody decided on are listed up to this many, the largest first."""


@dataclass(frozen=True)
class Verdict:
    """What one reviewer decided.

    Attributes
    ----------
    who, decision
        The reviewer; ``accepted``, ``rejected`` or ``pending``.
    class_name
        The class given instead of the model's; empty where it was left.
    redrawn
        Whether the outline was changed.
    time
        Of the last act.
    """

    who: str
    decision: str
    class_name: str
    redrawn: bool
    time: str


@dataclass(frozen=True)
class RegionLine:
    """A region of the report.

    Attributes
    ----------
    number
        From 1.
    key
        Its id, in the log and in QuPath.
    polygon
        Its present outline in level-0 pixels.
    model_class, probability
        What the model said; empty and None where that is not known.
    class_name, color
        Its present class, and that class's colour.
    area_mm2
        Of the present outline; None without a physical pixel size.
    decision
        The last one of anybody.
    verdicts
        One a reviewer.
    comments
        Acts whose notes say something of it.
    earlier
        Whether it is of another run, or another threshold, than the present results.
    """

    number: int
    key: str
    polygon: Polygon | MultiPolygon
    model_class: str
    probability: float | None
    class_name: str
    color: str
    area_mm2: float | None
    decision: str
    verdicts: tuple[Verdict, ...]
    comments: tuple[Act, ...]
    earlier: bool = False

    @property
    def disputed(self) -> bool:
        """Whether reviewers came to different ends."""
        decided = (v for v in self.verdicts if v.decision != "pending")
        made = {(v.decision, v.class_name or self.model_class) for v in decided}
        return len(made) > 1


def region_targets(
    regions: Sequence[Region], *, run_id: str, fingerprint: str, bounds_offset: tuple[int, int] = (0, 0)
) -> list[AreaTarget]:
    """Regions of a run as what acts of a review are about.

    Parameters
    ----------
    regions
        In level-0 pixels.
    run_id, fingerprint
        Of the run and its slide.
    bounds_offset
        Corner of the slide's bounds.

    Returns
    -------
    list of AreaTarget
        With the ids that ``regions.geojson`` gives them, so that QuPath and the log speak of the same.
    """
    origin = uuid.uuid5(NAMESPACE, f"{fingerprint} {run_id}")
    return [
        AreaTarget.of(
            region.polygon, region_feature(region, origin=origin, offset=bounds_offset, metadata={})["id"]
        )
        for region in regions
    ]


def region_lines(
    regions: Sequence[Region],
    targets: Sequence[AreaTarget],
    state: ReviewState,
    *,
    colors: Mapping[str, str],
    mpp: tuple[float, float] | None,
) -> tuple[list[RegionLine], int]:
    """Regions to list, and how many are not listed.

    Those that were decided or commented on come first, then the largest of the rest.

    Parameters
    ----------
    regions, targets
        Of the present results, in the same order.
    state
        The review.
    colors
        Of classes by name.
    mpp
        Micrometres per level-0 pixel, if known.
    """
    talked = {comment.key for comment in state.comments}
    keys = _keys(regions, targets, state)
    present = dict(zip(keys, regions, strict=True))
    outlines = dict(zip(keys, targets, strict=True))
    done = [key for key in present if key in state.regions or key in talked]
    earlier = [key for key in state.regions if key not in present]
    rest = sorted((key for key in present if key not in {*done}), key=lambda key: -present[key].area_px)
    lines: list[RegionLine] = []
    for key in [*done, *earlier, *rest[:PENDING_LINES]]:
        review = state.regions.get(key)
        lines.append(
            _line(
                len(lines) + 1,
                (review.target if review else outlines[key]).polygon,
                key,
                present.get(key),
                review,
                state,
                colors,
                mpp,
            )
        )
    return lines, max(len(rest) - PENDING_LINES, 0)


def _keys(regions: Sequence[Region], targets: Sequence[AreaTarget], state: ReviewState) -> list[str]:
    """Identity of each region: its own, else that of a reviewed one which it overlaps, else its own anew.

    Decisions that were taken in a window carry identities of that window.
    """
    own = [target.uuid for target in targets]
    open_ones = [i for i, key in enumerate(own) if key not in state.regions]
    others = [KnownRegion.of_review(k, r) for k, r in state.regions.items() if k not in {*own}]
    for place, key in same_regions([regions[i] for i in open_ones], others).items():
        own[open_ones[place]] = key
    return own


def _line(
    number: int,
    polygon: Polygon | MultiPolygon,
    key: str,
    region: Region | None,
    review: RegionReview | None,
    state: ReviewState,
    colors: Mapping[str, str],
    mpp: tuple[float, float] | None,
) -> RegionLine:
    said = (review.model if review else None) or {}
    model_class = region.class_name if region else str(said.get("class", ""))
    found = said.get("probability")
    probability = region.probability if region else float(found) if isinstance(found, int | float) else None
    class_name = (review.class_name if review else "") or model_class
    return RegionLine(
        number=number,
        key=key,
        polygon=polygon,
        model_class=model_class,
        probability=probability,
        class_name=class_name,
        color=colors.get(class_name, "#5f6b76"),
        area_mm2=None if mpp is None else polygon.area * mpp[0] * mpp[1] / UM2_PER_MM2,
        decision=review.decision if review else "pending",
        verdicts=_verdicts(key, state),
        comments=_comments(key, state),
        earlier=region is None,
    )


def _verdicts(key: str, state: ReviewState) -> tuple[Verdict, ...]:
    reviews = ((who, own.regions.get(key)) for who, own in sorted(state.reviewers.items()))
    return tuple(
        Verdict(who, r.decision, r.class_name, r.redrawn, r.act.time) for who, r in reviews if r is not None
    )


def _comments(key: str, state: ReviewState) -> tuple[Act, ...]:
    """Comments, and the notes that came with each reviewer's last decision, as they were written."""
    acts = [comment.act for comment in state.comments_on(key)]
    last = (own.regions[key].act for own in state.reviewers.values() if key in own.regions)
    return tuple(sorted([*acts, *(act for act in last if act.note)], key=lambda act: act.time))
