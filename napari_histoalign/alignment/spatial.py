"""Neighbouring tiles are of one tissue more often than not: a tile's logits, meaned with those around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.arrays import as_logits
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BLOCK_PAIRS = 2_000_000
"""Pairs of neighbours that are held at a time."""
ROUNDING = 0.02
"""In strides: how far past the radius a tile still counts, as corners are rounded to whole pixels."""
MOST_STRIDES = 100.0
"""Largest radius: further away, tiles say nothing about each other, and pairs would fill the memory."""


def smooth(
    logits: ArrayLike,
    xy: ArrayLike,
    stride_px: float,
    *,
    sigma_tiles: float = 1.0,
    radius: float = 2,
) -> NDArray[np.float32]:
    """Gaussian-weighted mean of the logits of the tiles around each tile, itself included.

    ``out_i = sum_j w_ij logits_j / sum_j w_ij`` with ``w_ij = exp(-d_ij^2 / (2 sigma^2))``, d the distance of
    two tiles in strides, over the tiles that exist within the radius: by a hole or the border of the tissue
    fewer tiles are meaned, and a tile on its own keeps its logits. Positions are compared as they are, so
    tiles need not lie on one grid. (A normalised convolution, Knutsson & Westin 1993.)

    Parameters
    ----------
    logits
        Shape (n, classes).
    xy
        Positions of the tiles in level-0 pixels (corners or centres alike), shape (n, 2).
    stride_px
        Distance of neighbouring tiles in level-0 pixels; need not be whole.
    sigma_tiles
        Standard deviation of the Gaussian in strides, above 0.
    radius
        Distance in strides up to which a tile counts, 0 (nothing changes) to `MOST_STRIDES`.

    Returns
    -------
    ndarray
        float32, shape (n, classes).

    Raises
    ------
    AlignmentError
        Shapes disagree, or a number makes no sense.
    """
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    values = as_logits(logits)
    where = np.asarray(xy, np.float64)
    _check(len(values), where, stride_px, sigma_tiles, radius)
    if len(values) == 0:
        return values.copy()
    at = where / stride_px
    reach = radius + ROUNDING
    everything = cKDTree(at)
    most = int(everything.query_ball_point(at[:: max(len(at) // 1000, 1)], reach, return_length=True).max())
    step = max(BLOCK_PAIRS // most, 1)
    out = np.empty_like(values)
    wide = values.astype(np.float64)
    for start in range(0, len(at), step):
        rows = slice(start, min(start + step, len(at)))
        pairs = cKDTree(at[rows]).sparse_distance_matrix(everything, reach, output_type="ndarray")
        # far from the centre of a narrow Gaussian weights underflow; a tile's own is always 1
        weights = np.exp(-np.square(pairs["v"]) / (2 * sigma_tiles**2))
        shape = (rows.stop - rows.start, len(at))
        matrix = csr_array((weights, (pairs["i"], pairs["j"])), shape=shape)
        out[rows] = (matrix @ wide) / matrix.sum(axis=1)[:, None]
    return out


def _check(
    tiles: int, where: NDArray[np.float64], stride_px: float, sigma_tiles: float, radius: float
) -> None:
    if where.shape != (tiles, 2) or not np.isfinite(where).all():
        raise AlignmentError(f"Positions must be finite and have the shape ({tiles}, 2); got {where.shape}.")
    if not (np.isfinite(stride_px) and stride_px > 0):
        raise AlignmentError(f"The stride must be above 0 pixels; got {stride_px}.")
    if not (np.isfinite(sigma_tiles) and sigma_tiles > 0):
        raise AlignmentError(f"The width of the smoothing must be above 0 tiles; got {sigma_tiles}.")
    if not 0 <= radius <= MOST_STRIDES:
        raise AlignmentError(f"The radius must lie between 0 and {MOST_STRIDES:g} tiles; got {radius}.")
