"""Where a review stands: what follows from its acts, for each reviewer and in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.results.review.acts import Act, Label
    from napari_histoalign.results.review.targets import AreaTarget, TileKey, TileTarget

PENDING, ACCEPTED, REJECTED = "pending", "accepted", "rejected"


@dataclass(frozen=True)
class TileMark:
    """A marked tile; `act` is what it comes from: who, when, blinded or not, what the model said."""

    target: TileTarget
    label: Label
    act: Act


@dataclass(frozen=True)
class AreaMark:
    """A drawn and marked area; the target has its present outline."""

    target: AreaTarget
    label: Label
    act: Act


@dataclass(frozen=True)
class RegionReview:
    """What became of a region of the model's.

    Attributes
    ----------
    target
        With its present outline.
    decision
        ``pending``, ``accepted`` or ``rejected``.
    class_name
        The class given to it; empty where nobody changed the model's.
    redrawn
        Whether its outline was changed.
    act
        The last one about it.
    model
        What the model said of it, as far as any act noted it.
    """

    target: AreaTarget
    decision: str
    class_name: str
    redrawn: bool
    act: Act
    model: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Comment:
    """A comment on a tile, a region, an area, or (None) the slide."""

    key: TileKey | str | None
    act: Act

    @property
    def text(self) -> str:
        """What it says."""
        return self.act.note


@dataclass(frozen=True)
class ReviewState:
    """Where a review stands.

    Attributes
    ----------
    tiles, areas, regions
        Marked tiles, marked areas and reviewed regions by their keys. Of all reviewers together, the
        last act about a thing counts.
    comments
        In the order in which they were written.
    blinded
        Of one reviewer: for each tile the last answer given before the model's was shown for it, also
        where another answer followed. Empty for all together.
    disputed
        Of all together: tiles to which reviewers gave different labels.
    reviewers
        Of all together: where each stands, by name.
    undone
        Ids of acts that do not count since an undo took them back.
    ignored
        Acts that make no sense where they stand, as sentences.
    """

    tiles: Mapping[TileKey, TileMark] = field(default_factory=dict)
    areas: Mapping[str, AreaMark] = field(default_factory=dict)
    regions: Mapping[str, RegionReview] = field(default_factory=dict)
    comments: tuple[Comment, ...] = ()
    blinded: Mapping[TileKey, TileMark] = field(default_factory=dict)
    disputed: frozenset[TileKey] = frozenset()
    reviewers: Mapping[str, ReviewState] = field(default_factory=dict)
    undone: frozenset[str] = frozenset()
    ignored: tuple[str, ...] = ()

    def of(self, who: str) -> ReviewState:
        """Where one reviewer stands; empty for somebody who has done nothing."""
        return self.reviewers.get(who, ReviewState())

    def comments_on(self, key: TileKey | str | None) -> tuple[Comment, ...]:
        """Comments on one thing, or (None) on the slide."""
        return tuple(comment for comment in self.comments if comment.key == key)

    def examples(self, class_names: Sequence[str], grid: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Marked tiles as few-shot examples.

        Parameters
        ----------
        class_names
            Classes to tell apart.
        grid
            Key of the grid whose tiles are wanted.

        Returns
        -------
        indices, labels
            Tiles of the grid, sorted, and the class of each, both shape (n,). Left out are tiles marked
            unsure or artefact, those of other grids, of other classes, and those that reviewers dispute:
            see `unused`.
        """
        order = {name: i for i, name in enumerate(class_names)}
        found = sorted(
            (mark.target.index, order[mark.label.name])
            for key, mark in self.tiles.items()
            if key[0] == grid and mark.label.name in order and key not in self.disputed
        )
        pairs = np.asarray(found, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def area_examples(self, class_names: Sequence[str]) -> list[tuple[AreaTarget, int]]:
        """Areas marked with one of the classes, and which; the caller finds the tiles in them."""
        order = {name: i for i, name in enumerate(class_names)}
        return [(a.target, order[a.label.name]) for a in self.areas.values() if a.label.name in order]

    def unused(self, class_names: Sequence[str], grid: str) -> tuple[str, ...]:
        """Why marks are not among the `examples`, as sentences; unsure and artefact need no reason."""
        classed = [(key, mark) for key, mark in self.tiles.items() if mark.label.name]
        elsewhere = sum(key[0] != grid for key, _ in classed)
        here = [(key, mark) for key, mark in classed if key[0] == grid]
        disputed = sum(key in self.disputed for key, _ in here)
        marks: list[TileMark | AreaMark] = [mark for _, mark in here]
        gone = [
            m.label.name for m in [*marks, *self.areas.values()] if m.label.name not in ("", *class_names)
        ]
        notes = []
        if elsewhere:
            notes.append(f"{elsewhere} marked tiles belong to another grid of tiles and are not used.")
        if disputed:
            notes.append(f"{disputed} tiles are not used: reviewers gave them different labels.")
        if gone:
            names = ", ".join(dict.fromkeys(gone))
            notes.append(f"{len(gone)} marks name classes that are not in the prompts: {names}.")
        return tuple(notes)
