"""One tower of an encoder as an ONNX file; imports torch, so import it inside functions only."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.towers import Towers

OUTPUT = "embedding"
ATTENTION = torch.ops.aten.scaled_dot_product_attention.default
LARGEST = 1_800_000_000
"""Bytes of weights inside the file, which cannot be larger than 2 GiB; more go into a file beside it."""


class ImageTower(nn.Module):
    """Pixels to embedding."""

    def __init__(self, towers: Towers) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed (n, 3, side, side)."""
        return self.towers.encode_image(pixels)


class TextTower(nn.Module):
    """Token ids and their mask to embedding."""

    def __init__(self, towers: Towers) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed (k, length); the mask is int64, as is usual in ONNX files."""
        return self.towers.encode_text(ids, mask != 0)


def write_tower(
    tower: nn.Module,
    example: Mapping[str, Tensor],
    path: Path,
    about: Mapping[str, str],
) -> None:
    """Write a tower as an ONNX file whose batch may have any length.

    Parameters
    ----------
    tower
        On the CPU, float32.
    example
        An input of each name, at least two rows of it. An input that the tower does not read is left out
        of the file.
    path
        The file; weights of more than `LARGEST` bytes go to ``<path>.data``.
    about
        What the file shall say of itself.

    Raises
    ------
    EncoderError
        The exporter does not know some step of the tower.
    OSError
        The file cannot be written.
    """
    try:
        with _quiet(), torch.no_grad():
            traced = _traced(tower.eval(), example)
            program: Any = torch.onnx.export(traced, (), dynamo=True, verbose=False)
            _tidy(program.model, list(example), about)
            weights = sum(v.const_value.nbytes for v in program.model.graph.initializers.values())
            program.save(str(path), external_data=weights > LARGEST)
    except OSError:
        raise
    except Exception as err:  # of torch's tracer and exporter, which raise whatever comes
        raise EncoderError(
            f"The {path.stem} tower cannot be written as ONNX with this version of torch: "
            f"{(str(err).splitlines() or [type(err).__name__])[0][:300]}"
        ) from err


def _traced(tower: nn.Module, example: Mapping[str, Tensor]) -> torch.export.ExportedProgram:
    """The tower's operations, for any number of rows."""
    batch = torch.export.Dim("batch")
    shapes = {name: {0: batch} for name in example}
    inputs = tuple(example.values())
    try:
        traced = torch.export.export(tower, inputs, dynamic_shapes=shapes, strict=False)
    except Exception:  # see write_tower
        # Python's len() of a tensor fixes the batch; reading the byte code instead is slower, but knows it
        traced = torch.export.export(tower, inputs, dynamic_shapes=shapes, strict=True)
    looks = [n.args[0].meta["val"].ndim for n in traced.graph.nodes if n.target is ATTENTION]
    if set(looks) - {4}:
        # the exporter knows attention in four dimensions only; windows (Swin) make it five
        parts = torch.export.default_decompositions()
        with sdpa_kernel(SDPBackend.MATH):
            traced = traced.run_decompositions({ATTENTION: parts[ATTENTION]})
    return traced


def _tidy(model: Any, names: Sequence[str], about: Mapping[str, str]) -> None:
    """Names of inputs and output, no input that nothing reads, and no paths of this computer."""
    graph = model.graph
    for value, name in zip(list(graph.inputs), names, strict=True):
        if value.uses():
            value.name = name
        else:
            graph.inputs.remove(value)
    inner = [*graph.initializers.values()]
    for node in graph.all_nodes():
        node.metadata_props.clear()  # where in which file of this computer the step stands
        inner += node.outputs
    for value in inner:
        value.metadata_props.clear()
        if value.name == OUTPUT:  # a library may call a step of its own so
            value.name = f"{OUTPUT}_inside"
    graph.outputs[0].name = OUTPUT
    model.metadata_props.clear()
    model.metadata_props.update(about)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter prints and warns from the person."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
