"""Embed once, score at will: one slide, one grid of tiles, its encoders and what they stored."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine.progress import Progress, Stopwatch
from napari_histoalign.engine.reading import read_batches
from napari_histoalign.engine.scoring import SlideScoring
from napari_histoalign.engine.store import EmbeddingStore, StoreKey
from napari_histoalign.engine.views import DEFAULT_VIEWS, VIEWS, check_views, fields_of, make_view
from napari_histoalign.errors import AlignmentError, SlideError
from napari_histoalign.files import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.encoders import Encoder
    from napari_histoalign.engine.scored import Scored
    from napari_histoalign.slides import Slide, TileGrid

log = logging.getLogger(__name__)

UNREAD_SHARE = 0.05
"""A run with more than this share of tiles that cannot be read fails."""
UNREAD_ALWAYS = 10
"""So many unread tiles are borne in any run, however small."""


class Analysis:
    """The embeddings of one slide on one grid, and the scores that follow from them.

    Use it from one thread at a time. Pixels are read and embedded by `embed` alone;
    `score` is linear algebra on the stored rows.

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
    ) -> None:
        if not encoders:
            raise AlignmentError("At least one encoder is needed.")
        self.slide = slide
        self.encoders = tuple(encoders)
        self.grid = grid
        self.views = check_views(views)
        self.unread: dict[int, str] = {}
        root = cache or cache_dir("embeddings")
        self._stores: list[EmbeddingStore] = []
        try:
            for encoder in self.encoders:
                self._stores.append(EmbeddingStore(root, self._key(encoder)))
        except BaseException:
            self.close()
            raise
        self._scoring = SlideScoring(self.encoders, self._stores, grid)

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
            More than `UNREAD_SHARE` of the tiles cannot be read.
        StoreError
            Embeddings cannot be written.
        """
        todo = self.missing(indices)
        done = len(indices) - len(todo)
        watch = Stopwatch()
        yield Progress(done, len(indices), np.empty(0, np.int64), 0.0, 0.0, 0)
        batches = [todo[i : i + batch] for i in range(0, len(todo), batch)]
        reading = read_batches(self.slide, self.grid, batches, fields=fields_of(self.views))
        unread = 0
        try:
            for tiles in reading:
                unread += self._note_unread(tiles.unread, len(todo), unread)
                if cancelled() or not self._embed_batch(tiles.indices, tiles.images, cancelled):
                    return
                done += len(tiles.indices)
                rate = watch.count(len(tiles.indices))
                left = (len(indices) - done - unread) / rate if rate else 0.0
                yield Progress(done, len(indices), tiles.indices, rate, left, unread)
        finally:
            reading.close()
            for store in self._stores:
                store.commit()

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
        texts = prompts.expand().texts
        first, *others = (
            dict.fromkeys(word for text in texts for word in encoder.unknown_words(text))
            for encoder in self.encoders
        )
        return tuple(word for word in first if all(word in unknown for unknown in others))

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

    def _embed_batch(
        self,
        indices: NDArray[np.int64],
        images: Mapping[float, NDArray[np.uint8]],
        cancelled: Callable[[], bool],
    ) -> bool:
        """Embed a batch with every encoder that lacks some of it; False if cancelled meanwhile."""
        for encoder, store in zip(self.encoders, self._stores, strict=True):
            lacking = ~store.done()[indices]
            if not lacking.any():
                continue
            rows = []
            for view in self.views:
                if cancelled():
                    return False
                rows.append(encoder.embed_images(make_view(view, images[VIEWS[view].field][lacking])))
            store.write(indices[lacking], np.stack(rows, axis=1))
        return True

    def _note_unread(self, errors: dict[int, SlideError], total: int, before: int) -> int:
        """Log tiles that could not be read; too many of them end the run."""
        for index, error in errors.items():
            self.unread[index] = str(error)
            log.warning("Tile %d of %s is left out: %s", index, self.slide.path.name, error)
        unread = before + len(errors)
        if unread > max(UNREAD_ALWAYS, UNREAD_SHARE * total):
            raise SlideError(
                f"{unread} of {total} tiles of {self.slide.path} could not be read, more than the "
                f"{UNREAD_SHARE:.0%} a run may leave out. The file is probably damaged: copy it again from "
                f"its source. The last error was: {next(reversed(self.unread.values()))}"
            )
        return len(errors)
