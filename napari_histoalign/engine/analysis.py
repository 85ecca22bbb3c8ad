"""Embed once, score at will: one slide, one grid of tiles, its encoders and what they stored."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine.embedding import TileEmbedder
from napari_histoalign.engine.held import MOST_HELD
from napari_histoalign.engine.queue import TileQueue
from napari_histoalign.engine.scoring import SlideScoring
from napari_histoalign.engine.store import EmbeddingStore, StoreKey
from napari_histoalign.engine.views import DEFAULT_VIEWS, check_views
from napari_histoalign.engine.wording import unknown_words
from napari_histoalign.errors import AlignmentError
from napari_histoalign.files import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.encoders import Encoder
    from napari_histoalign.engine.progress import Progress
    from napari_histoalign.engine.scored import Scored
    from napari_histoalign.slides import Slide, TileGrid

log = logging.getLogger(__name__)


class Analysis:
    """The embeddings of one slide on one grid, and the scores that follow from them.

    Pixels are read and embedded by `embed` and `work_off`; `score` is linear algebra on the stored rows. One
    thread may embed while another scores.

    Parameters
    ----------
    slide
        An open slide; it stays the caller's to close.
    encoders
        One or two loaded encoders, the pathology one first.
    grid
        Where the tiles are.
    views
        Names of the views of each tile (see `napari_histoalign.engine.views.VIEWS`).
    cache
        Folder of the embedding stores; the package's own cache by default.
    memory
        Most bytes of rows, and as many of similarities, that are kept for scoring again.
    edited
        Whether prompts will be edited again and again, so that rows are kept ready to be multiplied.

    Raises
    ------
    StoreError
        A store cannot be opened or made.
    AlignmentError
        There is no such view, or no encoder.
    """

    def __init__(
        self,
        slide: Slide,
        encoders: Sequence[Encoder],
        grid: TileGrid,
        *,
        views: tuple[str, ...] = DEFAULT_VIEWS,
        cache: Path | None = None,
        memory: int = MOST_HELD,
        edited: bool = False,
    ) -> None:
        if not encoders:
            raise AlignmentError("At least one encoder is needed.")
        self.slide = slide
        self.encoders = tuple(encoders)
        self.grid = grid
        self.views = check_views(views)
        root = cache or cache_dir("embeddings")
        self._stores: list[EmbeddingStore] = []
        try:
            for encoder in self.encoders:
                self._stores.append(EmbeddingStore(root, self._key(encoder)))
        except BaseException:
            self.close()
            raise
        self._embedder = TileEmbedder(slide, grid, self.encoders, self._stores, self.views)
        self._scoring = SlideScoring(self.encoders, self._stores, grid, memory=memory, edited=edited)

    def __enter__(self) -> Analysis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Make everything durable and let go of the stores."""
        for store in self._stores:
            store.close()

    @property
    def unread(self) -> dict[int, str]:
        """Why tiles could not be read, by tile."""
        return self._embedder.unread

    @property
    def memory_note(self) -> str:
        """A sentence, once a device had no room for a batch and smaller ones were made."""
        return self._embedder.memory_note

    def embedded(self) -> NDArray[np.int64]:
        """Tiles that every encoder has embedded, in order."""
        return np.flatnonzero(self._done())

    def missing(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `indices` that some encoder has not embedded, in their order.

        A stored row that fails its checksum counts as missing.
        """
        for store in self._stores:
            damaged = store.forget_damaged(indices)
            if len(damaged):
                log.warning(
                    "%d stored embeddings of %s (%s) were damaged and are made again.",
                    len(damaged),
                    self.slide.path.name,
                    store.key.encoder,
                )
        return indices[~self._done()[indices]]

    def embed(
        self,
        indices: NDArray[np.int64],
        *,
        batch: int = 32,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Progress]:
        """Read and embed what is missing of `indices`, yielding after each batch.

        Tiles are read once for all encoders and views. Rows are stored as they come, so
        that a run which is cancelled, closed or killed goes on from there.

        Parameters
        ----------
        indices
            Tiles wanted, in the order in which they are wanted, shape (n,).
        batch
            Tiles a step.
        cancelled
            Asked before each forward pass; True ends the run quietly.

        Yields
        ------
        Progress
            First the state before any work, then one after each batch.

        Raises
        ------
        SlideError
            More than 5 % of the tiles cannot be read.
        StoreError
            Embeddings cannot be written.
        """
        todo = self.missing(indices)
        queue = TileQueue(todo)
        queue.credit(len(indices) - len(todo))
        yield from self.work_off(queue, batch=batch, cancelled=cancelled)

    def work_off(
        self,
        queue: TileQueue,
        *,
        batch: int = 32,
        seconds: float | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        refresh: Callable[[], None] = lambda: None,
    ) -> Iterator[Progress]:
        """Read and embed what a queue wants until nothing waits in it, yielding after each batch.

        Parameters
        ----------
        queue
            Tiles that are missing (see `missing`), in the order in which they are wanted. It may be changed
            meanwhile, by `refresh` or from another thread: tiles that were read by then and are not wanted
            any more are not embedded.
        batch
            Tiles a step, at most.
        seconds
            How long a step should take: steps get smaller on slow machines, so that the queue's changes count
            soon. By default every step has `batch` tiles.
        cancelled
            Asked before each forward pass; True ends the run quietly.
        refresh
            Called before tiles are taken from the queue.

        Yields
        ------
        Progress
            First the state before any work, then one after each batch.

        Raises
        ------
        SlideError
            More than 5 % of the tiles cannot be read.
        StoreError
            Embeddings cannot be written.
        """
        yield from self._embedder.work_off(
            queue, batch=batch, seconds=seconds, cancelled=cancelled, refresh=refresh
        )

    def score(self, indices: NDArray[np.int64], prompts: PromptSet, alignment: Alignment) -> Scored:
        """Probabilities of embedded tiles under a prompt set, without reading a pixel.

        Parameters
        ----------
        indices
            Tiles, all of them embedded, shape (n,).
        prompts
            Classes and their prompts; only texts not seen before are encoded.
        alignment
            How similarities become probabilities. The first one that compares images of one encoder
            with texts of another takes a while to find out whether it may (see `engine.cross_pairs`).

        Returns
        -------
        Scored
            One row a tile, in the order of `indices`.

        Raises
        ------
        StoreError
            A tile is not embedded.
        AlignmentError
            The alignment cannot be applied to these encoders.
        """
        return self._scoring.score(indices, prompts, alignment)

    def compare(self, alignment: Alignment) -> None:
        """Find out how the encoders compare, as far as an alignment needs it; `score` would do it later.

        The first time for each encoder, its text tower embeds some hundred phrases.
        """
        self._scoring.compare(alignment)

    def unknown_words(self, prompts: PromptSet) -> tuple[str, ...]:
        """Words of the prompts that mean nothing to any of the encoders, in order, each once.

        A word that one of them knows is no reason to warn: a general encoder need not know
        pathology's.
        """
        return unknown_words(self.encoders, prompts.expand().texts)

    def _done(self) -> NDArray[np.bool_]:
        """Which tiles every encoder has embedded, shape (tiles,)."""
        done: NDArray[np.bool_] = np.logical_and.reduce([store.done() for store in self._stores])
        return done

    def _key(self, encoder: Encoder) -> StoreKey:
        return StoreKey(
            slide=self.slide.fingerprint,
            grid=self.grid.key,
            tiles=self.grid.count,
            encoder=encoder.spec.name,
            weights=encoder.weights_hash,
            preprocessing=encoder.preprocessing,
            views=self.views,
            dim=encoder.dim,
        )
