"""What is known of one slide in the viewer, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from napari_histoalign.plugin.jobs import Setup, Snapshot
    from napari_histoalign.plugin.result_layers import ResultLayers


@dataclass(eq=False)
class OnSlide:
    """What is known of one slide in the viewer.

    Attributes
    ----------
    results
        Its layers.
    setup
        What they were made with; None before the first run.
    snapshot
        The scores in them.
    grown
        Whether they are of more tiles than when the person was told of them last.
    """

    results: ResultLayers
    setup: Setup | None = None
    snapshot: Snapshot | None = None
    grown: bool = False

    def take(self, snapshot: Snapshot) -> None:
        """Scores that take the place of those there are."""
        before = 0 if self.snapshot is None else len(self.snapshot.scored.indices)
        self.grown = self.grown or before < len(snapshot.scored.indices)
        self.snapshot = snapshot

    def begin(self, setup: Setup) -> bool:
        """Go on with a setup; returns whether scores of another one were forgotten."""
        if self.setup == setup:
            return False
        self.setup = setup
        self.results.forget_deleted()
        forgot, self.snapshot = self.snapshot is not None, None
        return forgot

    def draw(self, threshold: float, hidden: AbstractSet[str], *, finished: bool) -> None:
        """Put the scores into the layers; hidden classes are drawn as little as background."""
        if self.snapshot is None:
            return
        prompts = self.snapshot.scoring.prompts
        self.results.show(
            self.snapshot.rasters,
            background=tuple(c.is_background or c.name in hidden for c in prompts.classes),
            overlay=prompts.class_names[prompts.overlay_class],
            threshold=threshold,
            finished=finished,
        )
