"""Gaussian filters as matrix products: any width at the same cost, on any device."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn


def gaussian_matrix(side: int, sigma: float, order: int = 0) -> Tensor:
    """The matrix that filters a line of `side` pixels with a Gaussian, or a derivative of one.

    Parameters
    ----------
    side
        Pixels of the line; beyond its ends it is mirrored.
    sigma
        Standard deviation in pixels.
    order
        0, or the order of the derivative (1 or 2).

    Returns
    -------
    float32 (side, side)
        ``matrix @ line`` is the filtered line.
    """
    reach = math.ceil(4 * sigma) + 1
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    if order == 1:
        kernel = offsets / sigma**2 * kernel
    elif order == 2:
        kernel = (offsets**2 / sigma**4 - 1 / sigma**2) * kernel
        kernel -= kernel.mean()  # a flat line has no curvature, wherever the kernel was cut
    rows = np.arange(side)
    matrix = np.zeros((side, side))
    for offset, weight in zip(offsets, kernel, strict=True):
        columns = (rows + offset) % (2 * side)
        np.add.at(matrix, (rows, np.where(columns >= side, 2 * side - 1 - columns, columns)), weight)
    return torch.from_numpy(matrix).float()


class Gaussians(nn.Module):
    """Gaussian filters for square images of one side, made when first asked for.

    Parameters
    ----------
    side
        Height and width of the images in pixels.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self._matrices: dict[tuple[float, int, torch.device], Tensor] = {}

    def matrix(self, sigma: float, order: int, device: torch.device) -> Tensor:
        """One filter matrix on a device."""
        key = (sigma, order, device)
        if key not in self._matrices:
            self._matrices[key] = gaussian_matrix(self.side, sigma, order).to(device)
        return self._matrices[key]

    def filter(self, image: Tensor, sigma: float, down: int = 0, across: int = 0) -> Tensor:
        """Filter images (n, side, side), with derivatives of these orders down and across."""
        left = self.matrix(sigma, down, image.device)
        right = self.matrix(sigma, across, image.device)
        return left @ (image @ right.T)

    def blur(self, image: Tensor, sigma: float) -> Tensor:
        """Gaussian smoothing of images (n, side, side)."""
        return self.filter(image, sigma)

    def blobs(self, image: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """Blob strength and roundness at one scale.

        Parameters
        ----------
        image
            (n, side, side)
        sigma
            Scale in pixels; a disc of radius ``sigma * sqrt(2)`` answers most strongly.

        Returns
        -------
        strength, roundness
            Each (n, side, side): the scale-normalised negative Laplacian [1]_, and the ratio of the smaller
            to the larger curvature (1 for a disc, 0 for a line).

        References
        ----------
        .. [1] T. Lindeberg, "Feature detection with automatic scale selection", International Journal of
           Computer Vision 30 (1998).
        """
        smooth, slope, curve = (self.matrix(sigma, order, image.device) for order in (0, 1, 2))
        plain = image @ smooth.T
        across = smooth @ (image @ curve.T)
        down = curve @ plain
        mixed = slope @ (image @ slope.T)
        mean = -(across + down) / 2
        swing = torch.sqrt((across - down) ** 2 / 4 + mixed**2)
        roundness = ((mean - swing) / (mean + swing).clamp(min=1e-6)).clamp(0, 1)
        return 2 * sigma**2 * mean, roundness
