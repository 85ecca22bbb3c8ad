"""Smooth random fields: what makes drawn tissue irregular."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], sigma: float | tuple[float, float]
) -> Field:
    """Periodic Gaussian noise with zero mean and unit deviation.

    Parameters
    ----------
    rng
        Where the randomness comes from.
    shape
        Rows and columns.
    sigma
        Width in pixels of the Gaussian that smooths it, for both axes or (rows, columns).

    Returns
    -------
    float32 (rows, columns)
    """
    sigmas = (sigma, sigma) if isinstance(sigma, int | float) else sigma
    spectrum = np.fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    rows = np.fft.fftfreq(shape[0])[:, None]
    columns = np.fft.rfftfreq(shape[1])[None, :]
    exponent = -2.0 * np.pi**2 * ((rows * sigmas[0]) ** 2 + (columns * sigmas[1]) ** 2)
    spectrum *= np.exp(exponent)
    spectrum[0, 0] = 0.0
    field: Field = np.fft.irfft2(spectrum, s=shape).astype(np.float32)
    scaled: Field = field / np.float32(max(float(field.std()), 1e-9))
    return scaled


def wrapped(tile: Field, x: int, y: int, width: int, height: int) -> Field:
    """The rectangle at (x, y) of a periodic tile: float32 (height, width)."""
    rows = np.arange(y, y + height) % tile.shape[0]
    columns = np.arange(x, x + width) % tile.shape[1]
    return np.asarray(tile[rows[:, None], columns[None, :]])


def enlarged(field: Field, scale: int, x: int, y: int, width: int, height: int) -> Field:
    """Bilinear enlargement of one rectangle of a coarse field.

    Parameters
    ----------
    field
        Coarse field; its pixel (r, c) is centred on fine pixel ((c + 0.5) * scale, (r + 0.5) * scale).
    scale
        Fine pixels per coarse pixel.
    x, y, width, height
        The rectangle, in fine pixels.

    Returns
    -------
    float32 (height, width)
    """
    rows, row_weights = _weights(y, height, scale, field.shape[0])
    columns, column_weights = _weights(x, width, scale, field.shape[1])
    part = field[rows, columns].astype(np.float32)
    return np.asarray(row_weights @ part @ column_weights.T, dtype=np.float32)


def _weights(start: int, count: int, scale: int, length: int) -> tuple[slice, Field]:
    """The coarse pixels needed for `count` fine ones, and their interpolation weights."""
    position = np.clip((np.arange(start, start + count) + 0.5) / scale - 0.5, 0, length - 1)
    low = np.minimum(np.floor(position).astype(np.int64), max(length - 2, 0))
    share = (position - low).astype(np.float32)
    first, last = int(low[0]), min(int(low[-1]) + 2, length)
    weights = np.zeros((count, last - first), dtype=np.float32)
    index = np.arange(count)
    weights[index, low - first] = 1 - share
    if length > 1:
        weights[index, low - first + 1] += share
    return slice(first, last), weights


def smoothstep(field: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((field - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)
