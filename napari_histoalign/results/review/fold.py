"""From acts to the state they lead to; the same acts always lead to the same state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review.acts import Act, Label
from napari_histoalign.results.review.state import (
    ACCEPTED,
    PENDING,
    REJECTED,
    AreaMark,
    Comment,
    RegionReview,
    ReviewState,
    TileMark,
)
from napari_histoalign.results.review.targets import AreaTarget, TileKey, TileTarget, check_geometry

DECISIONS = {"accept": ACCEPTED, "reject": REJECTED, "reopen": PENDING}


@dataclass
class _Desk:
    """A state in the making."""

    tiles: dict[TileKey, TileMark] = field(default_factory=dict)
    areas: dict[str, AreaMark] = field(default_factory=dict)
    regions: dict[str, RegionReview] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    blinded: dict[TileKey, TileMark] = field(default_factory=dict)
    shown: set[TileKey] = field(default_factory=set)


def fold(acts: Sequence[Act]) -> ReviewState:
    """Where a review stands after these acts.

    An undo takes back an earlier act of the same person, which may itself be an undo. What an act has
    for ``before`` plays no part. A region that was relabelled or redrawn counts as accepted.

    Parameters
    ----------
    acts
        In the order in which they were done.
    """
    undone, ignored = taken_back(acts)
    every = _Desk()
    single: dict[str, _Desk] = {}
    for act in acts:
        if act.id in undone or act.what == "undo":
            continue
        own = single.setdefault(act.who, _Desk())
        try:
            _apply(act, own)
            _apply(act, every)
        except ResultError as err:
            ignored.append(f"An act of {act.who} ({act.what}) is left out: {err}")
    reviewers = {who: _state(desk, blinded=True) for who, desk in single.items()}
    return replace(
        _state(every, blinded=False),
        disputed=frozenset(_disputed(reviewers.values())),
        reviewers=reviewers,
        undone=undone,
        ignored=tuple(ignored),
    )


def taken_back(acts: Sequence[Act]) -> tuple[frozenset[str], list[str]]:
    """Ids of acts that do not count, and undos that make no sense, as sentences.

    Read from the end: whether an undo counts depends on later ones only.
    """
    position = {act.id: i for i, act in enumerate(acts)}
    undone: set[str] = set()
    wrong: list[str] = []
    for i in range(len(acts) - 1, -1, -1):
        act = acts[i]
        if act.what != "undo" or act.id in undone:
            continue
        at = position.get(act.refers, len(acts))
        if at >= i:
            wrong.append(f"An undo of {act.who} refers to an act that is not there, and is left out.")
        elif acts[at].who != act.who:
            wrong.append(f"An undo of {act.who} refers to an act of {acts[at].who}, and is left out.")
        else:
            undone.add(act.refers)
    return frozenset(undone), wrong[::-1]


def _apply(act: Act, desk: _Desk) -> None:
    """Let an act have its effect.

    Raises
    ------
    ResultError
        It has none, since its parts do not fit together; the desk is as before.
    """
    target = act.target
    if act.what == "comment":
        desk.comments.append(Comment(None if target is None else target.key, act))
    elif isinstance(target, TileTarget):
        _apply_to_tile(act, target, desk)
    elif isinstance(target, AreaTarget):
        _apply_to_area(act, target, desk)


def _apply_to_tile(act: Act, target: TileTarget, desk: _Desk) -> None:
    if act.what not in ("mark", "unmark"):
        raise ResultError("only a region can be judged so, not a tile.")
    mark = TileMark(target, Label.from_plain(act.after), act) if act.what == "mark" else None
    kept = [desk.tiles]
    if not act.blinded:
        desk.shown.add(target.key)
    elif target.key not in desk.shown:  # an answer is blind only where nothing was seen before
        kept.append(desk.blinded)
    for marks in kept:
        if mark is None:
            marks.pop(target.key, None)
        else:
            marks[target.key] = mark


def _apply_to_area(act: Act, target: AreaTarget, desk: _Desk) -> None:
    key = target.uuid
    if act.what == "mark":
        desk.areas[key] = AreaMark(target, Label.from_plain(act.after), act)
        return
    if act.what == "unmark":
        desk.areas.pop(key, None)
        return
    if act.what == "redraw":
        target = replace(target, geometry=check_geometry(act.after))
        if key in desk.areas:
            desk.areas[key] = replace(desk.areas[key], target=target, act=act)
            return
    so_far = desk.regions.get(key) or RegionReview(target, PENDING, "", False, act)
    so_far = replace(so_far, act=act, model=act.model or so_far.model)
    if act.what in DECISIONS:
        desk.regions[key] = replace(so_far, decision=DECISIONS[act.what])
    elif act.what == "redraw":
        desk.regions[key] = replace(so_far, target=target, redrawn=True, decision=ACCEPTED)
    else:
        name = act.after.get("class") if isinstance(act.after, dict) else None
        if not isinstance(name, str) or not name:
            raise ResultError("it names no class.")
        desk.regions[key] = replace(so_far, class_name=name, decision=ACCEPTED)


def _state(desk: _Desk, *, blinded: bool) -> ReviewState:
    return ReviewState(
        tiles=desk.tiles,
        areas=desk.areas,
        regions=desk.regions,
        comments=tuple(desk.comments),
        blinded=desk.blinded if blinded else {},
    )


def _disputed(reviewers: Iterable[ReviewState]) -> set[TileKey]:
    """Tiles with different labels."""
    first: dict[TileKey, Label] = {}
    found = set()
    for state in reviewers:
        for key, mark in state.tiles.items():
            if first.setdefault(key, mark.label) != mark.label:
                found.add(key)
    return found
