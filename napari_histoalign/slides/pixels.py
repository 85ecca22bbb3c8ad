"""Stored values of any kind as 8-bit RGB over white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PixelKind:
    """How stored samples are to be understood.

    Attributes
    ----------
    colour
        "rgb", "grey", "palette" or "cmyk" (255 is full ink).
    bits
        Significant bits of a sample; the largest value they hold becomes 255.
    alpha
        How a further sample counts as opacity: "straight", "premultiplied" or not at all.
    inverted
        Whether 0 is white (grey only).
    palette
        Colours of a palette, uint8, shape (n, 3).
    """

    colour: Literal["rgb", "grey", "palette", "cmyk"]
    bits: int = 8
    alpha: Literal["straight", "premultiplied"] | None = None
    inverted: bool = False
    palette: NDArray[np.uint8] | None = None

    @property
    def samples(self) -> int:
        """Colour samples of a pixel, opacity left out."""
        return {"rgb": 3, "grey": 1, "palette": 1, "cmyk": 4}[self.colour]


def to_rgb(values: NDArray[np.generic], kind: PixelKind) -> NDArray[np.uint8]:
    """Turn stored samples into RGB.

    Parameters
    ----------
    values
        Unsigned integers or booleans, shape (h, w, samples).
    kind
        What they mean.

    Returns
    -------
    uint8 array, shape (h, w, 3)
        Laid over white where there is opacity.
    """
    if kind.colour == "palette" and kind.palette is not None:
        chosen: NDArray[np.uint8] = kind.palette[
            np.minimum(values[..., 0].astype(np.intp), len(kind.palette) - 1)
        ]
        return chosen
    samples = _eight_bits(values, kind.bits)
    colour = samples[..., : kind.samples]
    if kind.colour == "grey":
        colour = np.repeat(255 - colour if kind.inverted else colour, 3, axis=2).astype(np.uint8)
    elif kind.colour == "cmyk":
        light = (255 - colour).astype(np.uint16)
        colour = ((light[..., :3] * light[..., 3:] + 127) // 255).astype(np.uint8)
    if kind.alpha is None or samples.shape[2] <= kind.samples:
        return np.ascontiguousarray(colour)
    alpha = samples[..., kind.samples, None].astype(np.uint16)
    mixed = colour.astype(np.uint16) * (255 if kind.alpha == "premultiplied" else alpha)
    mixed = mixed + 255 * (255 - alpha).astype(np.uint32)
    result: NDArray[np.uint8] = np.minimum((mixed + 127) // 255, 255).astype(np.uint8)
    return result


def significant_bits(brightest: int, stored: int) -> int:
    """Bits that hold the brightest value of an image stored with `stored` bits.

    Cameras of 10, 12 or 14 bits store their values in 16; taken as 16-bit they would be
    black. A brightfield image has glass or a highlight near the top of its range, so the
    brightest pixel tells.
    """
    return min(stored, max(8, int(brightest).bit_length())) if stored > 8 else stored


def _eight_bits(values: NDArray[np.generic], bits: int) -> NDArray[np.uint8]:
    """Scale values of `bits` bits to 0...255."""
    if values.dtype == np.uint8 and bits == 8:
        return values.astype(np.uint8, copy=False)
    top = 2**bits - 1
    table = np.minimum(np.rint(np.arange(max(top + 1, 256)) * (255 / top)), 255).astype(np.uint8)
    scaled: NDArray[np.uint8] = table[np.minimum(values.astype(np.uint16), len(table) - 1)]
    return scaled
