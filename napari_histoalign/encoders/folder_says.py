"""What files beside an encoder's weights say otherwise than its entry in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.encoders.loaders.configs import read_config
from napari_histoalign.encoders.preprocessing import NORMALISATIONS
from napari_histoalign.encoders.processor_config import PROCESSOR, read_processor
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

OPEN_CLIP = "open_clip_config.json"
ACTIVATION = {"clip": "quick_gelu"}
"""What OpenAI's CLIP and what was trained from it in the layout of transformers use; its default there."""
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
    if spec.loader == "transformers" and (folder / PROCESSOR).is_file():
        try:
            found += _pixels(spec, read_processor(folder / PROCESSOR), folder / PROCESSOR)
        except EncoderError as err:
            found.append(str(err))
    if spec.loader == "transformers" and (folder / "config.json").is_file():
        found += _activations(read_config(folder / "config.json"), folder / "config.json")
    if spec.loader == "open-clip" and (folder / OPEN_CLIP).is_file():
        found += _open_clip(spec, read_config(folder / OPEN_CLIP), folder / OPEN_CLIP)
    return tuple(found)


def _pixels(spec: EncoderSpec, said: Mapping[str, Any], path: Path) -> list[str]:
    own: dict[str, Any] = {"input_size": spec.input_size, "resize": spec.resize}
    own["interpolation"] = spec.interpolation
    found = [
        f"{path} says {name} {said[name]}; the registry has {value}, which is used."
        for name, value in own.items()
        if said.get(name) not in (None, value)
    ]
    if said.get("normalisation") is not None:
        theirs, ours = _numbers(said["normalisation"]), _numbers(spec.normalisation)
        if theirs.shape != ours.shape or np.abs(theirs - ours).max() > ROUNDING:
            found.append(
                f"{path} says other means and deviations of pixels than the registry, which is used."
            )
    return found


def _numbers(normalisation: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    if isinstance(normalisation, str):
        return np.asarray(NORMALISATIONS[normalisation], np.float64)
    try:
        return np.asarray([normalisation["mean"], normalisation["std"]], np.float64)
    except (KeyError, TypeError, ValueError):
        return np.full((2, 3), np.nan)


def _activations(config: Mapping[str, Any], path: Path) -> list[str]:
    wanted = ACTIVATION.get(str(config.get("model_type")))
    found = []
    for part in ("text_config", "vision_config"):
        said = (config.get(part) or {}).get("hidden_act", wanted)
        if wanted and said != wanted:
            found.append(f"{path} says the activation {said} in {part}, where {wanted} is known; it is used.")
    return found


def _open_clip(spec: EncoderSpec, config: Mapping[str, Any], path: Path) -> list[str]:
    import open_clip

    pixels = config.get("preprocess_cfg") or {}
    said = {"resize": pixels.get("resize_mode"), "interpolation": pixels.get("interpolation")}
    if pixels.get("mean") is not None and pixels.get("std") is not None:
        said["normalisation"] = {"mean": pixels["mean"], "std": pixels["std"]}
    found = _pixels(spec, said, path)
    known = (spec.architecture and open_clip.get_model_config(spec.architecture)) or {}
    model = config.get("model_cfg") or {}
    for name in ("quick_gelu",) if known else ():
        if bool(model.get(name)) != bool(known.get(name)):
            found.append(f"{path} says {name} {bool(model.get(name))}, where the other is known; it is used.")
    for name in ("no_causal_mask", "pool_type"):
        theirs, ours = ((c.get("text_cfg") or {}).get(name) for c in (model, known))
        if known and theirs != ours:
            found.append(f"{path} says {name} {theirs} in text_cfg, where {ours} is known; it is used.")
    return found
