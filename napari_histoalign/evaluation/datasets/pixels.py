"""Pixels of image files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from napari_histoalign.evaluation.records import ImageRecord

MAX_PIXELS = 80_000_000
"""What is larger is a slide, not an image of a set, or a file made to fill the memory."""


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Pixels of an image file.

    Transparent images are laid over white, the colour of empty glass. The turn that EXIF asks for
    is not made: no set of tissue images means it, and what a camera wrote there by chance must not
    decide how an image is seen. Of a file of several pages the first is read. Of 16-bit colours
    Pillow gives the upper 8 bits; 16-bit grey has no colours and is refused.

    Parameters
    ----------
    path
        PNG, TIFF, JPEG, or what else Pillow reads.

    Returns
    -------
    NDArray[np.uint8]
        RGB, shape (height, width, 3).

    Raises
    ------
    DatasetError
        The file is absent, no image, damaged, too large, or holds values that are no 8-bit colours.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise DatasetError(
                    f"{path} has {width} x {height} pixels, more than the {MAX_PIXELS:,} an image of a data "
                    "set may have. Cut it into tiles, or open it as a slide."
                )
            image.load()
            return _rgb(image, path)
    except Image.DecompressionBombError as err:
        raise DatasetError(
            f"{path} says that it has far more than the {MAX_PIXELS:,} pixels an image of a data set may "
            "have. Cut it into tiles, or open it as a slide."
        ) from err
    except UnidentifiedImageError as err:
        raise DatasetError(
            f"{path} is no image that can be read: empty, cut short or of another format. Copy it again "
            "from its source."
        ) from err
    except FileNotFoundError as err:
        raise DatasetError(f"{path} is not there any more. Was the data set moved?") from err
    # what Pillow's decoders raise for damaged files
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, OverflowError) as err:
        raise DatasetError(f"{path} cannot be read ({err}). Copy it again from its source.") from err


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex.

    Raises
    ------
    DatasetError
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as err:
        raise DatasetError(f"{path} cannot be read ({err.strerror or err}).") from err


@dataclass(frozen=True)
class FileReader:
    """Reads records whose names are paths of image files.

    Attributes
    ----------
    root
        Folder the names are relative to.
    sizes
        (width, height) of the set's images as published; empty where any will do. An image of
        another size is read all the same: `check_images` tells of it.
    """

    root: Path
    sizes: tuple[tuple[int, int], ...] = ()

    def path(self, record: ImageRecord) -> Path:
        """The record's file."""
        return self.root / record.name

    def __call__(self, record: ImageRecord) -> NDArray[np.uint8]:
        """RGB, uint8, shape (height, width, 3).

        Raises
        ------
        DatasetError
            It cannot be read; the message names the file.
        """
        return read_rgb(self.path(record))

    def digest(self, record: ImageRecord) -> str:
        """SHA-256 of the file's bytes, in hex.

        Raises
        ------
        DatasetError
            It cannot be read.
        """
        return file_digest(self.path(record))


def _rgb(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    """8-bit RGB of an image of any mode that has 8 bits."""
    if image.mode.startswith(("I", "F")):
        raise DatasetError(
            f"{path} holds {'floating-point' if image.mode.startswith('F') else '16- or 32-bit grey'} "
            "values, and how they stand for colours is not known. Export it as 8-bit RGB."
        )
    if image.mode == "La":  # the one step that Pillow does not take by itself
        image = image.convert("LA")
    if image.mode in ("RGBA", "RGBa", "LA", "PA") or "transparency" in image.info:
        colors = np.asarray(image.convert("RGBA"), np.uint16)
        alpha = colors[..., 3:]
        return ((colors[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.array(image.convert("RGB"))
