"""From bytes to optical density, free of the lamp's colour and brightness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from napari_histoalign.encoders.morphometry.filters import Gaussians

DARKEST_WHITE = 190.0
"""Glass is at least this bright: a tile without glass must not make white of its palest tissue."""
WHITE_DENSITY = 0.06
LEAST_CONTRAST = 0.1


@dataclass(frozen=True)
class Densities:
    """One batch of tiles at 1 um/px.

    Attributes
    ----------
    rgb
        Optical density (decadic) of red, green and blue: (n, 3, side, side).
    red
        That of red, which hematoxylin absorbs and eosin hardly does: (n, side, side).
    dark
        Mean of the three: (n, side, side).
    tissue
        1 on tissue, 0 on white: (n, side, side).
    tissue_share
        Mean of it, at least 0.02: (n,).
    contrast
        Spread of `red`, from its 20th to its 97th percentile, at least 0.1: (n,).
    """

    rgb: Tensor
    red: Tensor
    dark: Tensor
    tissue: Tensor
    tissue_share: Tensor
    contrast: Tensor

    def over_tissue(self, values: Tensor) -> Tensor:
        """Mean over the tissue: (n,)."""
        return (values * self.tissue).mean((1, 2)) / self.tissue_share

    def darker_than_around(self, gaussians: Gaussians, surround: float) -> Tensor:
        """How much denser (red) each place is than its surroundings: (n, side, side)."""
        return gaussians.blur(self.red, 0.8) - gaussians.blur(self.red, surround)

    def of_contrast(self, values: Tensor) -> Tensor:
        """Differences of density as shares of the tile's contrast."""
        return values / self.contrast[:, None, None]


def densities(tiles: Tensor, gaussians: Gaussians) -> Densities:
    """Optical densities of tiles, uint8 (n, 3, 224, 224)."""
    small = functional.avg_pool2d(tiles.float(), 2)
    white = quantile(small[:, :, ::2, ::2].flatten(2), 0.98).clamp(min=DARKEST_WHITE)[..., None, None]
    rgb = torch.log10((white + 4) / (small + 4)).clamp(min=0)
    red, dark = rgb[:, 0], rgb.mean(1)
    tissue = torch.sigmoid((gaussians.blur(dark, 1.0) - WHITE_DENSITY) / 0.01)
    sparse = red.flatten(1)[:, ::7]
    contrast = (quantile(sparse, 0.97) - quantile(sparse, 0.2)).clamp(min=LEAST_CONTRAST)
    return Densities(rgb, red, dark, tissue, tissue.mean((1, 2)).clamp(min=0.02), contrast)


def quantile(values: Tensor, level: float) -> Tensor:
    """The value of this rank along the last axis; faster than `torch.quantile`."""
    return values.kthvalue(max(1, int(level * values.shape[-1])), dim=-1).values


def share(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over each image: (n,)."""
    return (values * weight).mean((1, 2)) / weight.mean((1, 2)).clamp(min=0.02)
