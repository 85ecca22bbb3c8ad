"""A slide: pixels at any place and scale, whatever the file's format."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.fingerprint import file_fingerprint
from napari_histoalign.slides.levels import Block, Level, level_factors
from napari_histoalign.slides.pyramid import Pyramid
from napari_histoalign.slides.sampling import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE = 255


class Slide(ABC):
    """An open slide, read in level-0 coordinates (x, y) with the origin at the top left.

    Made by `napari_histoalign.slides.open_slide`. Any number of threads may read
    at once. Use it as a context manager, or call `close`.

    Attributes
    ----------
    path
        The file.
    name
        Its name without the ending.
    backend
        Which library reads it: "openslide", "tifffile" or "image".
    level_dimensions
        (width, height) of each level, finest first.
    level_downsamples
        Level-0 pixels per pixel of each level (the mean of x and y).
    mpp
        Micrometres per level-0 pixel in x and y, or None if nobody says.
    mpp_source
        "slide", "given" (by the person) or None.
    bounds
        (x, y, width, height) in level-0 pixels of the part that was scanned.
    vendor
        The format's name, if the backend knows.
    """

    backend: str

    def __init__(
        self,
        path: Path,
        level_dimensions: list[tuple[int, int]],
        *,
        own_mpp: tuple[float, float] | None,
        given_mpp: tuple[float, float] | None,
        bounds: tuple[int, int, int, int] | None = None,
        vendor: str | None = None,
    ) -> None:
        self.path = path
        self.name = path.stem
        self.level_dimensions = tuple(level_dimensions)
        self.mpp = given_mpp or own_mpp
        self.mpp_source = "given" if given_mpp else "slide" if own_mpp else None
        self.bounds = bounds or (0, 0, *self.dimensions)
        self.vendor = vendor
        factors = level_factors(level_dimensions)
        self.level_downsamples = tuple((x + y) / 2 for x, y in factors)
        self._levels = [
            Level(size, factor, partial(self._read_inside, i))
            for i, (size, factor) in enumerate(zip(level_dimensions, factors, strict=True))
        ]
        self._pyramid = Pyramid(self._levels)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        width, height = self.dimensions
        return f"<{type(self).__name__} {self.path.name!r}, {width} x {height} px, {self.level_count} levels>"

    @property
    def dimensions(self) -> tuple[int, int]:
        """(width, height) of level 0."""
        return self.level_dimensions[0]

    @property
    def level_count(self) -> int:
        """Number of levels in the file."""
        return len(self.level_dimensions)

    @cached_property
    def fingerprint(self) -> str:
        """What tells this slide's content from another's; the same after a rename or a move.

        Raises
        ------
        SlideError
            The file cannot be read any more.
        """
        try:
            return file_fingerprint(self.path, self.dimensions)
        except OSError as err:
            raise SlideError(
                f"{self.path} cannot be read any more ({err}). Is its drive still there? Open it again."
            ) from err

    def read_region(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Read pixels of one level, as they are.

        Parameters
        ----------
        location
            (x, y) of the top-left corner in level-0 pixels; the nearest pixel of the level is taken.
        level
            Number of the level, 0 the finest.
        size
            (width, height) in pixels of that level.

        Returns
        -------
        uint8 array, shape (height, width, 3)
            RGB; transparent pixels lie over white, what is outside the slide is white.

        Raises
        ------
        SlideError
            The level does not exist, or the pixels cannot be read.
        """
        if not 0 <= level < self.level_count:
            raise SlideError(f"{self.path.name} has levels 0 to {self.level_count - 1}; there is no {level}.")
        width, height = operator.index(size[0]), operator.index(size[1])
        if width < 0 or height < 0:
            raise SlideError(f"A region of {width} x {height} px cannot be read: its size is negative.")
        source = self._levels[level]
        left, top = (math.floor(p / f + 0.5) for p, f in zip(location, source.factor, strict=True))
        x0, x1 = max(left, 0), min(left + width, source.dimensions[0])
        y0, y1 = max(top, 0), min(top + height, source.dimensions[1])
        if x0 >= x1 or y0 >= y1:
            return np.full((height, width, 3), WHITE, np.uint8)
        block, _ = source.read(x0, y0, x1 - x0, y1 - y0)
        if block.shape == (height, width, 3):
            return block
        region = np.full((height, width, 3), WHITE, np.uint8)
        region[y0 - top : y1 - top, x0 - left : x1 - left] = block
        return region

    def read_area(
        self, x: float, y: float, width: float, height: float, out: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Read a rectangle at any scale, antialiased and in its exact place.

        It is sampled from the coarsest level that is not coarser than wanted.

        Parameters
        ----------
        x, y, width, height
            The rectangle in level-0 pixels, fractions allowed.
        out
            (width, height) in pixels of what is returned.

        Returns
        -------
        uint8 array, shape (out height, out width, 3)
            RGB; white in proportion where a pixel lies outside the slide.

        Raises
        ------
        SlideError
            The rectangle is empty or not finite, or the pixels cannot be read.
        """
        columns, rows = operator.index(out[0]), operator.index(out[1])
        if not (all(map(math.isfinite, (x, y, width, height))) and width > 0 and height > 0):
            raise SlideError(f"An area of {width} x {height} px at ({x}, {y}) cannot be read: it is empty.")
        if columns < 1 or rows < 1:
            raise SlideError(f"An area cannot be read into {columns} x {rows} px.")
        if x >= self.dimensions[0] or y >= self.dimensions[1] or x + width <= 0 or y + height <= 0:
            return np.full((rows, columns, 3), WHITE, np.uint8)
        if (columns, rows) == (width, height) and float(x).is_integer() and float(y).is_integer():
            return self.read_region((int(x), int(y)), 0, (columns, rows))
        rectangle = (float(x), float(y), float(width), float(height))
        source = self._pyramid.source(width / columns, height / rows, width * height)
        return sample(source, rectangle, (columns, rows), self.dimensions)

    def thumbnail(self, max_px: int) -> NDArray[np.uint8]:
        """The whole slide, its longer side `max_px` pixels or its own length if that is less.

        Returns
        -------
        uint8 array, shape (height, width, 3)
        """
        scale = min(1.0, max_px / max(self.dimensions))
        out = (max(1, round(self.dimensions[0] * scale)), max(1, round(self.dimensions[1] * scale)))
        return self.read_area(0, 0, *self.dimensions, out)

    @abstractmethod
    def close(self) -> None:
        """Let go of the file. Reads that are under way in other threads may still finish."""

    @abstractmethod
    def _read_block(self, level: int, x: int, y: int, width: int, height: int) -> Block:
        """Pixels of a level at (x, y) in its own pixels; the block lies inside the level.

        Any exception but SlideError is turned into one by the caller.
        """

    def _read_inside(self, level: int, x: int, y: int, width: int, height: int) -> Block:
        """`_read_block`, with an error that names the file and the place."""
        try:
            return self._read_block(level, x, y, width, height)
        except (SlideError, MemoryError):
            raise
        except Exception as err:
            factor = self._levels[level].factor
            raise SlideError(
                f"{self.path} cannot be read at x {x * factor[0]:.0f}, y {y * factor[1]:.0f} "
                f"({width} x {height} px of level {level}): {err}. The file is probably damaged or cut "
                "short: copy it again from its source."
            ) from err
