"""TIFF and OME-TIFF that openslide does not open, or would open without their pyramid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.base import Slide
from napari_histoalign.slides.pixels import significant_bits
from napari_histoalign.slides.tiff_file import SegmentCache, SharedFile
from napari_histoalign.slides.tiff_layout import find_layout, pixel_kind, stated_bits, tiff_mpp
from napari_histoalign.slides.tiff_level import TiffLevel

if TYPE_CHECKING:
    from napari_histoalign.slides.levels import Block

CACHE_BYTES = 96 * 2**20
PROBES = 64
"""Segments of the coarsest level that are looked at for the brightest pixel."""


class TiffSlide(Slide):
    """A slide of which tifffile knows the layout; segments are read and decoded one by one.

    Raises
    ------
    SlideError
        The TIFF holds no flat colour image.
    tifffile.TiffFileError
        It is no TIFF.
    """

    backend = "tifffile"

    def __init__(self, path: Path, given_mpp: tuple[float, float] | None = None) -> None:
        with tifffile.TiffFile(path, _multifile=False) as tiff:
            layout = find_layout(tiff, str(path))
            file = SharedFile(path)
            self._file: SharedFile | None = file
            self._tiff_levels = [TiffLevel(pages, file, str(path)) for pages in layout.levels]
            bits = stated_bits(tiff, layout) or self._find_bits(int(layout.levels[0][0].bitspersample))
            self._kinds = [pixel_kind(pages[0], len(pages), bits, str(path)) for pages in layout.levels]
            own_mpp = tiff_mpp(tiff, layout)
            vendor = "ome-tiff" if tiff.is_ome else "tiff"
        self._segments = SegmentCache(CACHE_BYTES)
        super().__init__(
            path,
            [(level.width, level.height) for level in self._tiff_levels],
            own_mpp=own_mpp,
            given_mpp=given_mpp,
            vendor=vendor,
        )

    def close(self) -> None:
        """Let go of the file; it is closed when the last read in another thread is done."""
        self._file = None
        self._tiff_levels = []
        self._segments.clear()

    def _read_block(self, level: int, x: int, y: int, width: int, height: int) -> Block:
        levels = self._tiff_levels
        if not levels:
            raise SlideError(f"{self.path} was closed; open it again.")
        source, kind = levels[level], self._kinds[level]
        block = np.empty((height, width, 3), np.uint8)
        w, h = source.segment_width, source.segment_height
        for row in range(y // h, (y + height - 1) // h + 1):
            for column in range(x // w, (x + width - 1) // w + 1):
                index = row * source.columns + column
                segment = self._segments.get((level, index), lambda i=index: source.read(i, kind))  # type: ignore[misc]
                left, top = column * w, row * h
                x0, x1 = max(x, left), min(x + width, left + w)
                y0, y1 = max(y, top), min(y + height, top + h)
                block[y0 - y : y1 - y, x0 - x : x1 - x] = segment[y0 - top : y1 - top, x0 - left : x1 - left]
        return block, (x, y)

    def _find_bits(self, stored: int) -> int:
        """Significant bits of samples, by the brightest of the coarsest level."""
        if stored <= 8:
            return stored
        level = self._tiff_levels[-1]
        count = level.columns * level.rows
        brightest = 0
        for index in np.unique(np.linspace(0, count - 1, min(count, PROBES)).astype(int)).tolist():
            values = level.values(index)
            if values is not None:
                brightest = max(brightest, int(values.max()))
        return significant_bits(brightest, stored)
