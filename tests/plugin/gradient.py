"""Stand-ins below the seam under test."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.levels import level_factors


class GradientSlide:
    """A slide whose red and green tell how far right and down a pixel's centre is.

    It offers what `napari_histoalign.slides.Slide` offers to a reader of levels.
    """

    def __init__(
        self, dimensions: tuple[int, int], factors: tuple[float, ...] = (1,), mpp=(0.5, 0.5)
    ) -> None:
        self.path = Path("gradient.svs")
        self.name = "gradient"
        self.dimensions = dimensions
        self.level_dimensions = tuple((int(dimensions[0] / f), int(dimensions[1] / f)) for f in factors)
        self.mpp = mpp
        self.mpp_source = "slide" if mpp else None
        self.reads: list[tuple[str, int]] = []
        self.broken = False
        self._lock = threading.Lock()

    def colors(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Colour at level-0 places `x` (columns) and `y` (rows), in pixel edges."""
        image = np.zeros((len(y), len(x), 3))
        image[..., 0] = 255 * (x / self.dimensions[0])[None, :]
        image[..., 1] = 255 * (y / self.dimensions[1])[:, None]
        image[..., 2] = 128
        return np.rint(np.clip(image, 0, 255)).astype(np.uint8)

    def read_region(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> np.ndarray:
        self._count("region", level)
        factor = level_factors(self.level_dimensions)[level]
        x = (round(location[0] / factor[0]) + np.arange(size[0]) + 0.5) * factor[0]
        y = (round(location[1] / factor[1]) + np.arange(size[1]) + 0.5) * factor[1]
        return self.colors(x, y)

    def read_area(self, x: float, y: float, width: float, height: float, out: tuple[int, int]) -> np.ndarray:
        self._count("area", -1)
        columns = x + (np.arange(out[0]) + 0.5) * width / out[0]
        rows = y + (np.arange(out[1]) + 0.5) * height / out[1]
        return self.colors(columns, rows)

    def _count(self, kind: str, level: int) -> None:
        with self._lock:
            self.reads.append((kind, level))
        if self.broken:
            raise SlideError("gradient.svs is damaged: copy it again from its source.")
