"""Slides that openslide reads: the scanners' own formats and tiled pyramidal TIFF."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openslide

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.base import Slide
from napari_histoalign.slides.physical import stated_mpp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.slides.levels import Block

CACHE_BYTES = 96 * 2**20
"""Decoded tiles that a slide keeps; a row of 256 px tiles of a wide slide is a third of it."""


class OpenSlideSlide(Slide):
    """A slide behind an openslide handle, which any number of threads may use.

    openslide's handles fail for good after the first error. Since one damaged
    tile must not cost the rest of the slide, a handle that failed is replaced.

    Raises
    ------
    openslide.OpenSlideError
        openslide cannot open the file.
    """

    backend = "openslide"

    def __init__(self, path: Path, given_mpp: tuple[float, float] | None = None) -> None:
        handle = openslide.OpenSlide(path)
        if handle.level_count < 1 or min(handle.dimensions) < 1:
            raise openslide.OpenSlideUnsupportedFormatError("it has no image")
        self._lock = threading.Lock()
        self._cache = openslide.OpenSlideCache(CACHE_BYTES)
        handle.set_cache(self._cache)
        self._handle: Any = handle
        self._steps = tuple(handle.level_downsamples)
        properties = dict(handle.properties)
        super().__init__(
            path,
            list(handle.level_dimensions),
            own_mpp=stated_mpp(properties.get("openslide.mpp-x"), properties.get("openslide.mpp-y")),
            given_mpp=given_mpp,
            bounds=_bounds(properties, handle.dimensions),
            vendor=properties.get("openslide.vendor"),
        )

    def close(self) -> None:
        """Drop the handle; openslide closes it when the last read in another thread is done."""
        with self._lock:
            self._handle = None

    def _read_block(self, level: int, x: int, y: int, width: int, height: int) -> Block:
        """Read at the level-0 pixel nearest to (x, y) as openslide counts.

        openslide takes whole level-0 pixels and divides them by its own mean
        downsample; what falls between two pixels of the level it interpolates.
        Where the block really is follows from the same division.
        """
        step = self._steps[level]
        location = (round(x * step), round(y * step))
        place = (location[0] / step, location[1] / step)
        pixels = np.array(self._read(location, level, (width, height)))
        w, h = self.level_dimensions[level]
        if place[0] > x and x + width == w:
            _make_opaque(pixels[:, -1, 3])
        if place[1] > y and y + height == h:
            _make_opaque(pixels[-1, :, 3])
        return _over_white(pixels), place

    def _read(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> Any:
        """RGBA image; on an error once more, with a handle of its own."""
        handle = self._handle
        if handle is None:
            raise SlideError(f"{self.path} was closed; open it again.")
        try:
            return handle.read_region(location, level, size)
        except openslide.OpenSlideError:
            # Another thread's damaged tile may have spoilt the handle: only a fresh one can tell
            fresh = openslide.OpenSlide(self.path)
            image = fresh.read_region(location, level, size)
        finally:
            if handle is self._handle and _failed(handle):
                self._replace(handle)
        fresh.close()
        return image

    def _replace(self, failed: Any) -> None:
        """Put a fresh handle in the place of one that failed, unless somebody did already."""
        with self._lock:
            if self._handle is failed:
                fresh = openslide.OpenSlide(self.path)
                fresh.set_cache(self._cache)
                self._handle = fresh


def _failed(handle: Any) -> bool:
    """Whether an openslide handle has failed: then every call raises."""
    try:
        _ = handle.level_count
    except openslide.OpenSlideError:
        return True
    return False


def _make_opaque(alpha: NDArray[np.uint8]) -> None:
    """Undo the part of openslide's interpolation that mixes the level's edge with nothing, in place."""
    alpha[alpha > 0] = 255


def _over_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA pixels laid over white."""
    alpha = pixels[..., 3:]
    if alpha.min(initial=255) == 255:
        return np.ascontiguousarray(pixels[..., :3])
    weight = alpha.astype(np.uint16)
    mixed = pixels[..., :3] * weight + 255 * (255 - weight)
    return ((mixed + 127) // 255).astype(np.uint8)


def _bounds(properties: dict[str, str], dimensions: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The scanned part from ``openslide.bounds-*``, or None if it is not given or makes no sense."""
    try:
        x, y, width, height = (
            int(properties[f"openslide.bounds-{k}"]) for k in ("x", "y", "width", "height")
        )
    except (KeyError, ValueError):
        return None
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + width, dimensions[0]), min(y + height, dimensions[1])
    return (x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None
