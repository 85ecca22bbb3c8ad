"""A slide's pyramid as arrays that napari reads lazily, one chunk at a time."""

from __future__ import annotations

import math
import operator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.tile_cache import TileCache

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from napari_histoalign.slides import Slide

CHUNK_PX = 512
COARSEST_PX = 2048
"""napari reads the coarsest level whole and keeps it, so it has to be small."""
STRIP_PX = 32 * 2**20
"""Level-0 pixels decoded at once where a level has to be made from a much finer one."""


class LevelArray:
    """One pyramid level: looks like a uint8 array (rows, columns, 3), reads what is asked of it.

    napari takes pixel (row, column) of a level with shape (h, w) to cover
    ``row * H / h ... (row + 1) * H / h`` of the H rows of level 0, and the same
    for columns. Chunks are therefore placed by that ratio and not by the
    slide's nominal downsample, which differs where the dimensions do not divide.

    Parameters
    ----------
    slide
        The slide to read; kept open as long as one of its levels is in use.
    index
        Number of this level in the pyramid handed to napari; part of the cache key.
    shape
        (rows, columns) of this level.
    native_level
        The slide's own level with this shape, or None for one that is resampled
        from a finer level (see `slide_levels`).
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
        native_level: int | None,
        cache: TileCache,
    ) -> None:
        self.slide = slide
        self.shape = (*shape, 3)
        self.chunks = (CHUNK_PX, CHUNK_PX, 3)
        self._index = index
        self._native_level = native_level
        self._cache = cache
        width, height = slide.dimensions
        self._factor = (width / shape[1], height / shape[0])  # level-0 px per pixel, x and y

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
        left, top = x * self._factor[0], y * self._factor[1]
        if self._native_level is not None:
            return self.slide.read_region((round(left), round(top)), self._native_level, (width, height))
        chunk = np.empty((height, width, 3), np.uint8)
        strip = max(1, int(STRIP_PX / (width * self._factor[0] * self._factor[1])))
        for start in range(0, height, strip):
            rows = min(strip, height - start)
            chunk[start : start + rows] = self.slide.read_area(
                left,
                top + start * self._factor[1],
                width * self._factor[0],
                rows * self._factor[1],
                (width, rows),
            )
        return chunk


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
    shapes: list[tuple[tuple[int, int], int | None]] = []
    for level, (width, height) in enumerate(slide.level_dimensions):
        if not shapes or (height < shapes[-1][0][0] and width < shapes[-1][0][1]):
            shapes.append(((height, width), level))
    while max(shapes[-1][0]) > COARSEST_PX:
        height, width = shapes[-1][0]
        shapes.append(((max(1, round(height / 2)), max(1, round(width / 2))), None))
    return [LevelArray(slide, i, shape, native, cache) for i, (shape, native) in enumerate(shapes)]


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
