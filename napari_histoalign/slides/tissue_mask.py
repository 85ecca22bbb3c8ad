"""Where the tissue is, on a coarse raster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class TissueMask:
    """A raster of yes and no over the slide's bounds.

    Attributes
    ----------
    mask
        True on tissue, bool, shape (h, w).
    downsample
        Level-0 pixels per mask pixel, in x and y.
    origin
        (x, y) of the mask's top-left corner in level-0 pixels.
    threshold
        The threshold it was made with (see `find_tissue`); NaN for a drawn region.
    """

    mask: NDArray[np.bool_]
    downsample: tuple[float, float]
    origin: tuple[float, float]
    threshold: float

    @property
    def area_share(self) -> float:
        """Share of the raster that is tissue, 0 to 1."""
        return float(self.mask.mean()) if self.mask.size else 0.0

    def share(self, xy: ArrayLike, size_px: float) -> NDArray[np.float64]:
        """Share of squares that is tissue; what lies outside the raster is none.

        Parameters
        ----------
        xy
            Top-left corners in level-0 pixels, shape (n, 2).
        size_px
            Side of the squares in level-0 pixels.

        Returns
        -------
        float array, shape (n,)
            Exact, by the integral image (Crow 1984) interpolated within mask pixels.
        """
        corners = (np.asarray(xy, np.float64).reshape(-1, 2) - self.origin) / self.downsample
        far = corners + np.asarray([size_px, size_px]) / self.downsample
        area = (
            self._sum(far[:, 0], far[:, 1])
            - self._sum(corners[:, 0], far[:, 1])
            - self._sum(far[:, 0], corners[:, 1])
            + self._sum(corners[:, 0], corners[:, 1])
        )
        share: NDArray[np.float64] = area * (self.downsample[0] * self.downsample[1] / size_px**2)
        return np.clip(share, 0.0, 1.0)

    @cached_property
    def _integral(self) -> NDArray[np.float64]:
        """Sums over all rectangles from the corner, shape (h + 1, w + 1)."""
        table = np.zeros((self.mask.shape[0] + 1, self.mask.shape[1] + 1))
        table[1:, 1:] = self.mask.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
        return table

    def _sum(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Tissue between the corner and (x, y) in mask pixels; bilinear, which is exact here."""
        table = self._integral
        height, width = self.mask.shape
        x, y = np.clip(x, 0, width), np.clip(y, 0, height)
        i, j = np.minimum(y.astype(np.intp), height - 1), np.minimum(x.astype(np.intp), width - 1)
        v, u = y - i, x - j
        top = (1 - u) * table[i, j] + u * table[i, j + 1]
        bottom = (1 - u) * table[i + 1, j] + u * table[i + 1, j + 1]
        total: NDArray[np.float64] = (1 - v) * top + v * bottom
        return total
