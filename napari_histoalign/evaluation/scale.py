"""The magnification at which an encoder sees a set's images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder
    from napari_histoalign.evaluation.records import ImageRecord

SCALES: Mapping[str, str] = MappingProxyType(
    {
        "native": "Each image as it is, brought to the encoder's size.",
        "matched": "Each image brought to the micrometres per pixel the encoder is meant for; what is then "
        "smaller than its input is mirrored at the edges, and of what is larger the middle is seen.",
    }
)
USUAL_MPP = 0.5
"""What most pathology encoders were trained at (20x), for those that name none."""


def check_known(records: Sequence[ImageRecord]) -> None:
    """Refuse images of which the set does not say the micrometres per pixel, before any is embedded.

    Raises
    ------
    DatasetError
        Some do not.
    """
    unknown = [record.name for record in records if record.mpp is None]
    if unknown:
        raise DatasetError(
            f"The resolution of {len(unknown):,} of {len(records):,} images is not known ({unknown[0]} the "
            "first of them), so that no scale can be matched: say it (--set mpp=0.5, or a column mpp in a "
            "table), or use the native scale."
        )


def rescaled(
    image: NDArray[np.uint8], record: ImageRecord, encoder: Encoder, scale: str
) -> NDArray[np.uint8]:
    """An image at the scale at which an encoder shall see it.

    Parameters
    ----------
    image
        uint8 RGB, shape (height, width, 3).
    record, encoder
        Say the image's micrometres per pixel, and those wanted.
    scale
        A key of `SCALES`.

    Raises
    ------
    DatasetError
        The scale is to be matched and the set does not say the image's.
    """
    if scale == "native":
        return image
    check_known([record])
    assert record.mpp is not None
    from PIL import Image

    factor = record.mpp / (encoder.mpp or USUAL_MPP)
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    small = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    side = encoder.input_size
    missing = [max(0, side - s) for s in small.shape[:2]]
    margins = [(m // 2, m - m // 2) for m in missing]
    filled = np.pad(small, (*margins, (0, 0)), mode="symmetric")
    top, left = ((s - side) // 2 for s in filled.shape[:2])
    return np.ascontiguousarray(filled[top : top + side, left : left + side])
