"""Tiles off the slide, ahead of the encoders and never more than a few batches ahead."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import SlideError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_histoalign.slides import Slide, TileGrid


@dataclass(frozen=True)
class TileBatch:
    """Tiles that were read together.

    Attributes
    ----------
    indices
        Tiles of the grid, shape (n,).
    images
        Their pixels by field (see `napari_histoalign.engine.views.View.field`), uint8 RGB, shape
        (n, input_px, input_px, 3) each.
    unread
        Why tiles of this batch could not be read, by tile; they are not in `indices`.
    """

    indices: NDArray[np.int64]
    images: Mapping[float, NDArray[np.uint8]]
    unread: dict[int, SlideError]


def read_batches(
    slide: Slide,
    grid: TileGrid,
    batches: Iterable[NDArray[np.int64]],
    *,
    fields: Sequence[float] = (1.0,),
    readers: int | None = None,
) -> Generator[TileBatch]:
    """Read batches of tiles in threads, in order, at most ``readers + 1`` batches ahead.

    openslide lets go of Python's lock while it decodes, so that threads read side by side.
    Closing the generator stops the threads after the tile each one is at.

    Parameters
    ----------
    slide, grid
        Where to read, and which rectangle each tile is.
    batches
        Tiles of each batch; asked for when there is a thread to read them.
    fields
        Sides of what is read around each tile's centre, in sides of the tile. What lies outside the slide is
        white.
    readers
        Number of threads; by default one for each processor, at most 4.
    """
    readers = readers or min(4, os.cpu_count() or 1)
    stop: list[bool] = []
    with ThreadPoolExecutor(readers, thread_name_prefix="histoalign-reader") as pool:
        waiting: deque[Future[TileBatch]] = deque()
        todo = iter(batches)
        try:
            for batch in todo:
                waiting.append(pool.submit(_read_batch, slide, grid, batch, fields, stop))
                if len(waiting) > readers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            stop.append(True)
            for future in waiting:
                future.cancel()


def _read_batch(
    slide: Slide, grid: TileGrid, indices: NDArray[np.int64], fields: Sequence[float], stop: list[bool]
) -> TileBatch:
    """Read the tiles of one batch; a tile that cannot be read is left out and reported."""
    side = grid.input_px
    images = {field: np.empty((len(indices), side, side, 3), np.uint8) for field in fields}
    unread: dict[int, SlideError] = {}
    kept: list[int] = []
    for index, (x, y) in zip(indices.tolist(), grid.xy(indices).tolist(), strict=True):
        if stop:
            break
        try:
            for field, read in images.items():
                margin, width = (field - 1) / 2 * grid.tile_px, field * grid.tile_px
                read[len(kept)] = slide.read_area(x - margin, y - margin, width, width, (side, side))
        except SlideError as err:
            unread[index] = err
        else:
            kept.append(index)
    read_images = {field: read[: len(kept)] for field, read in images.items()}
    return TileBatch(np.asarray(kept, np.int64), read_images, unread)
