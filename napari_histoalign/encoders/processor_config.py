"""``preprocessor_config.json``: how transformers prepares the pixels of a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_histoalign.encoders.loaders.configs import read_config
from napari_histoalign.errors import EncoderError

PROCESSOR = "preprocessor_config.json"
RESAMPLING = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of the interpolations that are known here."""


def read_processor(path: Path) -> dict[str, Any]:
    """Fields of an entry: ``input_size``, ``resize``, ``interpolation`` and ``normalisation``.

    Raises
    ------
    EncoderError
        The file cannot be read, or asks for what is not known here.
    """
    try:
        return _read(read_config(path), path)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as err:
        raise _unknown(path, f"what it says cannot be read ({type(err).__name__}: {err})") from err


def _read(found: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Fields from the keys of transformers' image processors."""
    kind = str(found.get("image_processor_type") or found.get("feature_extractor_type") or "").lower()
    siglip = "siglip" in kind
    cut = bool(found.get("do_center_crop", not siglip if kind else "crop_size" in found))
    size, square = _size(found.get("size", {"height": 224, "width": 224} if siglip else 224))
    if cut:
        crop, _ = _size(found.get("crop_size", size))
        if crop != size:
            raise _unknown(path, f"pictures are brought to {size} pixels and {crop} of them are cut out")
    resample = RESAMPLING.get(found.get("resample", 3))
    if resample is None:
        raise _unknown(
            path, f"Pillow's interpolation {found['resample']}; known are bilinear (2) and bicubic (3)"
        )
    factor = float(found.get("rescale_factor", 1 / 255))
    if not found.get("do_rescale", True) or not math.isclose(factor, 1 / 255, rel_tol=1e-4):
        raise _unknown(path, "pixels are not brought to between 0 and 1")
    return {
        "input_size": size,
        "resize": "squash" if square else "shortest",
        "interpolation": resample,
        "normalisation": _normalisation(found, siglip, "clip" in kind, path),
    }


def _size(value: Any) -> tuple[int, bool]:
    """Side in pixels, and whether both sides are brought to it (else the shorter one is)."""
    if isinstance(value, Mapping):
        if "shortest_edge" in value:
            return int(value["shortest_edge"]), False
        height, width = int(value["height"]), int(value["width"])
        if height != width:
            raise ValueError(f"pictures of {width} x {height} pixels are no squares")
        return height, True
    return int(value), False


def _normalisation(
    found: Mapping[str, Any], siglip: bool, clip: bool, path: Path
) -> str | dict[str, list[float]]:
    if not found.get("do_normalize", True):
        return "none"
    mean, std = found.get("image_mean"), found.get("image_std")
    if mean is None or std is None:
        if not siglip and not clip:
            raise _unknown(path, "image_mean and image_std are missing")
        return "half" if siglip else "openai"
    numbers = {"mean": [float(v) for v in mean], "std": [float(v) for v in std]}
    if (
        any(len(v) != 3 or not all(map(math.isfinite, v)) for v in numbers.values())
        or min(numbers["std"]) <= 0
    ):
        raise ValueError("image_mean and image_std have to be three numbers each")
    return numbers


def _unknown(path: Path, what: str) -> EncoderError:
    return EncoderError(f"{path} asks for a preparation of pixels that is not known here: {what}.")
