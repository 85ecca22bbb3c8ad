"""The acts of one person: what to write when something is clicked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review.acts import Act, Label
from napari_histoalign.results.review.fold import taken_back
from napari_histoalign.results.review.state import PENDING, ReviewState
from napari_histoalign.results.review.targets import AreaTarget, Target, TileTarget, geometry_of

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

Model = Mapping[str, Any]


@dataclass(frozen=True)
class Reviewer:
    """Who reviews, and whether the model's answers are hidden meanwhile.

    Every method returns acts to be written (`ReviewLog.append`); none changes anything. ``before`` is
    taken from where this person stands.

    Attributes
    ----------
    who
        Name.
    blinded
        Whether the model's answers are hidden.
    """

    who: str
    blinded: bool = False

    def __post_init__(self) -> None:
        if not self.who.strip():
            raise ResultError("A review needs the name of the person who reviews. Enter it first.")

    def mark(
        self,
        state: ReviewState,
        targets: Iterable[Target],
        label: Label,
        *,
        model: Callable[[Target], Model | None] = lambda target: None,
        note: str = "",
    ) -> tuple[Act, ...]:
        """Mark tiles or drawn areas, all in one gesture.

        Parameters
        ----------
        state
            Where the review stands.
        targets
            What is marked; what this person has so marked already is left out.
        label
            As what.
        model
            What the model says of a target at this moment, if anything.
        note
            In the person's words.
        """
        return self._gesture(
            Act(
                self.who,
                "mark",
                target,
                before=None if (old := self._label(state, target)) is None else old.to_plain(),
                after=label.to_plain(),
                note=note,
                blinded=self.blinded,
                model=model(target),
            )
            for target in targets
            if self._label(state, target) != label
        )

    def unmark(self, state: ReviewState, targets: Iterable[Target]) -> tuple[Act, ...]:
        """Take marks off; what this person has not marked is left out."""
        return self._gesture(
            Act(self.who, "unmark", target, before=old.to_plain(), blinded=self.blinded)
            for target in targets
            if (old := self._label(state, target)) is not None
        )

    def accept(
        self, state: ReviewState, region: AreaTarget, *, model: Model | None = None, note: str = ""
    ) -> Act:
        """Say that a region is right."""
        return self._decide(state, "accept", "accepted", region, model, note)

    def reject(
        self, state: ReviewState, region: AreaTarget, *, model: Model | None = None, note: str = ""
    ) -> Act:
        """Say that a region is wrong."""
        return self._decide(state, "reject", "rejected", region, model, note)

    def reopen(self, state: ReviewState, region: AreaTarget, *, note: str = "") -> Act:
        """Leave a region open again."""
        return self._decide(state, "reopen", PENDING, region, None, note)

    def relabel(
        self,
        state: ReviewState,
        region: AreaTarget,
        class_name: str,
        *,
        model: Model | None = None,
        note: str = "",
    ) -> Act:
        """Give a region another class; with that it is accepted."""
        old = state.of(self.who).regions.get(region.uuid)
        before = old.class_name if old else ""
        before = before or (model or {}).get("class", "")
        return Act(
            self.who,
            "relabel",
            region,
            before={"class": before} if before else None,
            after={"class": class_name},
            note=note,
            blinded=self.blinded,
            model=model,
        )

    def redraw(
        self,
        region: AreaTarget,
        polygon: Polygon | MultiPolygon,
        *,
        model: Model | None = None,
        note: str = "",
    ) -> Act:
        """Give a region (which is accepted so) or a drawn area another outline; `region` has the last."""
        return Act(
            self.who,
            "redraw",
            region,
            before=region.geometry,
            after=geometry_of(polygon),
            note=note,
            blinded=self.blinded,
            model=model,
        )

    def comment(self, target: Target | None, text: str) -> Act:
        """Write a comment on a tile, a region, an area, or (None) the slide."""
        if not text.strip():
            raise ResultError("The comment is empty.")
        return Act(self.who, "comment", target, note=text, blinded=self.blinded)

    def undo(self, acts: Sequence[Act]) -> tuple[Act, ...]:
        """Take back this person's last gesture that still counts; nothing if there is none.

        Parameters
        ----------
        acts
            All of the log.
        """
        return self._take_back([act for act in self._counting(acts) if act.what != "undo"])

    def redo(self, acts: Sequence[Act]) -> tuple[Act, ...]:
        """Take back the last undo; nothing if there is none, or something was done since."""
        there = {act.id: act for act in acts}
        # a redo is an undo as well, of an undo: it is not what is redone, and undoing the act again is
        counting = [
            act
            for act in self._counting(acts)
            if act.what != "undo" or (act.refers in there and there[act.refers].what != "undo")
        ]
        return self._take_back(counting) if counting and counting[-1].what == "undo" else ()

    def _counting(self, acts: Sequence[Act]) -> list[Act]:
        undone, _ = taken_back(acts)
        return [act for act in acts if act.who == self.who and act.id not in undone]

    def _take_back(self, acts: Sequence[Act]) -> tuple[Act, ...]:
        if not acts:
            return ()
        last = [act for act in acts if act.gesture == acts[-1].gesture]
        return self._gesture(Act(self.who, "undo", refers=act.id) for act in reversed(last))

    def _decide(
        self, state: ReviewState, what: str, decision: str, region: AreaTarget, model: Model | None, note: str
    ) -> Act:
        old = state.of(self.who).regions.get(region.uuid)
        return Act(
            self.who,
            what,
            region,
            before={"decision": old.decision if old else PENDING},
            after={"decision": decision},
            note=note,
            blinded=self.blinded,
            model=model,
        )

    def _label(self, state: ReviewState, target: Target) -> Label | None:
        own = state.of(self.who)
        mark = own.tiles.get(target.key) if isinstance(target, TileTarget) else own.areas.get(target.key)
        return None if mark is None else mark.label

    def _gesture(self, acts: Iterable[Act]) -> tuple[Act, ...]:
        made = tuple(acts)
        if len(made) < 2:
            return made
        gesture = str(uuid.uuid4())
        return tuple(replace(act, gesture=gesture) for act in made)
