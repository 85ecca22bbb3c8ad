"""Pixels as an encoder was trained to see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    Images = NDArray[np.uint8]

RESIZES = ("shortest", "squash", "pad-grey")
INTERPOLATIONS: Mapping[str, Image.Resampling] = MappingProxyType(
    {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
)
NORMALISATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = MappingProxyType(
    {
        "openai": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
        "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        "chest-x-ray": ((0.5862785803043838,) * 3, (0.27950088968644304,) * 3),
    }
)
"""Mean and standard deviation a channel, of pixels between 0 and 1."""


@dataclass(frozen=True)
class Preprocessing:
    """Resize, crop and normalise, as the reference implementations do it with Pillow.

    Attributes
    ----------
    size
        Side of the square the encoder takes, in pixels.
    resize
        "shortest": the shorter side becomes `size`, the middle is cut out (CLIP). "squash": both
        sides become `size` (SigLIP). "pad-grey": made grey, padded with black to a square of at
        least `size`, then resized (MedCLIP).
    interpolation
        "bicubic" or "bilinear"; both with antialiasing when pixels shrink.
    mean, std
        Of each channel, for pixels between 0 and 1; see `NORMALISATIONS`.
    """

    size: int
    resize: str = "shortest"
    interpolation: str = "bicubic"
    mean: tuple[float, ...] = NORMALISATIONS["openai"][0]
    std: tuple[float, ...] = NORMALISATIONS["openai"][1]

    @property
    def normalisation(self) -> str:
        """Name of the normalisation; its numbers where it has none."""
        for name, known in NORMALISATIONS.items():
            if known == (self.mean, self.std):
                return name
        return "/".join(",".join(f"{v:g}" for v in values) for values in (self.mean, self.std))

    @property
    def key(self) -> str:
        """Names the preparation; it differs when pixels do."""
        return f"{self.resize}-{self.interpolation}-{self.size}-{self.normalisation}"

    def fit(self, images: Images) -> Images:
        """Images at the size the encoder takes.

        Parameters
        ----------
        images
            uint8, shape (n, height, width, 3), RGB.

        Returns
        -------
        ndarray
            uint8, shape (n, size, size, 3); `images` itself where it fits.
        """
        grey = self.resize == "pad-grey"
        if images.shape[1:3] == (self.size, self.size) and not grey:
            return images
        fitted = np.empty((len(images), self.size, self.size, 3), np.uint8)
        for image, out in zip(images, fitted, strict=True):
            picture = Image.fromarray(image)
            if grey:
                picture = _padded(picture.convert("L"), self.size)
            done = np.asarray(self._resized(picture))
            out[:] = done[..., None] if grey else done
        return fitted

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Pixels as numbers around zero.

        Parameters
        ----------
        images
            uint8, shape (n, size, size, 3), on any device.

        Returns
        -------
        Tensor
            float32, shape (n, 3, size, size), channels last in memory.
        """
        import torch

        mean, std = (
            torch.tensor(v, dtype=torch.float32, device=images.device).view(1, 3, 1, 1)
            for v in (self.mean, self.std)
        )
        # divided and not multiplied by the inverse, so that it is bit for bit what torchvision gives
        return images.permute(0, 3, 1, 2).to(torch.float32).div_(255).sub_(mean).div_(std)

    def _resized(self, picture: Image.Image) -> Image.Image:
        width, height = picture.size
        filter_ = INTERPOLATIONS[self.interpolation]
        if self.resize != "shortest" or width == height:
            return picture.resize((self.size, self.size), filter_)
        short, long = sorted((width, height))
        other = int(self.size * long / short)
        new = (self.size, other) if width == short else (other, self.size)
        # torchvision's middle, as in OpenAI's code; transformers cuts one pixel higher where the rest is odd
        left, top = (round((side - self.size) / 2) for side in new)
        return picture.resize(new, filter_).crop((left, top, left + self.size, top + self.size))


def _padded(picture: Image.Image, least: int) -> Image.Image:
    """A square of at least `least` pixels with the picture in its middle, black around it."""
    side = max(least, *picture.size)
    if picture.size == (side, side):
        return picture
    square = Image.new(picture.mode, (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square
