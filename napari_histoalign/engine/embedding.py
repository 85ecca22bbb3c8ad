"""Tiles of a slide into the stores: batch after batch, as a queue wants them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine.progress import Progress, Stopwatch
from napari_histoalign.engine.reading import read_batches
from napari_histoalign.engine.views import VIEWS, fields_of, make_view
from napari_histoalign.errors import DeviceMemoryError, SlideError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder
    from napari_histoalign.engine.queue import TileQueue
    from napari_histoalign.engine.reading import TileBatch
    from napari_histoalign.engine.store import EmbeddingStore
    from napari_histoalign.slides import Slide, TileGrid

log = logging.getLogger(__name__)

UNREAD_SHARE = 0.05
"""A run with more than this share of tiles that cannot be read fails."""
UNREAD_ALWAYS = 10
"""So many unread tiles are borne in any run, however small."""
FIRST_BATCH = 4
"""Tiles of the first batch where batches are measured by time."""


class TileEmbedder:
    """Reads tiles and stores their embeddings.

    Parameters
    ----------
    slide, grid
        Where the tiles are.
    encoders, stores
        What embeds them, and where the rows go.
    views
        Names of the views of a tile.

    Attributes
    ----------
    unread
        Why tiles could not be read, by tile.
    memory_note
        A sentence, once a device had no room for a batch and smaller ones were made; empty until then.
    """

    def __init__(
        self,
        slide: Slide,
        grid: TileGrid,
        encoders: Sequence[Encoder],
        stores: Sequence[EmbeddingStore],
        views: Sequence[str],
    ) -> None:
        self._slide, self._grid = slide, grid
        self._encoders, self._stores = tuple(encoders), tuple(stores)
        self._views = tuple(views)
        self._most: dict[str, int] = {}
        self.unread: dict[int, str] = {}
        self.memory_note = ""

    def work_off(
        self,
        queue: TileQueue,
        *,
        batch: int,
        seconds: float | None,
        cancelled: Callable[[], bool],
        refresh: Callable[[], None],
    ) -> Iterator[Progress]:
        """Embed the tiles of a queue until it is empty; see `napari_histoalign.engine.Analysis.work_off`."""
        watch = Stopwatch()
        unread = 0
        size = batch if seconds is None else min(FIRST_BATCH, batch)
        ahead: list[NDArray[np.int64]] = []

        def state(indices: NDArray[np.int64], rate: float) -> Progress:
            done = queue.done - unread
            left = queue.left
            return Progress(done, done + unread + left, indices, rate, left / rate if rate else 0.0, unread)

        def batches() -> Iterator[NDArray[np.int64]]:
            while not cancelled():
                refresh()
                taken = queue.take(size)
                if not len(taken):
                    return
                ahead.append(taken)
                yield taken

        yield state(np.empty(0, np.int64), 0.0)
        while True:
            reading = read_batches(self._slide, self._grid, batches(), fields=fields_of(self._views))
            try:
                for tiles in reading:
                    unread += self._note_unread(tiles.unread, queue, unread)
                    queue.finish(np.array(list(tiles.unread), np.int64))
                    refresh()
                    wanted = queue.wanted(tiles.indices)  # the person may look elsewhere by now
                    indices = tiles.indices[wanted]
                    began = time.monotonic()
                    if cancelled() or not self._embed(indices, tiles, wanted, cancelled):
                        return
                    queue.finish(indices)
                    queue.give_back(ahead.pop(0))
                    rate = watch.count(len(indices))
                    if seconds is not None and len(indices):
                        speed = len(indices) / max(time.monotonic() - began, 1e-6)
                        size = int(np.clip(speed * seconds, 1, batch))
                    yield state(indices, rate)
            finally:
                reading.close()
                for taken in ahead:
                    queue.give_back(taken)
                ahead.clear()
                for store in self._stores:
                    store.commit()
            if cancelled() or not queue.left:  # what was put in line while the last batches ended goes on
                return

    def _embed(
        self,
        indices: NDArray[np.int64],
        tiles: TileBatch,
        wanted: NDArray[np.bool_],
        cancelled: Callable[[], bool],
    ) -> bool:
        """Embed a batch with every encoder that lacks some of it; False if cancelled meanwhile."""
        for encoder, store in zip(self._encoders, self._stores, strict=True):
            lacking = ~store.done()[indices]
            if not lacking.any():
                continue
            chosen = np.flatnonzero(wanted)[lacking]
            rows = []
            for view in self._views:
                if cancelled():
                    return False
                images = tiles.images[VIEWS[view].field][chosen]
                rows.append(self._in_memory(encoder, make_view(view, images)))
            store.write(indices[lacking], np.stack(rows, axis=1))
        return True

    def _in_memory(self, encoder: Encoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed images in parts that fit the device; parts are halved as often as it needs."""
        most = self._most.get(encoder.spec.name, len(images))
        try:
            parts = [encoder.embed_images(images[i : i + most]) for i in range(0, len(images), most)]
        except DeviceMemoryError:
            largest = min(most, len(images))
            if largest == 1:
                raise
            self._most[encoder.spec.name] = largest // 2
            self.memory_note = (
                f"{encoder.spec.title} had no room for {largest} tiles at once on this device; it goes on "
                f"with {largest // 2}."
            )
            log.warning("%s", self.memory_note)
            return self._in_memory(encoder, images)
        return np.concatenate(parts) if parts else np.empty((0, encoder.dim), np.float32)

    def _note_unread(self, errors: Mapping[int, SlideError], queue: TileQueue, before: int) -> int:
        """Log tiles that could not be read; too many of them end the run."""
        for index, error in errors.items():
            self.unread[index] = str(error)
            log.warning("Tile %d of %s is left out: %s", index, self._slide.path.name, error)
        unread, total = before + len(errors), queue.done + queue.left
        if unread > max(UNREAD_ALWAYS, UNREAD_SHARE * total):
            raise SlideError(
                f"{unread} of {total} tiles of {self._slide.path} could not be read, more than the "
                f"{UNREAD_SHARE:.0%} a run may leave out. The file is probably damaged: copy it again from "
                f"its source. The last error was: {next(reversed(self.unread.values()))}"
            )
        return len(errors)
