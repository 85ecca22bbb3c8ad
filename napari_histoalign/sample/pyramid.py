"""Write a tiled, JPEG-compressed pyramid that slide readers open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE_PX = 256
QUALITY = 85
DESCRIPTION = "Synthetic H&E drawn by napari-histoalign: no patient, not for diagnosis"


def halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean over 2 x 2 pixels: uint8 (h // 2, w // 2, 3)."""
    h, w = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    total = image[0:h:2, 0:w:2].astype(np.uint16)
    for row, column in ((0, 1), (1, 0), (1, 1)):
        total += image[row:h:2, column:w:2]
    return ((total + 2) // 4).astype(np.uint8)


def write_pyramid(path: Path, image: NDArray[np.uint8], mpp: float) -> None:
    """Write `image` and its halvings down to about 512 px.

    Parameters
    ----------
    path
        File to write.
    image
        uint8 (h, w, 3) RGB.
    mpp
        Micrometres per pixel, recorded in the resolution tags of each level.
    """
    with tifffile.TiffWriter(path, bigtiff=False) as writer:
        level = 0
        while True:
            per_cm = 1e4 / (mpp * 2**level)
            writer.write(
                image, photometric="rgb", tile=(TILE_PX, TILE_PX), compression="jpeg",
                compressionargs={"level": QUALITY}, subfiletype=1 if level else 0, metadata=None,
                resolution=(per_cm, per_cm), resolutionunit="CENTIMETER", software="napari-histoalign",
                description=None if level else DESCRIPTION,
            )  # fmt: skip
            if min(image.shape[:2]) < 1024:
                return
            image = halved(image)
            level += 1
