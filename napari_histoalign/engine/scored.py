"""What scoring an analysis returns, and what may follow from it without reading anything again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.explain import explain
from napari_histoalign.alignment.refining import Examples, refine
from napari_histoalign.alignment.uncertainty import disagreement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet, Scores
    from napari_histoalign.alignment.explain import Explanation
    from napari_histoalign.alignment.refining import Refinement
    from napari_histoalign.alignment.similarity import SimilarityTensor
    from napari_histoalign.results import TileScores

SAMPLE = 16
"""Tiles from which it is told how much prompts add."""


@dataclass(frozen=True, eq=False)
class MarkedTiles:
    """Tiles of a grid whose class a person told.

    Attributes
    ----------
    indices
        Tiles of the grid, each once, shape (m,).
    labels
        Their classes, shape (m,).
    groups
        What is of one piece (a drawn area) and is held out together; each on its own by default.
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    groups: Sequence[str] | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """Probabilities of tiles, and how they came about.

    Attributes
    ----------
    indices
        Tiles of the grid, ascending, shape (n,).
    tiles
        Their scores, one row a tile in that order.
    details
        What the alignment found on the way (temperatures, weights), for the provenance.
    notes
        What the person should know of how encoders were compared, as sentences.
    prompts, alignment
        What they were scored with.
    tensor, scores
        Similarities and logits behind them.
    steps
        What was done after each tile had been judged for itself, by name; empty for such judgements.
    refinement
        What was asked for and, under ``examples``, the tiles of each class that were examples, as plain
        values; empty without steps.
    judged
        Scores before those steps; None without steps.
    """

    indices: NDArray[np.int64]
    tiles: TileScores
    details: Mapping[str, Any]
    notes: tuple[str, ...]
    prompts: PromptSet
    alignment: Alignment
    tensor: SimilarityTensor
    scores: Scores
    steps: tuple[str, ...] = ()
    refinement: Mapping[str, Any] = field(default_factory=dict)
    judged: Scores | None = None

    def position(self, index: int) -> int | None:
        """Where a tile of the grid stands in `indices`, or None."""
        at = int(np.searchsorted(self.indices, index))
        return at if at < len(self.indices) and self.indices[at] == index else None

    def explain(self, index: int) -> Explanation | None:
        """What moved the probability of a tile of the grid; None where it was not scored.

        Of a refined tile it is the judgement before that was taken apart.
        """
        at = self.position(index)
        if at is None:
            return None
        return explain(self.tensor, self.alignment, self.judged or self.scores, at)

    def prompt_shares(self, indices: NDArray[np.int64], most: int = SAMPLE) -> dict[str, float]:
        """How much each text adds to the logit of its own class, as a share of the most that one adds.

        The mean over tiles (`explain`), 0 where a text speaks against its class.

        Parameters
        ----------
        indices
            Tiles of the grid; those that were not scored do not count.
        most
            Tiles that are looked at, evenly spread over `indices`.

        Returns
        -------
        dict
            By text as it was embedded; empty where no tile was scored.
        """
        at = [index for index in indices.tolist() if self.position(index) is not None]
        found = [self.explain(at[k]) for k in np.linspace(0, len(at) - 1, min(most, len(at))).astype(int)]
        explained = [e for e in found if e is not None]
        if not explained:
            return {}
        own = explained[0].class_index
        added = np.mean([e.by_prompt()[np.arange(len(own)), own] for e in explained], axis=0)
        added = np.maximum(added, 0.0)
        shares = added / max(float(added.max()), 1e-12)
        texts = self.prompts.expand().texts
        return {
            texts[at]: float(share) for at, share in zip(explained[0].prompts.tolist(), shares, strict=True)
        }

    def disagreement(self) -> NDArray[np.float32]:
        """How far the pairs of encoders contradict each other, 0 to 1, shape (n,); 0 where there is one."""
        parts = self.scores.parts
        if len(parts) < 2 or not len(self.indices):
            return np.zeros(len(self.indices), np.float32)
        return disagreement([p.logits for p in parts], [p.weight for p in parts])

    def refined(self, refinement: Refinement, marked: MarkedTiles | None = None) -> Scored:
        """The same tiles after a refinement.

        Parameters
        ----------
        refinement
            What to do; what cannot be done is left out, and `notes` says why.
        marked
            Examples; those that were not scored are left out, and `notes` says how many.

        Returns
        -------
        Scored
            `steps` name what was done; with none of them, these are the same scores with more notes.
        """
        examples, missing = self._examples(marked)
        found = refine(
            self.tensor,
            self.scores,
            refinement,
            xy=self.tiles.xy,
            stride_px=self.tiles.stride_px,
            examples=examples,
        )
        notes = [*self.notes, *found.notes]
        if missing and refinement.needs_examples:
            notes.append(f"{missing} marked tiles were not scored and are no examples.")
        return replace(
            self,
            tiles=replace(self.tiles, probabilities=found.scores.probabilities),
            details=found.scores.details if found.steps else self.details,
            notes=tuple(notes),
            scores=replace(found.scores, parts=self.scores.parts),
            steps=found.steps,
            judged=self.scores if found.steps else None,
            refinement=self._asked(refinement, examples) if found.steps else {},
        )

    def _asked(self, refinement: Refinement, examples: Examples | None) -> dict[str, Any]:
        """What a refinement was, as plain values."""
        asked = refinement.to_dict()
        if examples is not None and refinement.needs_examples:
            asked["examples"] = {
                name: self.indices[examples.positions[examples.labels == c]].tolist()
                for c, name in enumerate(self.prompts.class_names)
            }
        return asked

    def _examples(self, marked: MarkedTiles | None) -> tuple[Examples | None, int]:
        """Marked tiles by their position, and how many of them were not scored."""
        if marked is None:
            return None, 0
        at = [self.position(index) for index in marked.indices.tolist()]
        kept = [k for k, where in enumerate(at) if where is not None]
        positions = np.array([at[k] for k in kept], np.int64)
        groups = None if marked.groups is None else [marked.groups[k] for k in kept]
        return Examples(positions, marked.labels[kept], groups), len(at) - len(kept)
