"""What an ONNX model of others would take to run, found out from its graph before it is run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from napari_histoalign.errors import EncoderError

ENDLESS = frozenset(
    {"Loop", "Scan", "SequenceMap", "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"}
)
"""Operators that repeat others as often as a number in the file says."""
MOST_STEPS = 1 << 18
"""A large tower has ten thousand."""
DEEPEST = 64
"""Functions in functions."""
LARGEST, LARGEST_INPUT = 1 << 30, 1 << 28
"""Numbers in the result of a step for one picture or text (some million are usual), and in an input."""
SMALL, LONGEST = 1 << 10, 1 << 16
"""Numbers of a constant, and of what is worked out from it, that may be a shape."""
SIDE, LENGTH = 224, 77
"""Of a picture and a text, where the model leaves it free."""


def check_limits(onnx: Any, model: Any, path: Path) -> None:
    """Make sure that a model ends, and that no step of it gives an absurd number of numbers.

    What steps give is worked out as far as onnx can without running them: not where a shape follows from
    the numbers of a picture or text.

    Parameters
    ----------
    onnx
        The package.
    model
        A ModelProto of its own, without weights outside it. Large constants lose their numbers.
    path
        The file, for the error.

    Raises
    ------
    EncoderError
        It repeats steps, takes too many, or would take absurd memory.
    """
    _check_operators(onnx, model, path)
    _check_steps(onnx, model, path)
    _check_sizes(onnx, model, path)


def messages(message: Any, kind: Any) -> Iterator[Any]:
    """Every message of a kind in another, however deep: in attributes, branches and functions, too."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for inner in [value] if hasattr(value, "ListFields") else value:
            if isinstance(inner, kind):
                yield inner
            yield from messages(inner, kind)


def _check_operators(onnx: Any, model: Any, path: Path) -> None:
    if endless := sorted({n.op_type for n in messages(model, onnx.NodeProto)} & ENDLESS):
        raise EncoderError(
            f"{path} repeats steps ({', '.join(endless)}), which no tower does and which need never end: it "
            "is not run. Export it without them."
        )


def _check_steps(onnx: Any, model: Any, path: Path) -> None:
    """Functions that call functions twice, and so on, are more steps than there are atoms."""
    bodies: dict[tuple[str, str], list[Any]] = {}
    for function in model.functions:
        bodies.setdefault((function.domain, function.name), []).append(function)
    counts: dict[tuple[str, str], int] = {}

    def steps(message: Any, depth: int) -> int:
        total = 0
        for node in messages(message, onnx.NodeProto):
            name = (node.domain, node.op_type)
            if name in bodies and name not in counts:
                if depth == DEEPEST:
                    return MOST_STEPS + 1
                counts[name] = MOST_STEPS + 1  # should it call itself
                counts[name] = max(steps(body, depth + 1) for body in bodies[name])
            total += counts.get(name, 1)
        return total

    if steps(model.graph, 0) > MOST_STEPS:
        raise EncoderError(
            f"{path} takes more than {MOST_STEPS:,} steps, which no tower does: it is not run. Is it the "
            "right file?"
        )


def _check_sizes(onnx: Any, model: Any, path: Path) -> None:
    for tensor in messages(model, onnx.TensorProto):
        if math.prod(tensor.dims) > SMALL:
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
                tensor.ClearField(field)
    for port in model.graph.input:
        sizes = port.type.tensor_type.shape.dim
        free = (1, 3, SIDE, SIDE) if len(sizes) == 4 else (1, LENGTH)
        for size, value in zip(sizes, free, strict=False):
            if not size.dim_value > 0:
                size.dim_value = value
        _check_size([size.dim_value for size in sizes], LARGEST_INPUT, port.name, path)
    for graph in messages(model, onnx.GraphProto):
        graph.ClearField("value_info")  # what the file says of its steps need not be so
    for data in (False, True):
        try:
            found = onnx.shape_inference.infer_shapes(model, data_prop=data)
        except Exception:  # of a step that onnx does not know; onnxruntime may
            return
        longest = 0
        for graph in messages(found, onnx.GraphProto):
            for value in (*graph.input, *graph.value_info, *graph.output):
                shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
                _check_size(shape, LARGEST, value.name, path)
                longest = max(longest, shape[0] if len(shape) == 1 else 0)
        if longest > LONGEST:
            return  # onnx would write out a shape of so many dimensions, and it need not be one


def _check_size(shape: Sequence[int], most: int, name: str, path: Path) -> None:
    """Lengths that are not known are 0."""
    if math.prod(max(length, 1) for length in shape) > most:
        raise EncoderError(
            f"{path} has more than {most / 1e6:,.0f} million numbers in {name[:60]!r}, far more than a tower "
            "needs: it is not run. Is it the right file?"
        )
