"""Entries for a person's own ONNX pair: image.onnx, text.onnx and what stands beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.before_libraries import prepare_libraries
from napari_histoalign.encoders.entry_checks import LARGEST, LARGEST_SIDE
from napari_histoalign.encoders.loaders.configs import read_config
from napari_histoalign.encoders.onnx_pairs.description import (
    IMAGE,
    PAIR,
    TEXT,
    TOKENIZERS,
    entry,
    read_description,
)
from napari_histoalign.encoders.onnx_pairs.models import OnnxModel
from napari_histoalign.encoders.onnx_pairs.preparation import preparation
from napari_histoalign.encoders.own import LICENCE, TOKENIZER_FILES, VOCABULARIES
from napari_histoalign.encoders.processor_config import PROCESSOR, WHOLE
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.onnx_pairs.towers import OnnxTowers
    from napari_histoalign.encoders.registry import EncoderSpec

DEFAULT_SCALE = 100.0
"""What CLIP's training stops the scale of the logits at, and nearly all its kin end with."""
LONGEST = 4096
"""Tokens; tokenizers without a limit say a number with thirty zeros."""


def onnx_spec(name: str, folder: Path, *, role: str | None, mpp: float | None) -> EncoderSpec:
    """An entry for a folder with an ONNX pair.

    What `export` wrote describes itself. Of other pairs, sizes are read from the models, the preparation of
    pixels from ``preprocessor_config.json``, the context from ``tokenizer_config.json``; ``onnx_pair.json``
    may say all of it, and goes before them.

    Parameters
    ----------
    name
        What it shall be called.
    folder
        Holds image.onnx and text.onnx.
    role
        "pathology", "general" or "control"; None for what the description says, else "general".
    mpp
        Micrometres per pixel of a tile it is meant for; None for what the description says, else any.

    Raises
    ------
    EncoderError
        A file is damaged or reaches outside the folder, the models are no such pair or of different widths,
        or something is missing; the message says what to add.
    """
    prepare_libraries()
    from napari_histoalign.encoders.onnx_pairs.towers import OnnxTowers

    path = folder / PAIR
    said = read_description(path) if path.is_file() else {}
    image, text = OnnxModel(folder / IMAGE), OnnxModel(folder / TEXT)
    towers = OnnxTowers(image, text, said.get("logit_scale", DEFAULT_SCALE))
    prepared, remarks = preparation(folder, said)
    if "logit_scale" not in said:
        remarks.append(
            f"no file says the learned logit scale: {DEFAULT_SCALE:g} is taken (logit_scale in {PAIR} is one)"
        )
    found: dict[str, Any] = {
        "title": name,
        "space": f"own {name}",
        "licence": LICENCE,
        "licence_url": "",
        "citation": "",
    }
    found |= prepared | said
    found["notice"] = said.get("notice") or _sentence(remarks)
    found["role"] = role or said.get("role") or "general"
    found["mpp"] = said.get("mpp") if mpp is None else mpp
    found["input_size"] = _side(folder, towers, found.get("input_size"))
    found["context_length"] = _length(folder, towers, said.get("context_length"))
    found["tokenizer"] = said.get("tokenizer") or _tokenizer(folder)
    found["dim"] = _width(folder, towers, found)
    files = [
        IMAGE,
        TEXT,
        *image.external,
        *text.external,
        PAIR,
        PROCESSOR,
        WHOLE,
        *TOKENIZERS[found["tokenizer"]],
    ]
    files += ["config.json", *TOKENIZER_FILES]
    return entry(name, found, {n: None for n in dict.fromkeys(files) if (folder / n).is_file()}, folder)


def _side(folder: Path, towers: OnnxTowers, said: int | None) -> int:
    side = towers.image.side
    if side is None and said is None:
        raise EncoderError(
            f"{folder / IMAGE} takes images of any size, and no file says which it was trained with: add "
            f'{PROCESSOR}, or {PAIR} with {{"format": 1, "input_size": 224}} or what the size is.'
        )
    if None not in (side, said) and side != said:
        raise EncoderError(
            f"{folder / IMAGE} takes images of side {side}, and the files beside it say {said}."
        )
    found = side or said or 0
    if found > LARGEST_SIDE:
        raise EncoderError(f"{folder / IMAGE} takes images of side {found}; at most {LARGEST_SIDE} is read.")
    return found


def _length(folder: Path, towers: OnnxTowers, said: int | None) -> int:
    length = towers.text.length
    if None not in (length, said) and length != said:
        raise EncoderError(f"{folder / TEXT} takes {length} tokens, and {PAIR} says {said}.")
    found = length or said
    if found is None and (folder / "tokenizer_config.json").is_file():
        most = read_config(folder / "tokenizer_config.json").get("model_max_length")
        found = most if isinstance(most, int) and 0 < most <= LONGEST else None
    if found is None:
        raise EncoderError(
            f"{folder / TEXT} takes texts of any length, and no file says which it was trained with: add "
            f"tokenizer_config.json with model_max_length, or {PAIR} with "
            '{"format": 1, "context_length": 77} or what the length is.'
        )
    if found > LARGEST:
        raise EncoderError(f"{folder / TEXT} takes {found} tokens; at most {LARGEST} are read.")
    return found


def _tokenizer(folder: Path) -> str:
    """Which of `TOKENIZERS` the files of a folder are."""
    here = [n for n in VOCABULARIES if (folder / n).is_file()]
    if not here:
        raise EncoderError(
            f"{folder} lacks the tokenizer of {TEXT}: add tokenizer.json with tokenizer_config.json, or "
            f'vocab.txt; for the one of CLIP, {PAIR} with {{"format": 1, "tokenizer": "clip"}}.'
        )
    if here != ["vocab.txt"]:
        return "folder"
    config = folder / "tokenizer_config.json"
    lower = read_config(config).get("do_lower_case", True) if config.is_file() else True
    return "bert" if lower else "bert-cased"


def _width(folder: Path, towers: OnnxTowers, found: dict[str, Any]) -> int:
    image, text = towers.widths(found["input_size"], found["context_length"])
    if image != text:
        raise EncoderError(
            f"{folder / IMAGE} gives {image} numbers and {folder / TEXT} gives {text}: images and texts do "
            "not end in one space. Both have to be exported with their projections."
        )
    if found.get("dim", image) != image:
        raise EncoderError(f"The models in {folder} give {image} numbers, and {PAIR} says {found['dim']}.")
    return image


def _sentence(remarks: list[str]) -> str:
    text = "; ".join(remarks)
    return text[:1].upper() + text[1:]
