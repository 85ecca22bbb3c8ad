"""MedCLIP with the Swin transformer, from the publisher's ``pytorch_model.bin`` and BERT's ``vocab.txt``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.loaders.filling import filled
from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.loaders.shapes import make_shape
from napari_histoalign.encoders.tokenizing.bert import WordPiece

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

WEIGHTS, TOKENIZER = "pytorch_model.bin", "vocab.txt"
UNUSED = (
    # the numbers 0, 1, 2, ... and zeros, which older versions of transformers saved
    r"text_model\.model\.embeddings\.(position_ids|token_type_ids)",
    # which row of the table belongs to two patches: it follows from the size of the windows
    r"vision_model\.model\.encoder\.layers\.\d+\.blocks\.\d+\.attention\.self\.relative_position_index",
)


def load_medclip(spec: EncoderSpec, files: Mapping[str, Path]) -> Parts:
    """Load MedCLIP.

    Parameters
    ----------
    spec
        Its entry. Image size, length of an embedding and context are the entry's own fields; `shape` may
        change what else `architectures.medclip.MedClipShape` has.
    files
        Where ``pytorch_model.bin`` and ``vocab.txt`` are.

    Raises
    ------
    EncoderError
        A file is not what it should be, or `shape` has an unknown size or sizes that do not fit.
    """
    from napari_histoalign.encoders.architectures.medclip import MedClip, MedClipShape

    shape = make_shape(MedClipShape, spec)
    # the vocabulary has capitals, but the published tokenizer, and the texts of training, were in lower case
    tokenizer = WordPiece(files[TOKENIZER], True, spec.context_length, shape.vocab_size)
    return Parts(filled(MedClip, shape, files[WEIGHTS], UNUSED), tokenizer)
