"""Two ONNX models as towers; imports torch, so import it inside functions only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from napari_histoalign.encoders.onnx_pairs.models import TYPES, OnnxModel
from napari_histoalign.encoders.onnx_pairs.ports import image_ports, text_ports
from napari_histoalign.encoders.towers import Towers
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders.onnx_pairs.models import Port


class OnnxTowers(Towers):
    """An image model and a text model, run by onnxruntime.

    They hold no torch weights: a change of type leaves them as they are, and where the tensors are, they
    run, if onnxruntime can, else on the CPU.

    Parameters
    ----------
    image, text
        The models.
    scale, bias
        See `Towers`; the models do not say.

    Raises
    ------
    EncoderError
        One of them is no such tower.

    Attributes
    ----------
    image, text
        Their inputs and outputs.
    """

    def __init__(self, image: OnnxModel, text: OnnxModel, scale: float, bias: float = 0.0) -> None:
        super().__init__()
        self._image, self._text = image, text
        self.image, self.text = image_ports(image), text_ports(text)
        self._scale, self._bias = scale, bias

    def encode_image(self, pixels: Tensor) -> Tensor:
        """See `Towers`."""
        ports = self.image
        feeds = {ports.pixels.name: _array(pixels, ports.pixels)}
        return _run(self._image, feeds, ports.output, ports.batch, pixels.device)

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """See `Towers`."""
        ports = self.text
        feeds = {ports.ids.name: _array(ids, ports.ids)}
        if ports.mask is not None:
            feeds[ports.mask.name] = _array(mask, ports.mask)
        if ports.segments is not None:
            feeds[ports.segments.name] = _array(torch.zeros_like(ids), ports.segments)
        return _run(self._text, feeds, ports.output, ports.batch, ids.device)

    @property
    def scale(self) -> float:
        """See `Towers`."""
        return self._scale

    @property
    def bias(self) -> float:
        """See `Towers`."""
        return self._bias

    def widths(self, side: int, length: int) -> tuple[int, int]:
        """Lengths of an image's and of a text's embedding, by running what does not say.

        Parameters
        ----------
        side, length
            Of an image in pixels, and of a text in tokens.
        """
        image, text = self.image.width, self.text.width
        if image is None:
            image = self.encode_image(torch.zeros(1, 3, side, side)).shape[1]
        if text is None:
            ids = torch.zeros(1, length, dtype=torch.int64)
            text = self.encode_text(ids, torch.ones_like(ids, dtype=torch.bool)).shape[1]
        return image, text


def _array(tensor: Tensor, port: Port) -> NDArray[Any]:
    """A tensor as the kind of numbers that an input takes."""
    wanted = TYPES[port.kind]
    # numpy has no bfloat16
    array = (tensor.float() if tensor.is_floating_point() else tensor).cpu().numpy()
    return np.ascontiguousarray(array, dtype=wanted)


def _run(
    model: OnnxModel, feeds: Mapping[str, NDArray[Any]], output: str, batch: int | None, device: torch.device
) -> Tensor:
    """All rows at once, or as many as the model was made for; the last ones are filled up with a row."""
    count = len(next(iter(feeds.values())))
    rows = []
    for start in range(0, count, batch or count):
        part = {name: array[start : start + (batch or count)] for name, array in feeds.items()}
        got = len(next(iter(part.values())))
        if batch is not None and got < batch:
            part = {n: np.concatenate([a, a[:1].repeat(batch - got, axis=0)]) for n, a in part.items()}
        found = model.run(part, output, device.type)
        if found.ndim != 2 or len(found) != (batch or got):
            raise EncoderError(
                f"{model.path} gives an embedding of the shape {found.shape} for {batch or got} inputs."
            )
        rows.append(found[:got])
    return torch.from_numpy(np.concatenate(rows)).to(device)
