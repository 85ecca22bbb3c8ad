"""Hematoxylin and eosin: from amounts of dye to the colour a scanner records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Stain:
    """How the two dyes absorb light, how strongly the slide is stained, and how bright the lamp is.

    Attributes
    ----------
    hematoxylin, eosin
        Absorbance of red, green and blue light by one unit of dye (any length; used as unit vectors).
    hematoxylin_strength, eosin_strength
        Factors on the amount of each dye.
    background
        Colour of empty glass, 0 to 255.
    """

    hematoxylin: Vector = (0.60, 0.71, 0.36)
    eosin: Vector = (0.13, 0.91, 0.39)
    hematoxylin_strength: float = 1.0
    eosin_strength: float = 1.0
    background: Vector = (244.0, 243.0, 245.0)

    def vectors(self) -> NDArray[np.float32]:
        """The two absorbances as unit rows, times their strength: float32 (2, 3)."""
        rows = np.array([self.hematoxylin, self.eosin], dtype=np.float64)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows * [[self.hematoxylin_strength], [self.eosin_strength]]).astype(np.float32)

    def to_rgb(self, hematoxylin: NDArray[np.float32], eosin: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colour after the light has passed the dyes (Beer-Lambert law).

        Parameters
        ----------
        hematoxylin, eosin
            Amounts of dye, float32 (h, w).

        Returns
        -------
        float32 (h, w, 3)
            Red, green and blue, 0 to 255.
        """
        vectors = self.vectors()
        rgb = np.empty((*hematoxylin.shape, 3), dtype=np.float32)
        for channel in range(3):
            density = hematoxylin * vectors[0, channel] + eosin * vectors[1, channel]
            rgb[..., channel] = np.exp(-density) * np.float32(self.background[channel])
        return rgb


# Stains for judging encoders: training redraws any stain that comes near one of these.
EVALUATION_STAINS: tuple[Stain, ...] = (
    Stain((0.70, 0.65, 0.29), (0.09, 0.95, 0.29), 0.95, 1.10, (246.0, 246.0, 246.0)),
    Stain((0.53, 0.75, 0.40), (0.20, 0.88, 0.43), 1.15, 0.85, (241.0, 239.0, 243.0)),
    Stain((0.63, 0.67, 0.40), (0.06, 0.90, 0.44), 0.85, 1.00, (247.0, 244.0, 240.0)),
)
