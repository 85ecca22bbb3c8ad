"""A slide's pyramid as arrays that napari reads lazily, one chunk at a time."""

from __future__ import annotations

import math
import operator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.tile_cache import TileCache
from napari_histoalign.slides.levels import level_factors

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from napari_histoalign.slides import Slide

CHUNK_PX = 512
COARSEST_PX = 2048
"""napari reads the coarsest level whole and keeps it, so it has to be small."""


class LevelArray:
    """One pyramid level: looks like a uint8 array (rows, columns, 3), reads what is asked of it.

    napari takes pixel (row, column) of a level with shape (h, w) to cover
    ``row * H / h ... (row + 1) * H / h`` of the H rows of level 0, and the same
    for columns. Resampled levels are read at exactly that place. The slide's own
    levels are read as they are: where their dimensions were rounded down by the
    scanner, they lie off by a part of one pixel of the level at the far edge.

    Parameters
    ----------
    slide
        The slide to read; kept open as long as one of its levels is in use.
    index
        Number of this level in the pyramid handed to napari; part of the cache key.
    shape
        (rows, columns) of this level.
    native
        Number of the slide's own level with this shape and its level-0 pixels per
        pixel in x and y, or None for a level that is resampled (see `slide_levels`).
    cache
        Shared by all levels of the slide.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(
        self,
        slide: Slide,
        index: int,
        shape: tuple[int, int],
        native: tuple[int, tuple[float, float]] | None,
        cache: TileCache,
    ) -> None:
        self.slide = slide
        self.shape = (*shape, 3)
        self.chunks = (CHUNK_PX, CHUNK_PX, 3)
        self._index = index
        self._native = native
        self._cache = cache

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes the whole level would take."""
        return self.size

    def __repr__(self) -> str:
        return f"LevelArray({self.slide.name!r}, level {self._index}, shape {self.shape})"

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError(
                "a slide's level cannot become an array without being read: copy=False is refused"
            )
        return np.asarray(self[...], dtype=dtype)

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Read rows, columns and channels given by integers and slices, as numpy would."""
        rows, columns, channels = _resolve(key, self.shape)
        top, bottom = _span(rows)
        left, right = _span(columns)
        block = self._read(top, bottom, left, right)
        found: NDArray[np.uint8] = block[:, _local(columns, left)][_local(rows, top)][
            ..., _local(channels, 0)
        ]
        return found

    def _read(self, top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        """Rows ``top:bottom`` and columns ``left:right``, put together from chunks."""
        block = np.empty((bottom - top, right - left, 3), np.uint8)
        if block.size == 0:
            return block
        for row in range(top // CHUNK_PX, (bottom - 1) // CHUNK_PX + 1):
            for column in range(left // CHUNK_PX, (right - 1) // CHUNK_PX + 1):
                chunk = self._cache.get((self._index, row, column), partial(self._read_chunk, row, column))
                y, x = row * CHUNK_PX, column * CHUNK_PX
                y0, y1 = max(y, top), min(y + chunk.shape[0], bottom)
                x0, x1 = max(x, left), min(x + chunk.shape[1], right)
                block[y0 - top : y1 - top, x0 - left : x1 - left] = chunk[y0 - y : y1 - y, x0 - x : x1 - x]
        return block

    def _read_chunk(self, row: int, column: int) -> NDArray[np.uint8]:
        """Read one chunk from the slide (its edge chunks are smaller)."""
        y, x = row * CHUNK_PX, column * CHUNK_PX
        height = min(CHUNK_PX, self.shape[0] - y)
        width = min(CHUNK_PX, self.shape[1] - x)
        if self._native is not None:
            level, factor = self._native
            return self.slide.read_region(
                (round(x * factor[0]), round(y * factor[1])), level, (width, height)
            )
        scale_x, scale_y = self.slide.dimensions[0] / self.shape[1], self.slide.dimensions[1] / self.shape[0]
        return self.slide.read_area(
            x * scale_x, y * scale_y, width * scale_x, height * scale_y, (width, height)
        )


def slide_levels(slide: Slide, cache: TileCache | None = None) -> list[LevelArray]:
    """Levels of `slide` for a multiscale image layer, finest first.

    Below the slide's own coarsest level, halved levels are added until one fits
    into 2048 px, because napari reads the last level whole. Levels between the
    slide's own are not added: decoding the finer one is what costs the time.

    Parameters
    ----------
    slide
        An open slide.
    cache
        Chunk cache to use; a new one of 384 MiB by default.

    Returns
    -------
    list of LevelArray
        All levels share the slide and the cache.
    """
    cache = TileCache() if cache is None else cache
    levels: list[LevelArray] = []
    for level, factor in enumerate(level_factors(slide.level_dimensions)):
        width, height = slide.level_dimensions[level]
        if not levels or (height < levels[-1].shape[0] and width < levels[-1].shape[1]):
            levels.append(LevelArray(slide, len(levels), (height, width), (level, factor), cache))
    while max(levels[-1].shape) > COARSEST_PX:
        height, width = (max(1, round(n / 2)) for n in levels[-1].shape[:2])
        levels.append(LevelArray(slide, len(levels), (height, width), None, cache))
    return levels


def _resolve(key: Any, shape: tuple[int, ...]) -> list[int | range]:
    """Spell out a numpy-style basic index: one integer or range an axis.

    Raises
    ------
    IndexError
        If the key is neither integers nor slices, or lies outside the shape.
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(k is Ellipsis for k in keys):
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[at : at + 1] = [slice(None)] * (len(shape) - len(keys) + 1)
    keys += [slice(None)] * (len(shape) - len(keys))
    if len(keys) > len(shape):
        raise IndexError(f"{len(keys)} indices for a slide level of {len(shape)} axes")
    try:
        return [
            range(n)[k if isinstance(k, slice) else operator.index(k)]
            for k, n in zip(keys, shape, strict=True)
        ]
    except TypeError as err:
        raise IndexError(f"a slide level is indexed by integers and slices, not by {key!r}") from err


def _span(index: int | range) -> tuple[int, int]:
    """Smallest half-open interval that holds `index`."""
    if isinstance(index, int):
        return index, index + 1
    return (min(index), max(index) + 1) if index else (0, 0)


def _local(index: int | range, start: int) -> int | NDArray[np.intp] | slice:
    """`index` counted from `start`."""
    if isinstance(index, int):
        return index - start
    if index.step == 1:
        return slice(index.start - start, index.stop - start) if index else slice(0, 0)
    return np.asarray(index, np.intp) - start
