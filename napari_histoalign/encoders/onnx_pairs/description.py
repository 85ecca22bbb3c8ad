"""``onnx_pair.json``: what two ONNX models do not say of themselves.

`export` writes it whole. Beside models from elsewhere, a person may write the fields that are missing; every
field but ``format`` may be left out there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.loaders.configs import read_config
from napari_histoalign.encoders.own import TOKENIZER_FILES
from napari_histoalign.encoders.registry import make_spec
from napari_histoalign.encoders.tokenizing.cleaning import CLEANING, Cleaned
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.loaders import Parts
    from napari_histoalign.encoders.registry import EncoderSpec

PAIR = "onnx_pair.json"
IMAGE, TEXT = "image.onnx", "text.onnx"
FORMAT = 1
TOKENIZERS: Mapping[str, tuple[str, ...]] = {
    "clip": (),  # its vocabulary comes with open_clip
    "bert": ("vocab.txt",),
    "bert-cased": ("vocab.txt",),
    "conch": ("conch_byte_level_bpe_uncased.json",),
    "musk": ("tokenizer.spm",),
    # config.json, too, since a tokenizer's configuration may leave it to that one to say its kind
    **dict.fromkeys(("folder", "siglip"), (*TOKENIZER_FILES, "config.json")),
}
"""What ``tokenizer`` may say, and the files each reads (of the last two, those that are there)."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


LARGEST = 1e30
"""Of any number that a description may hold."""


def _number(value: Any) -> bool:
    # compared, for math.isfinite raises for whole numbers of hundreds of digits
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 16


def _normalisation(value: Any) -> bool:
    if isinstance(value, str):
        return True  # make_spec knows the names
    if not isinstance(value, dict) or value.keys() != {"mean", "std"}:
        return False
    lists = [value["mean"], value["std"]]
    return (
        all(isinstance(v, list) and len(v) == 3 and all(map(_number, v)) for v in lists) and min(lists[1]) > 0
    )


FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "format": lambda v: v == FORMAT,
    **dict.fromkeys(("title", "role", "licence", "licence_url", "citation", "notice", "space"), _text),
    **dict.fromkeys(("resize", "interpolation", "similarity"), _text),
    **dict.fromkeys(("input_size", "context_length", "dim"), _count),
    "normalisation": _normalisation,
    "tokenizer": lambda v: isinstance(v, str) and v in TOKENIZERS,
    "cleaning": lambda v: isinstance(v, str) and (v == "none" or v in CLEANING),
    "logit_scale": _positive,
    "logit_bias": _number,
    "mpp": lambda v: v is None or _positive(v),
    "source": lambda v: isinstance(v, dict),
}
"""Every field, and what it may hold; `EncoderSpec` says what most of them mean."""
OF_THE_MODELS = ("format", "cleaning", "logit_scale", "logit_bias", "source")
"""Fields that are not in an entry of the registry."""


def read_description(path: Path) -> dict[str, Any]:
    """The fields of an ``onnx_pair.json``.

    Raises
    ------
    EncoderError
        It cannot be read, is of another format, or has a field that does not exist or holds something else.
    """
    found = read_config(path)
    if found.get("format") != FORMAT:
        raise EncoderError(f"{path} has the format {found.get('format')!r}; this version reads {FORMAT}.")
    for name, value in found.items():
        if name not in FIELDS:
            raise EncoderError(f"{path} has the unknown field {name!r}; there are {', '.join(FIELDS)}.")
        if not FIELDS[name](value):
            raise EncoderError(f"{path} has {str(value)[:60]!r} for {name}, which it cannot be.")
    return found


def entry(name: str, found: Mapping[str, Any], files: Mapping[str, None], path: Path) -> EncoderSpec:
    """An entry from a description that has every field an entry needs.

    Parameters
    ----------
    name
        What it shall be called.
    found
        The fields.
    files
        What it is loaded from.
    path
        The file or folder they come from, for the error.
    """
    fields = {k: v for k, v in found.items() if k not in OF_THE_MODELS}
    return make_spec(name, {**fields, "loader": "onnx", "files": dict(files)}, path)


def describe(spec: EncoderSpec, parts: Parts, length: int, weights_hash: str) -> dict[str, Any]:
    """The description of an encoder that is exported.

    Parameters
    ----------
    spec, weights_hash
        Its entry, and the SHA-256 of its weights.
    parts
        Its towers, which know scale and bias of the logits, and its tokenizer.
    length
        How many tokens its text model reads.
    """
    pixels, tokenizer = spec.preprocessing, parts.tokenizer
    source = f"Exported from {spec.title}. The licence of its weights goes on: {spec.licence}"
    return {
        "format": FORMAT,
        "title": f"{spec.title} (ONNX)",
        "role": spec.role,
        "licence": spec.licence,
        "licence_url": spec.licence_url,
        "citation": spec.citation,
        "notice": ". ".join(part for part in (spec.notice.rstrip("."), source) if part),
        "input_size": spec.input_size,
        "resize": spec.resize,
        "interpolation": spec.interpolation,
        "normalisation": {"mean": list(pixels.mean), "std": list(pixels.std)},
        "context_length": length,
        "tokenizer": spec.tokenizer,
        "cleaning": tokenizer.cleaning if isinstance(tokenizer, Cleaned) else "none",
        "dim": spec.dim,
        "similarity": spec.similarity,
        "logit_scale": parts.towers.scale,
        "logit_bias": parts.towers.bias,
        "space": spec.space,
        "mpp": spec.mpp,
        "source": {"name": spec.name, "weights_hash": weights_hash},
    }
