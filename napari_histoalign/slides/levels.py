"""How the levels of a pyramid lie on level 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Block = tuple[NDArray[np.uint8], tuple[float, float]]
"""Pixels (h, w, 3), and the exact place of their top-left corner in pixels of their level."""


@dataclass(frozen=True)
class Level:
    """One level of a pyramid and how to read it.

    Attributes
    ----------
    dimensions
        (width, height) in pixels of the level.
    factor
        Level-0 pixels per pixel of this level, in x and y.
    read
        ``read(x, y, width, height)``: a block that lies wholly inside the level.
    """

    dimensions: tuple[int, int]
    factor: tuple[float, float]
    read: Callable[[int, int, int, int], Block]


def level_factors(dimensions: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    """Level-0 pixels per pixel of each level, in x and y.

    Writers shrink by a whole number and drop, or pad, what is left over at the
    right and bottom. The ratio of the dimensions is then slightly off (openslide's
    `level_downsamples` says 4.00015 where 4 is meant), by up to one pixel of the
    level at the far edge. So a whole number that explains the dimensions of both
    axes is taken, and the ratio itself only where there is none.

    Parameters
    ----------
    dimensions
        (width, height) of each level, finest first.
    """
    width, height = dimensions[0]
    factors = []
    for w, h in dimensions:
        whole = round((width / w + height / h) / 2)
        fits = all(math.floor(a / whole) <= b <= math.ceil(a / whole) for a, b in ((width, w), (height, h)))
        factors.append((float(whole), float(whole)) if fits else (width / w, height / h))
    return factors
