"""One level of a TIFF as a grid of segments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.pixels import PixelKind, to_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.slides.tiff_file import SharedFile

ROWS = 256
"""Rows read at once from an image that is stored in one uncompressed piece."""
LARGEST_SEGMENT = 2**28
"""Pixels of a compressed tile or strip that can still be decoded whole."""


class TiffLevel:
    """One level: where its segments are and how to decode them.

    Parameters
    ----------
    pages
        The level's TIFF pages: one, or one for each colour.
    file
        The file to read from.
    what
        Name of the file, for errors.
    """

    def __init__(self, pages: list[Any], file: SharedFile, what: str) -> None:
        first = getattr(pages[0], "keyframe", pages[0])
        self._file = file
        self.width, self.height = int(first.imagewidth), int(first.imagelength)
        self._samples = int(first.samplesperpixel)
        self._dtype = np.dtype(first.dtype).newbyteorder(first.parent.byteorder)
        # taken now: tifffile looks some of it up in the file, which is closed after opening
        self._places = [(page.dataoffsets, page.databytecounts) for page in pages]
        self._tables = [page.jpegtables for page in pages]
        self._header = first.jpegheader
        self._decoder = first.decode
        planar = first.planarconfig == 2 and first.samplesperpixel > 1
        self._planes = self._samples if planar else 1
        self._plain = (
            first.compression == 1
            and first.predictor == 1
            and first.bitspersample in (8, 16)
            and not first.is_tiled
            and not planar
            and all(page.is_contiguous for page in pages)
        )
        if first.is_tiled:
            self.segment_width, self.segment_height = int(first.tilewidth), int(first.tilelength)
        else:
            self.segment_width = self.width
            self.segment_height = ROWS if self._plain else min(int(first.rowsperstrip), self.height)
        self.columns = math.ceil(self.width / self.segment_width)
        self.rows = math.ceil(self.height / self.segment_height)
        if not self._plain and self.segment_width * self.segment_height > LARGEST_SEGMENT:
            raise SlideError(
                f"{what} is compressed in one piece of {self.width} x {self.height} px, which cannot be read "
                "in parts. Convert it to a tiled, pyramidal TIFF."
            )

    def read(self, index: int, kind: PixelKind) -> NDArray[np.uint8]:
        """Segment `index` (counted along the rows) as RGB; white where the file stores nothing."""
        values = self.values(index)
        if values is None:
            return np.full((self.segment_height, self.segment_width, 3), 255, np.uint8)
        return to_rgb(values, kind)

    def values(self, index: int) -> NDArray[Any] | None:
        """Samples of segment `index` as stored, shape (h, w, samples), or None if nothing is stored.

        Raises
        ------
        EOFError, ValueError, RuntimeError
            The segment cannot be read or decoded.
        """
        count = 1 if self._plain else self.columns * self.rows
        parts = [
            self._rows(page, index) if self._plain else self._decode(page, index + plane * count)
            for page in range(len(self._places))
            for plane in range(self._planes)
        ]
        found = [part for part in parts if part is not None]
        if len(found) != len(parts):
            return None
        return found[0] if len(found) == 1 else np.concatenate(found, axis=2)

    def _rows(self, page: int, index: int) -> NDArray[Any]:
        """Some rows of an image stored in one piece."""
        line = self.width * self._samples * self._dtype.itemsize
        start = index * self.segment_height
        count = min(self.segment_height, self.height - start)
        data = self._file.read(int(self._places[page][0][0]) + start * line, count * line)
        return np.frombuffer(data, self._dtype).reshape(count, self.width, self._samples)

    def _decode(self, page: int, index: int) -> NDArray[Any] | None:
        """Decode one stored segment (tifffile's decoders are functions without state)."""
        offsets, counts = self._places[page]
        if int(counts[index]) == 0:
            return None
        options = {"jpegtables": self._tables[page], "jpegheader": self._header}
        data = self._file.read(int(offsets[index]), int(counts[index]))
        values, _, shape = self._decoder(data, index, **{k: v for k, v in options.items() if v is not None})
        if values is None:
            return None
        if shape[0] != 1:
            raise ValueError("it is a volume, not an image")
        samples: NDArray[Any] = np.asarray(values)[0]
        return samples
