"""What the inputs and outputs of an ONNX tower are, by their names and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_histoalign.encoders.onnx_pairs.models import TYPES
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import printable

if TYPE_CHECKING:
    from napari_histoalign.encoders.onnx_pairs.models import OnnxModel, Port

IDS = ("input_ids", "ids", "tokens", "text", "input")
MASKS = ("attention_mask", "mask", "text_mask", "input_mask")
SEGMENTS = ("token_type_ids", "segment_ids")
"""Which of two texts a token belongs to (BERT); there is one, so it is 0."""
IMAGE_OUTPUTS = ("image_embeds", "image_embedding", "image_embeddings", "image_features")
TEXT_OUTPUTS = ("text_embeds", "text_embedding", "text_embeddings", "text_features")
OUTPUTS = ("embedding", "embeddings", "embeds", "sentence_embedding")
"""Of either tower, after its own."""
FRACTIONS = ("tensor(float)", "tensor(float16)", "tensor(double)")
WHOLE = ("tensor(int64)", "tensor(int32)")
EITHER = (*WHOLE, "tensor(bool)", "tensor(float)")
NAMED = 8
"""So many are listed in an error."""


@dataclass(frozen=True)
class ImagePorts:
    """Of an image tower.

    Attributes
    ----------
    pixels, output
        The input, (n, 3, side, side), and the name of the output, (n, width).
    batch, side, width
        None where they are free or not said.
    """

    pixels: Port
    output: str
    batch: int | None
    side: int | None
    width: int | None


@dataclass(frozen=True)
class TextPorts:
    """Of a text tower.

    Attributes
    ----------
    ids, mask, segments, output
        Inputs, (k, length), the last two only where it has them, and the name of the output, (k, width).
    batch, length, width
        None where they are free or not said.
    """

    ids: Port
    mask: Port | None
    segments: Port | None
    output: str
    batch: int | None
    length: int | None
    width: int | None


def image_ports(model: OnnxModel) -> ImagePorts:
    """Find the ports of an image tower.

    Raises
    ------
    EncoderError
        It takes something else than square pictures with three channels in front.
    """
    if len(model.inputs) != 1:
        raise EncoderError(
            f"{model.path} takes {_names(model.inputs)}; an image tower takes pixels and nothing else."
        )
    pixels = _checked(model, model.inputs[0], FRACTIONS)
    batch, channels, height, width = _shape(model, pixels, 4)
    if channels not in (None, 3) or height != width:
        raise EncoderError(
            f"{model.path} takes pixels of the shape {_told(pixels)}; known is (n, 3, side, side), "
            "the channels first."
        )
    output, length = _output(model, (*IMAGE_OUTPUTS, *OUTPUTS))
    return ImagePorts(pixels, output, batch, height, length)


def text_ports(model: OnnxModel) -> TextPorts:
    """Find the ports of a text tower.

    Raises
    ------
    EncoderError
        It takes something else than token ids, their mask and their segments.
    """
    masks, segments = (_named(model.inputs, names) for names in (MASKS, SEGMENTS))
    rest = tuple(p for p in model.inputs if p not in (masks, segments))
    ids = _named(rest, IDS) or (rest[0] if len(rest) == 1 else None)
    if ids is None or len(rest) != 1:
        raise EncoderError(
            f"{model.path} takes {_names(model.inputs)}; a text tower takes token ids ({IDS[0]}), and where "
            f"it reads them {MASKS[0]} and {SEGMENTS[0]}, and nothing else."
        )
    _checked(model, ids, WHOLE)
    for port in (masks, segments):
        if port is not None:
            _checked(model, port, EITHER)
    batch, length = _shape(model, ids, 2)
    output, width = _output(model, (*TEXT_OUTPUTS, *OUTPUTS))
    return TextPorts(ids, masks, segments, output, batch, length, width)


def _output(model: OnnxModel, names: Sequence[str]) -> tuple[str, int | None]:
    """Name and width of the embedding: by its name, else the only output that is a table."""
    tables = [p for p in model.outputs if len(p.shape) in (0, 2) and p.kind in FRACTIONS]
    found = _named(tables, names) or (tables[0] if len(tables) == 1 else None)
    if found is None:
        raise EncoderError(
            f"{model.path} gives {_names(model.outputs)}, and which of them is the embedding is not clear. "
            f"Name it {names[0]}."
        )
    return found.name, found.shape[1] if found.shape else None


def _named(ports: Sequence[Port], names: Sequence[str]) -> Port | None:
    """The first port with one of these names, in the names' order."""
    by_name = {p.name.lower(): p for p in ports}
    return next((by_name[n] for n in names if n in by_name), None)


def _checked(model: OnnxModel, port: Port, kinds: Sequence[str]) -> Port:
    if port.kind not in kinds or port.kind not in TYPES:
        raise EncoderError(f"{model.path} takes {_name(port)} as {port.kind}; known are {', '.join(kinds)}.")
    return port


def _shape(model: OnnxModel, port: Port, count: int) -> tuple[int | None, ...]:
    """Its dimensions; an input that says nothing of them leaves all free."""
    if not port.shape:
        return (None,) * count
    if len(port.shape) != count:
        raise EncoderError(
            f"{model.path} takes {_name(port)} with {len(port.shape)} dimensions, {_told(port)}, not {count}."
        )
    return port.shape


def _told(port: Port) -> str:
    return "(" + ", ".join("n" if d is None else str(d) for d in port.shape) + ")"


def _names(ports: Sequence[Port]) -> str:
    more = f" and {len(ports) - NAMED} more" if len(ports) > NAMED else ""
    return ", ".join(map(_name, ports[:NAMED])) + more or "nothing"


def _name(port: Port) -> str:
    return printable(port.name[:60])
