"""What files beside an encoder's weights say otherwise than its entry in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.encoders.loaders.configs import read_config
from napari_histoalign.encoders.preprocessing import NORMALISATIONS
from napari_histoalign.encoders.processor_config import find_processor, read_processor
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

OPEN_CLIP = "open_clip_config.json"
ARITHMETIC: Mapping[str, Mapping[str, Any]] = {
    "": {"quick_gelu": False},
    "text_cfg": {"act_kwargs": None, "norm_kwargs": None},
    "vision_cfg": {"act_kwargs": None, "norm_kwargs": None, "pool_type": "tok", "timm_pool": "avg"},
}
"""What no weight tells of, and open_clip's defaults; but for what the loader refuses."""
ROUNDING = 1e-3


def said_otherwise(spec: EncoderSpec, path: Path) -> tuple[str, ...]:
    """Differences between a folder and an entry of the registry.

    The entry is followed: it says what was checked against the publisher's code. But a person should know,
    for one of both is wrong, or the files are another version.

    Parameters
    ----------
    spec
        The entry; one of a person's own was made from the folder.
    path
        The folder, or a file in it.

    Returns
    -------
    tuple of str
        Sentences.
    """
    folder = path if path.is_dir() else path.parent
    if spec.space.startswith("own "):
        return ()
    found: list[str] = []
    processor = find_processor(folder) if spec.loader == "transformers" else None
    if processor is not None:
        try:
            found += _pixels(spec, read_processor(processor), processor)
        except EncoderError as err:
            found.append(str(err))
    if spec.loader == "open-clip" and (folder / OPEN_CLIP).is_file():
        found += _open_clip(spec, read_config(folder / OPEN_CLIP), folder / OPEN_CLIP)
    return tuple(found)


def _pixels(spec: EncoderSpec, said: Mapping[str, Any], path: Path) -> list[str]:
    own: dict[str, Any] = {"input_size": spec.input_size, "resize": spec.resize}
    own["interpolation"] = spec.interpolation
    found = [
        f"{path} says {name} {str(said[name])[:40]}; the registry has {value}, which is used."
        for name, value in own.items()
        if said.get(name) not in (None, value)
    ]
    if said.get("normalisation") is not None:
        theirs, ours = _numbers(said["normalisation"]), _numbers(spec.normalisation)
        if theirs.shape != ours.shape or not np.abs(theirs - ours).max() <= ROUNDING:
            found.append(
                f"{path} says other means and deviations of pixels than the registry, which is used."
            )
    return found


def _numbers(normalisation: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Means and deviations; whatever is none becomes not-a-number, which is unlike all."""
    if isinstance(normalisation, str):
        return np.asarray(NORMALISATIONS[normalisation], np.float64)
    try:
        return np.asarray([normalisation["mean"], normalisation["std"]], np.float64)
    except (KeyError, TypeError, ValueError, OverflowError):
        return np.full((2, 3), np.nan)


def _open_clip(spec: EncoderSpec, config: Mapping[str, Any], path: Path) -> list[str]:
    import open_clip

    pixels = _table(config.get("preprocess_cfg"))
    said = {"resize": pixels.get("resize_mode"), "interpolation": pixels.get("interpolation")}
    size = pixels.get("size")
    said["input_size"] = (
        size[0] if isinstance(size, list) and size and len(set(map(str, size))) == 1 else size
    )
    if pixels.get("mean") is not None or pixels.get("std") is not None:
        said["normalisation"] = {"mean": pixels.get("mean"), "std": pixels.get("std")}
    found = _pixels(spec, said, path)
    known = (spec.architecture and open_clip.get_model_config(spec.architecture)) or {}
    model = _table(config.get("model_cfg"))
    for part, fields in ARITHMETIC.items() if known else ():
        theirs, ours = (_table(c.get(part)) if part else c for c in (model, known))
        for name, default in fields.items():
            said_here, wanted = theirs.get(name, default), ours.get(name, default)
            if said_here != wanted:
                where = f"{name} in {part}" if part else name
                found.append(
                    f"{path} says {str(said_here)[:40]} for {where}, where {wanted} is known; it is used."
                )
    return found


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
