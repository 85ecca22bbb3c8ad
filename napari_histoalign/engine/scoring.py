"""From stored embeddings and prompts to scores: linear algebra, and the encoding of new texts."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from napari_histoalign.engine.cross_pairs import CrossPairs
from napari_histoalign.engine.held import MOST_HELD, HeldTensor
from napari_histoalign.engine.scored import Scored
from napari_histoalign.engine.texts import NEUTRAL, TextCache
from napari_histoalign.results import TileScores

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.encoders import Encoder
    from napari_histoalign.engine.store import EmbeddingStore
    from napari_histoalign.slides import TileGrid


class SlideScoring:
    """Scores of one slide's embedded tiles; keeps texts, ways between encoders, and similarities.

    Parameters
    ----------
    encoders
        One or two, the pathology one first.
    stores
        Their embeddings.
    grid
        Where the tiles are.
    memory, edited
        See `napari_histoalign.engine.held.HeldTensor`.
    """

    def __init__(
        self,
        encoders: Sequence[Encoder],
        stores: Sequence[EmbeddingStore],
        grid: TileGrid,
        *,
        memory: int = MOST_HELD,
        edited: bool = False,
    ) -> None:
        self._grid = grid
        self._texts = [TextCache(encoder) for encoder in encoders]
        self._cross_pairs = CrossPairs(encoders)
        self._edited = edited
        self._pools: Any = None
        scales = [encoder.logit_scale for encoder in encoders]
        self._held = HeldTensor(stores, scales, memory=memory, edited=edited)

    def score(self, indices: NDArray[np.int64], prompts: PromptSet, alignment: Alignment) -> Scored:
        """Probabilities of embedded tiles; see `napari_histoalign.engine.Analysis.score`."""
        with self._threads():
            return self._score(indices, prompts, alignment)

    def _threads(self) -> AbstractContextManager[object]:
        """One thread of our own where prompts are edited.

        Products of few columns wait for memory, and threads that wait for each other while the encoders use
        all processors take many times as long.
        """
        if not self._edited:
            return nullcontext()
        if self._pools is None:
            from threadpoolctl import ThreadpoolController

            self._pools = ThreadpoolController()
        limited: AbstractContextManager[object] = self._pools.limit(limits=1, user_api="blas")
        return limited

    def _score(self, indices: NDArray[np.int64], prompts: PromptSet, alignment: Alignment) -> Scored:
        expanded = prompts.expand()
        texts = [cache.embed(expanded.texts) for cache in self._texts]
        crossed = self._cross_pairs.decide(alignment.crossed)
        every = {pair: found.carry(texts[pair[1]]) for pair, found in crossed.items()}
        neutral = None
        if alignment.prior == "content-free":
            neutral = [cache.embed(NEUTRAL) for cache in self._texts]
        tensor = self._held.tensor(indices, texts, expanded.class_index, len(prompts.classes), every, neutral)
        scores = alignment.score_tensor(tensor)
        tiles = TileScores(
            xy=self._grid.xy(indices),
            tile_px=self._grid.tile_px,
            stride_px=self._grid.stride_px,
            class_names=prompts.class_names,
            colors=prompts.colors,
            roles=tuple(c.role for c in prompts.classes),
            probabilities=scores.probabilities,
        )
        return Scored(
            indices,
            tiles,
            {**scores.details, "cross_pairs": [found.to_dict() for found in crossed.values()]},
            tuple(found.describe() for found in crossed.values()),
            prompts,
            alignment,
            tensor,
            scores,
        )

    def compare(self, alignment: Alignment) -> None:
        """Find out how the encoders compare, as far as an alignment needs it."""
        self._cross_pairs.decide(alignment.crossed)

    def forget(self) -> None:
        """Give back the memory of the similarities."""
        self._held.forget()
