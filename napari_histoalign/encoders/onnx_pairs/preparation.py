"""How pixels are prepared for an ONNX tower."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_histoalign.encoders.onnx_pairs.description import PAIR
from napari_histoalign.encoders.processor_config import find_processor, read_processor
from napari_histoalign.errors import EncoderError

FIELDS = ("resize", "interpolation", "normalisation")


def preparation(folder: Path, said: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The fields of an entry that say how pixels are prepared.

    Parameters
    ----------
    folder
        Perhaps with a file of transformers' image processor.
    said
        What is known already; where it says everything, that file is not read.

    Returns
    -------
    fields
        ``resize``, ``interpolation``, ``normalisation`` where no default will do, and ``input_size`` where
        it is known.
    remarks
        What was taken for want of a file that says so.

    Raises
    ------
    EncoderError
        The file asks for what is not known here.
    """
    if all(name in said for name in FIELDS):
        return {}, []
    path = find_processor(folder)
    if path is None:
        return {}, ["no file says how its pixels are prepared: CLIP's way is taken"]
    try:
        return read_processor(path), []
    except EncoderError as err:
        raise EncoderError(
            f"{err} If another gives the same, write it to {PAIR} beside it ({', '.join(FIELDS)})."
        ) from err
