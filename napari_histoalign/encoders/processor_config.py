"""``preprocessor_config.json`` and its kin: how transformers prepares the pixels of a model."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from napari_histoalign.encoders.loaders.configs import read_config
from napari_histoalign.encoders.preprocessing import NORMALISATIONS
from napari_histoalign.errors import EncoderError

PROCESSOR = "preprocessor_config.json"
WHOLE, PART = "processor_config.json", "image_processor"
"""What transformers 5 writes instead, and where in it the image processor stands."""
RESAMPLING = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of the interpolations that are known here."""


@dataclass(frozen=True)
class Kind:
    """What a kind of image processor does where the file does not say.

    Attributes
    ----------
    size
        What pictures are brought to.
    squares
        Whether a size of one number means both sides (else the shorter one).
    cut
        Whether a square is cut out afterwards.
    resample
        Pillow's number of the interpolation.
    normalisation
        Of pixels between 0 and 1.
    """

    size: Mapping[str, int]
    squares: bool
    cut: bool
    resample: int
    normalisation: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "clip": Kind({"shortest_edge": 224}, False, True, 3, "openai"),
        "siglip": Kind({"height": 224, "width": 224}, True, False, 3, "half"),
        "vit": Kind({"height": 224, "width": 224}, True, False, 2, "half"),
    }
)
ENDING = re.compile(r"(imageprocessor(fast|pil)?|featureextractor)$")
STEPS = ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb")
"""Steps that processors of `KINDS` take; the last one does nothing to RGB."""
REFUSED = {
    "use_square_size": "pictures are brought to a square whatever their size says",
    "rescale_offset": "pixels are moved to between -1 and 1 before they are normalised",
    "crop_pct": "pictures are brought to another size than the one that is cut out",
    "do_pad": "pictures are padded",
    "do_flip_channel_order": "red and blue change places",
}
"""What no processor of `KINDS` does."""


def find_processor(folder: Path) -> Path | None:
    """The file of a folder that says how pixels are prepared, as transformers chooses it; None without one.

    Raises
    ------
    EncoderError
        There is one that cannot be read.
    """
    whole, path = folder / WHOLE, folder / PROCESSOR
    if whole.is_file() and PART in read_config(whole):
        return whole
    return path if path.is_file() else None


def read_processor(path: Path) -> dict[str, Any]:
    """Fields of an entry: ``input_size``, ``resize``, ``interpolation`` and ``normalisation``.

    Raises
    ------
    EncoderError
        The file cannot be read, or asks for what is not known here.
    """
    found = read_config(path)
    try:
        return _read(found.get(PART, found), path)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as err:
        raise _unknown(path, f"what it says cannot be read ({type(err).__name__}: {err})") from err


def _read(found: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Fields from the keys of transformers' image processors."""
    kind = _kind(found, path)
    for key, value in found.items():
        if value and key in REFUSED:
            raise _unknown(path, REFUSED[key])
        if key.startswith("do_") and not isinstance(value, bool | None):
            raise ValueError(f"{key} is {str(value)[:60]!r}")
        if value and key.startswith("do_") and key not in STEPS:
            raise _unknown(path, f"the step {key[:60]!r}")
    if not found.get("do_resize", True):
        raise _unknown(path, "pictures keep their size")
    cut = bool(found.get("do_center_crop", kind.cut))
    squares = found.get("default_to_square")
    size, square = _size(found.get("size", kind.size), kind.squares if squares is None else bool(squares))
    if cut:
        # what is cut out has always been one number for both sides
        crop, _ = _size(found.get("crop_size", {"height": 224, "width": 224}), True)
        if crop != size:
            raise _unknown(path, f"pictures are brought to {size} pixels and {crop} of them are cut out")
    elif not square:
        raise _unknown(path, "pictures keep their proportions and nothing is cut out")
    resample = RESAMPLING.get(found.get("resample", kind.resample))
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
        "normalisation": _normalisation(found, kind),
    }


def _kind(found: Mapping[str, Any], path: Path) -> Kind:
    """The processor's kind; CLIP's where an old file names none and cuts out squares."""
    named = found.get("image_processor_type") or found.get("feature_extractor_type")
    if named is None and "crop_size" in found:
        return KINDS["clip"]
    kind = KINDS.get(ENDING.sub("", str(named).lower()))
    if kind is None:
        known = "CLIPImageProcessor, SiglipImageProcessor and ViTImageProcessor"
        raise _unknown(path, f"the processor {str(named)[:60]!r}; known are {known}")
    return kind


def _size(value: Any, squares: bool) -> tuple[int, bool]:
    """Side in pixels, and whether both sides are brought to it (else the shorter one is)."""
    if not isinstance(value, Mapping):
        return _pixels(value), squares
    said = {name: number for name, number in value.items() if number is not None}
    if said.keys() == {"shortest_edge"}:
        return _pixels(said["shortest_edge"]), False
    if said.keys() != {"height", "width"}:
        raise ValueError(f"a size of {', '.join(map(str, said))[:60] or 'nothing'}")
    height, width = _pixels(said["height"]), _pixels(said["width"])
    if height != width:
        raise ValueError(f"pictures of {width} x {height} pixels are no squares")
    return height, True


def _pixels(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{str(value)[:60]!r} is no number of pixels")
    return value


def _normalisation(found: Mapping[str, Any], kind: Kind) -> str | dict[str, list[float]]:
    if not found.get("do_normalize", True):
        return "none"
    mean, std = found.get("image_mean"), found.get("image_std")
    if mean is None and std is None:
        return kind.normalisation
    usual = NORMALISATIONS[kind.normalisation]
    numbers = {
        "mean": [float(v) for v in (usual[0] if mean is None else mean)],
        "std": [float(v) for v in (usual[1] if std is None else std)],
    }
    if (
        any(len(v) != 3 or not all(map(math.isfinite, v)) for v in numbers.values())
        or min(numbers["std"]) <= 0
    ):
        raise ValueError("image_mean and image_std have to be three numbers each")
    return numbers


def _unknown(path: Path, what: str) -> EncoderError:
    return EncoderError(f"{path} asks for a preparation of pixels that is not known here: {what}.")
