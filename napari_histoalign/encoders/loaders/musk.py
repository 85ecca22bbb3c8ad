"""MUSK, from the publisher's ``model.safetensors`` and ``tokenizer.spm``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.loaders.filling import filled
from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.loaders.shapes import make_shape
from napari_histoalign.encoders.tokenizing.musk import MuskTokenizer
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.spm"


def load_musk(spec: EncoderSpec, files: Mapping[str, Path]) -> Parts:
    """Load MUSK.

    Parameters
    ----------
    spec
        Its entry. Image size and length of an embedding are the entry's own fields, and so is the
        context; `shape` may change what else `architectures.beit3.Beit3Shape` has.
    files
        Where ``model.safetensors`` and ``tokenizer.spm`` are.

    Raises
    ------
    EncoderError
        A file is not what it should be, or `shape` has an unknown size.
    """
    from napari_histoalign.encoders.architectures.beit3 import Beit3Shape
    from napari_histoalign.encoders.architectures.musk import Musk

    shape = make_shape(Beit3Shape, spec)
    tokenizer = MuskTokenizer(files[TOKENIZER], spec.context_length)
    # the text tower has a few rows more than there are tokens, which nothing uses
    if tokenizer.vocabulary > shape.vocab_size:
        raise EncoderError(
            f"{files[TOKENIZER]} has {tokenizer.vocabulary} tokens, more than the {shape.vocab_size} of the "
            "text tower: it belongs to another encoder."
        )
    return Parts(filled(Musk, shape, files[WEIGHTS]), tokenizer)
