"""How large things are, by opening a picture with larger and larger discs.

Granulometry after G. Matheron, "Random Sets and Integral Geometry" (1975); the spectrum after P. Maragos,
"Pattern spectrum and multiscale shape representation", IEEE TPAMI 11 (1989).
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor


def _pair_maximum(image: Tensor, source: Tensor, axis: int) -> Tensor:
    """`image` raised, in place, to its two neighbours in `source` along one axis."""
    length = image.shape[axis]
    head, tail = image.narrow(axis, 0, length - 1), image.narrow(axis, 1, length - 1)
    torch.maximum(head, source.narrow(axis, 1, length - 1), out=head)
    torch.maximum(tail, source.narrow(axis, 0, length - 1), out=tail)
    return image


def dilated_once(image: Tensor, *, cross: bool) -> Tensor:
    """Maximum over the 4 neighbours (`cross`) or all 8; images (n, h, w)."""
    if cross:
        return _pair_maximum(_pair_maximum(image.clone(), image, 2), image, 1)
    wide = _pair_maximum(image.clone(), image, 2)
    return _pair_maximum(wide.clone(), wide, 1)


def dilated(image: Tensor, radius: int) -> Tensor:
    """Maximum over an octagon: crosses and squares in turn are nearly discs."""
    for step in range(radius):
        image = dilated_once(image, cross=step % 2 == 0)
    return image


def openings(image: Tensor, largest: int, keep: Collection[int] | None = None) -> list[Tensor]:
    """Openings by octagons of radius 1 to `largest` (or those in `keep`), smallest first.

    An opening keeps the bright parts into which the octagon fits, and flattens the rest.
    """
    opened, negative = [], -image
    for radius in range(1, largest + 1):
        negative = dilated_once(negative, cross=(radius - 1) % 2 == 0)
        if keep is None or radius in keep:
            opened.append(dilated(-negative, radius))
    return opened


def pattern_spectrum(image: Tensor, largest: int, least: float) -> Tensor:
    """Shares of an image's brightness by the radius of the disc that removes it.

    Parameters
    ----------
    image
        Not negative, (n, h, w).
    largest
        Largest radius in pixels.
    least
        Mean brightness below which an image counts as empty (its shares then add up to less than 1).

    Returns
    -------
    (n, largest + 1)
        Column r: what fits a disc of radius r but not of r + 1; the last column all that is larger.
    """
    left = torch.stack([part.mean((1, 2)) for part in [image, *openings(image, largest)]], dim=1)
    lost = torch.cat([(left[:, :-1] - left[:, 1:]).clamp(min=0), left[:, -1:]], dim=1)
    return lost / lost.sum(1, keepdim=True).clamp(min=least)


def moments(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (in pixels) of a spectrum (n, r)."""
    radius = torch.arange(1, spectrum.shape[1] + 1, dtype=spectrum.dtype, device=spectrum.device)
    mean = (spectrum * radius).sum(1)
    return mean, ((spectrum * radius**2).sum(1) - mean**2).clamp(min=0)
