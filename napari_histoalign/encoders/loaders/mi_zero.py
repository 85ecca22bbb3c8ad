"""MI-Zero and CPLIP, from the publisher's checkpoint and the ``vocab.txt`` of a BERT."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.loaders.filling import filled
from napari_histoalign.encoders.loaders.parts import Parts
from napari_histoalign.encoders.loaders.shapes import make_shape
from napari_histoalign.encoders.tokenizing.bert import WordPiece
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

VOCABULARY = "vocab.txt"
UNUSED = (
    # follow from the size of images, which in training was another than the publisher's tools apply: these
    # leave them out as well, and make their own
    r"visual\.trunk\.layers\.\d+\.blocks\.\d+\.attn_mask",
    # the numbers 0, 1, 2, ...; the library of the time wrote them down, today's counts
    r"transformer\.embeddings\.position_ids",
)
INDEX = "relative_position_index"


def load_mi_zero(spec: EncoderSpec, files: Mapping[str, Path]) -> Parts:
    """Load MI-Zero or CPLIP.

    Parameters
    ----------
    spec
        Its entry. Image size and length of an embedding are the entry's own fields, and so is the
        context; `shape` may change what else `architectures.mi_zero.MiZeroShape` has.
    files
        Where the checkpoint, whatever its name, and ``vocab.txt`` are.

    Raises
    ------
    EncoderError
        A file is not what it should be, or `shape` has an unknown size.
    """
    from napari_histoalign.encoders.architectures.mi_zero import MiZero, MiZeroShape
    from napari_histoalign.encoders.architectures.windows import offsets

    shape = make_shape(MiZeroShape, spec)
    if spec.context_length > shape.positions:
        raise EncoderError(
            f"Encoder {spec.name!r} wants {spec.context_length} tokens of a text; "
            f"its text tower has room for {shape.positions}."
        )
    tokens = shape.vocab_size if shape.tokens is None else shape.tokens
    if tokens > shape.vocab_size:
        raise EncoderError(
            f"Encoder {spec.name!r} wants {tokens} tokens; its text tower knows {shape.vocab_size}."
        )
    # the publisher's tokenizers make capitals small, even the one whose vocabulary has some: nothing in its
    # repository says otherwise
    tokenizer = WordPiece(files[VOCABULARY], True, spec.context_length, tokens)
    path = next(path for name, path in files.items() if name != VOCABULARY)
    towers = filled(MiZero, shape, path, UNUSED)
    order = offsets(shape.window)
    for name, table in towers.named_buffers():
        if name.endswith(INDEX) and not table.equal(order):
            raise EncoderError(
                f"{path} numbers the positions of a window in another order in {name} than CTransPath: "
                "it belongs to another encoder."
            )
    return Parts(towers, tokenizer)
