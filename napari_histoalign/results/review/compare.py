"""Who agrees with whom in a review: reviewers with each other and with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from napari_histoalign.results.review.agreement import Agreement, agreement
from napari_histoalign.results.review.state import ACCEPTED, REJECTED, ReviewState, TileMark

if TYPE_CHECKING:
    from napari_histoalign.results.review.targets import TileKey


@dataclass(frozen=True, eq=False)
class Compared:
    """Agreement of two on tiles.

    Attributes
    ----------
    first, second
        Reviewers; the second may be ``model``.
    how
        ``blinded`` (the model's answer was hidden), ``shown``, or ``all`` (two reviewers).
    agreement
        On tiles to which both gave a class.
    left_out
        Tiles that both looked at but one called unsure or an artefact, or of which it is not known what
        the model said.
    """

    first: str
    second: str
    how: str
    agreement: Agreement
    left_out: int


@dataclass(frozen=True)
class Decisions:
    """What a reviewer made of the model's regions.

    Attributes
    ----------
    who
        The reviewer.
    accepted, changed, rejected
        Regions taken as they are, taken with another class or outline, refused.
    """

    who: str
    accepted: int
    changed: int
    rejected: int


def between_reviewers(state: ReviewState, class_names: Sequence[str] = ()) -> tuple[Compared, ...]:
    """Agreement of each two reviewers on tiles that both marked; pairs without any are left out.

    Tiles are not independent of their neighbours, so intervals are narrower than they should be.
    """
    found = []
    for a, b in combinations(sorted(state.reviewers), 2):
        ours, theirs = state.reviewers[a].tiles, state.reviewers[b].tiles
        both = [key for key in ours if key in theirs]
        if both:
            pairs = [(ours[key].label.name, theirs[key].label.name) for key in both]
            found.append(_compared(a, b, "all", pairs, class_names))
    return tuple(found)


def with_model(state: ReviewState, class_names: Sequence[str] = ()) -> tuple[Compared, ...]:
    """Agreement of each reviewer with what the model said when the mark was made.

    Blinded answers stand apart. A tile whose blinded answer was changed once the model's was
    shown counts in both, with either answer.
    """
    found = []
    for who in sorted(state.reviewers):
        own = state.reviewers[who]
        seen = {key: mark for key, mark in own.tiles.items() if not mark.act.blinded}
        marks: Mapping[str, Mapping[TileKey, TileMark]] = {"blinded": own.blinded, "shown": seen}
        for how, answers in marks.items():
            if answers:
                pairs = [(mark.label.name, _model_class(mark)) for mark in answers.values()]
                found.append(_compared(who, "model", how, pairs, class_names))
    return tuple(found)


def decisions(state: ReviewState) -> tuple[Decisions, ...]:
    """What each reviewer made of regions; those who decided on none are left out."""
    found = []
    for who in sorted(state.reviewers):
        regions = state.reviewers[who].regions.values()
        taken = [r for r in regions if r.decision == ACCEPTED]
        changed = sum(r.redrawn or r.class_name not in ("", (r.model or {}).get("class")) for r in taken)
        rejected = sum(r.decision == REJECTED for r in regions)
        if taken or rejected:
            found.append(Decisions(who, len(taken) - changed, changed, rejected))
    return tuple(found)


def _model_class(mark: TileMark) -> str:
    said = (mark.act.model or {}).get("class")
    return said if isinstance(said, str) else ""


def _compared(
    a: str, b: str, how: str, pairs: Sequence[tuple[str, str]], class_names: Sequence[str]
) -> Compared:
    whole = [pair for pair in pairs if all(pair)]
    judged = agreement([p[0] for p in whole], [p[1] for p in whole], class_names)
    return Compared(a, b, how, judged, len(pairs) - len(whole))
