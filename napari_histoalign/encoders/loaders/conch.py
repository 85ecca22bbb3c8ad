"""CONCH, from the publisher's ``pytorch_model.bin`` and tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.loaders.filling import filled
from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.loaders.shapes import make_shape
from napari_histoalign.encoders.tokenizing.conch import ConchTokenizer
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

WEIGHTS, TOKENIZER = "pytorch_model.bin", "conch_byte_level_bpe_uncased.json"
UNUSED = (
    # writes captions. The publisher says that its weights were taken out of the public file; the published
    # code builds it all the same, so that a file with it is whole, too
    r"text_decoder\..+",
)


def load_conch(spec: EncoderSpec, files: Mapping[str, Path]) -> Parts:
    """Load CONCH.

    Parameters
    ----------
    spec
        Its entry. Image size, context and length of an embedding are the entry's own fields; `shape` may
        change what else `architectures.conch.ConchShape` has.
    files
        Where ``pytorch_model.bin`` and ``conch_byte_level_bpe_uncased.json`` are.

    Raises
    ------
    EncoderError
        A file is not what it should be, or `shape` has an unknown size.
    """
    from napari_histoalign.encoders.architectures.conch import Conch, ConchShape

    shape = make_shape(ConchShape, spec, context_length=spec.context_length)
    tokenizer = ConchTokenizer(files[TOKENIZER], shape.context_length)
    if tokenizer.vocabulary != shape.vocab_size:
        raise EncoderError(
            f"{files[TOKENIZER]} has {tokenizer.vocabulary} tokens and not the {shape.vocab_size} of the "
            "text tower: it belongs to another encoder."
        )
    return Parts(filled(Conch, shape, files[WEIGHTS], UNUSED), tokenizer)
