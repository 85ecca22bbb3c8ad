"""KEEP, from the publisher's ``model.safetensors`` or ``pytorch_model.bin``, and ``vocab.txt``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.loaders.filling import filled
from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.loaders.shapes import make_shape
from napari_histoalign.encoders.tokenizing.bert import WordPiece

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

WEIGHTS, TOKENIZER = "model.safetensors", "vocab.txt"
SCALE = re.compile(r"(visual\.blocks\.\d+\.ls[12])\.weight")
UNUSED = (
    # the numbers 0, 1, 2, ... and zeros, which older versions of transformers saved
    r"text\.embeddings\.(position_ids|token_type_ids)",
)


def load_keep(spec: EncoderSpec, files: Mapping[str, Path]) -> Parts:
    """Load KEEP.

    Parameters
    ----------
    spec
        Its entry. Image size, length of an embedding and context are the entry's own fields; `shape` may
        change what else `architectures.keep.KeepShape` has.
    files
        Where ``model.safetensors`` (or ``pytorch_model.bin``, under that name) and ``vocab.txt`` are.

    Raises
    ------
    EncoderError
        A file is not what it should be, or `shape` has an unknown size.
    """
    from napari_histoalign.encoders.architectures.keep import Keep, KeepShape

    shape = make_shape(KeepShape, spec)
    tokenizer = WordPiece(files[TOKENIZER], True, spec.context_length, shape.vocab_size)
    return Parts(filled(Keep, shape, files[WEIGHTS], UNUSED, _renamed), tokenizer)


def _renamed(name: str) -> str:
    """The name that a weight has in ``pytorch_model.bin``.

    In ``model.safetensors`` the factors behind each layer are called "weight", since the transformers
    library of its time could not read "gamma".
    """
    return SCALE.sub(r"\1.gamma", name)
