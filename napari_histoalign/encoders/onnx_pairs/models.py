"""ONNX files that come from anywhere: checked before they are run, then run by onnxruntime."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.encoders.onnx_pairs.limits import check_limits, messages
from napari_histoalign.encoders.onnx_pairs.memory import give_back, share
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}
"""onnxruntime's names of the kinds of numbers that are taken here."""
PLAIN_NAME = re.compile(r"\w[\w.+ -]{0,200}")
"""A file of the same folder; nothing that leads out of it."""
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
SILENT = 4
"""onnxruntime's severity of what it may print: errors come as exceptions."""


@dataclass(frozen=True)
class Port:
    """An input or output.

    Attributes
    ----------
    name, kind
        Its name, and onnxruntime's name of the numbers it takes.
    shape
        Length of each dimension; None where it is free.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]


class OnnxModel:
    """A model from a file that is not trusted.

    Its weights have to lie in the file or beside it, and nothing is run but onnxruntime's own operators:
    no library of others is ever registered.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    EncoderError
        It is damaged, names files elsewhere, or needs operators that onnxruntime does not have; or onnx or
        onnxruntime is not installed.

    Attributes
    ----------
    path
        The file.
    external
        Names of the files beside it that hold weights.
    inputs, outputs
        What it takes and gives.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.external = check_model(path)
        self._sessions: dict[tuple[str, ...], Any] = {}
        session = self._session("cpu")
        try:
            self.inputs = tuple(_port(p) for p in session.get_inputs())
            self.outputs = tuple(_port(p) for p in session.get_outputs())
        except UnicodeDecodeError as err:
            raise EncoderError(f"{path} is no whole ONNX file ({err}). Get it again.") from err

    def run(self, feeds: Mapping[str, NDArray[Any]], output: str, device: str = "cpu") -> NDArray[Any]:
        """One output.

        Parameters
        ----------
        feeds
            An array for each input, of the kind it takes.
        output
            Which one.
        device
            "cuda" to run there if this onnxruntime can; anything else is the CPU.

        Raises
        ------
        EncoderError
            onnxruntime cannot run it on these.
        """
        try:
            found: NDArray[Any] = self._session(device).run([output], dict(feeds), give_back())[0]
        except EncoderError:
            raise
        except Exception as err:  # onnxruntime's exceptions have no class of their own in common
            raise EncoderError(f"{self.path} cannot be run ({_first_line(err)}).") from err
        return found

    def _session(self, device: str) -> Any:
        """The session for a device, made when it is first asked for."""
        onnxruntime = require("onnxruntime")
        wanted = providers(device, onnxruntime.get_available_providers())
        if wanted not in self._sessions:
            import torch

            onnxruntime.disable_telemetry_events()  # on Windows it has some
            options = onnxruntime.SessionOptions()
            options.log_severity_level = SILENT
            options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
            share(options)
            try:
                self._sessions[wanted] = onnxruntime.InferenceSession(
                    str(self.path),
                    options,
                    providers=list(wanted),
                    enable_fallback=int(CUDA in wanted),  # to the CPU, which it prints
                )
            except Exception as err:  # see run
                raise EncoderError(
                    f"{self.path} is no ONNX model that can be run here ({_first_line(err)}). "
                    "If it was cut off, get it again."
                ) from err
        return self._sessions[wanted]


def providers(device: str, available: Sequence[str]) -> tuple[str, ...]:
    """What onnxruntime shall run on, the preferred first."""
    return (CUDA, CPU) if device == "cuda" and CUDA in available else (CPU,)


def check_model(path: Path) -> tuple[str, ...]:
    """Make sure that a model reads no file elsewhere, and takes no absurd time and memory.

    Returns
    -------
    tuple of str
        Names of the files beside it that hold its weights, in order.

    Raises
    ------
    EncoderError
        It is no ONNX file, weights of it are not in its folder (such a model could read any file), or see
        `limits.check_limits`.
    """
    onnx = require("onnx")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except OSError as err:
        raise EncoderError(f"{path} cannot be read ({err.strerror or err}).") from err
    except Exception as err:  # protobuf's, which differs between its versions
        raise EncoderError(f"{path} is no whole ONNX file ({_first_line(err)}). Get it again.") from err
    names: dict[str, None] = {}
    for tensor in messages(model, onnx.TensorProto):
        if tensor.data_location != onnx.TensorProto.EXTERNAL and not tensor.external_data:
            continue
        # of several, versions of onnxruntime may take any
        for name in [e.value for e in tensor.external_data if e.key == "location"] or [""]:
            if not PLAIN_NAME.fullmatch(name):
                raise EncoderError(
                    f"{path} keeps weights in {name[:200]!r}. Only files beside it are read: export it so "
                    "that all its weights are in the model or in one file in the same folder."
                )
            if not (path.parent / name).is_file():
                raise EncoderError(f"{path} keeps weights in {name}, which is not beside it. Add that file.")
            names[name] = None
    check_limits(onnx, model, path)
    return tuple(names)


def require(name: str) -> Any:
    """A package that only ONNX needs.

    Raises
    ------
    EncoderError
        It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as err:
        raise EncoderError(
            f"ONNX files need the package {name}, which is not installed: "
            'pip install "napari-histoalign[onnx]".'
        ) from err


def _port(found: Any) -> Port:
    shape = tuple(d if isinstance(d, int) and d > 0 else None for d in found.shape)
    return Port(found.name, found.type, shape)


def _first_line(err: Exception) -> str:
    """What went wrong, without the numbers and the path that onnxruntime puts before it."""
    if re.search("allocate memory|Available memory|bad_alloc", str(err)) or isinstance(err, MemoryError):
        return "it takes more memory than there is"
    line = (str(err).splitlines() or [type(err).__name__])[0]
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed:)?", "", line)[:300]
