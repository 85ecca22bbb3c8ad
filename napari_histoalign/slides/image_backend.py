"""Plain images (PNG, JPEG, BMP, ...), decoded whole."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from napari_histoalign.errors import SlideError
from napari_histoalign.slides.base import Slide
from napari_histoalign.slides.pixels import PixelKind, significant_bits, to_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.slides.levels import Block


class ImageSlide(Slide):
    """A plain image as a slide of one level.

    A pixel size is not read from it: the dots per inch of such files are those of
    a printer or a screen. Its pixels are taken as stored, without turning by EXIF,
    so that coordinates mean the same in other programs.

    Raises
    ------
    SlideError
        The image is damaged, too large or of no kind that has colours.
    PIL.UnidentifiedImageError
        It is no image that Pillow knows.
    """

    backend = "image"

    def __init__(self, path: Path, given_mpp: tuple[float, float] | None = None) -> None:
        pixels, vendor = _decode(path)
        self._pixels: NDArray[np.uint8] | None = pixels
        super().__init__(
            path, [(pixels.shape[1], pixels.shape[0])], own_mpp=None, given_mpp=given_mpp, vendor=vendor
        )

    def close(self) -> None:
        """Let go of the pixels."""
        self._pixels = None

    def _read_block(self, level: int, x: int, y: int, width: int, height: int) -> Block:
        pixels = self._pixels
        if pixels is None:
            raise SlideError(f"{self.path} was closed; open it again.")
        return pixels[y : y + height, x : x + width].copy(), (x, y)


def _decode(path: Path) -> tuple[NDArray[np.uint8], str | None]:
    """Pixels of an image as RGB over white, and the name of its format."""
    try:
        with warnings.catch_warnings():
            # From 89 million pixels Pillow warns, from twice that it refuses; the first is no concern here
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
        with image:
            image.load()
            return _rgb(image, path), image.format
    except Image.DecompressionBombError as err:
        raise SlideError(
            f"{path} is too large for a plain image (Pillow opens at most {2 * Image.MAX_IMAGE_PIXELS:,} "
            "pixels). Convert it to a pyramidal TIFF, for example with `vips tiffsave --tile --pyramid`."
            if Image.MAX_IMAGE_PIXELS
            else f"{path} is too large for a plain image. Convert it to a pyramidal TIFF."
        ) from err
    except UnidentifiedImageError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as err:  # what Pillow's decoders raise
        raise SlideError(
            f"{path} is a damaged image ({err}). It is probably cut short: copy it again from its source."
        ) from err


def _rgb(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    """8-bit RGB of an image of any mode."""
    mode = image.mode
    if mode == "F":
        raise SlideError(f"{path} holds floating-point values, not colours. Export it as 8-bit RGB.")
    if mode.startswith("I"):  # 16-bit grey, in 16 or 32 bits
        values = np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
        bits = significant_bits(int(values.max()), 16)
        return to_rgb(values[..., None], PixelKind("grey", bits=bits))
    if mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        return to_rgb(np.asarray(image.convert("RGBA")), PixelKind("rgb", alpha="straight"))
    return np.array(image.convert("RGB"))
