"""Weights from files, without running anything that stands in them; torch is imported inside functions."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.encoders.archives import ZIP, check_archive
from napari_histoalign.encoders.foreign import reason
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import printable

if TYPE_CHECKING:
    from torch import Tensor, nn

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts keep the weights of a checkpoint, beside optimiser and epoch."""
PREFIX = "module."
"""What data-parallel training puts before every name."""
PICKLE = b"\x80"
"""How PyTorch's files from before version 1.6 begin."""
NAMED, LONGEST = 3, 120
"""So many names are listed in an error, and so many letters of each; more would not help."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint, by name.

    Reads safetensors, and PyTorch files with ``weights_only=True``, so that code in a pickle never runs.
    A checkpoint of a training run is unwrapped (see `WRAPPERS`) and loses the prefix `PREFIX`.

    Parameters
    ----------
    path
        A safetensors or PyTorch file; which of them, its first bytes tell.

    Returns
    -------
    dict
        On the CPU, perhaps mapped into memory: copy before writing.

    Raises
    ------
    EncoderError
        The file cannot be read, is cut off, holds code, or holds no weights.
    """
    found = _safetensors(path) if _is_safetensors(path) else _pytorch(path)
    for key in WRAPPERS:
        inner = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(inner, Mapping):
            found = inner
            break
    return _tensors(found, path)


def load_strict(
    module: nn.Module, weights: Mapping[str, Tensor], path: Path, unused: Sequence[str] = ()
) -> None:
    """Fill a module with the weights of a file; every name and shape has to fit.

    Parameters
    ----------
    module
        Its parameters and persistent buffers are named as in the file.
    weights
        From `read_weights`, perhaps renamed.
    path
        The file, for the error.
    unused
        Regular expressions of full names that the published file has and nothing here needs
        (position indices, decoders, training heads). Say in a comment at each why it is not needed.

    Raises
    ------
    EncoderError
        A name is missing or unknown, a shape or type differs, or a number is not finite. The module
        is then as it was.
    """
    import torch

    skipped = re.compile("|".join(f"(?:{u})" for u in unused)) if unused else None
    kept = {n: t for n, t in weights.items() if not (skipped and skipped.fullmatch(n))}
    wanted = module.state_dict()
    faults = []
    if missing := wanted.keys() - kept.keys():
        faults.append(f"it lacks {_names(missing)}")
    if strange := kept.keys() - wanted.keys():
        faults.append(f"it has the unknown {_names(strange)}")
    shapes = {n for n in kept.keys() & wanted.keys() if kept[n].shape != wanted[n].shape}
    if shapes:
        first = sorted(shapes)[0]
        faults.append(
            f"{_names(shapes)} {'has' if len(shapes) == 1 else 'have'} another shape "
            f"({_short(first)} is {_shape(kept[first])} instead of {_shape(wanted[first])})"
        )
    if faults:
        raise EncoderError(f"{path} does not hold these weights: {'; '.join(faults)}.")
    halves = {n for n, t in wanted.items() if t.is_floating_point() and t.dtype != torch.float32}
    if halves:
        raise EncoderError(f"{path} would be rounded when read: {_names(halves)} of the model is no float32.")
    types = {
        n for n, t in kept.items() if t.is_floating_point() != wanted[n].is_floating_point() or t.is_complex()
    }
    if types:
        raise EncoderError(f"{path} holds other kinds of numbers than weights in {_names(types)}.")
    broken = {n for n, t in kept.items() if t.is_floating_point() and not torch.isfinite(t).all()}
    if broken:
        raise EncoderError(
            f"{path} holds numbers that are not finite in {_names(broken)}: it is damaged. Get it again."
        )
    module.load_state_dict(kept, strict=True)


def _is_safetensors(path: Path) -> bool:
    """Whether a file begins like safetensors: eight bytes of length, then JSON. Names may be wrong."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as err:
        raise _unreadable(path, err) from err
    if head[8:] == b"{" and not head.startswith(ZIP):
        return True  # the length may begin with any byte, also with the one of a pickle
    return path.suffix == ".safetensors" and not head.startswith((ZIP, PICKLE))


def _safetensors(path: Path) -> Any:
    import safetensors
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except OSError as err:
        raise _unreadable(path, err) from err
    except (safetensors.SafetensorError, ValueError, KeyError) as err:
        raise EncoderError(
            f"{path} is no whole safetensors file ({reason(err)}). Was the download cut off? Get it again."
        ) from err


def _pytorch(path: Path) -> Any:
    import pickle

    import torch

    check_archive(path)
    try:
        with path.open("rb") as file:
            zipped = file.read(len(ZIP)) == ZIP
            if path.suffix == ".safetensors":  # by that name, torch would not read it as its own
                file.seek(0)
                return torch.load(file, map_location="cpu", weights_only=True)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except OSError as err:
        if err.errno == errno.EINVAL:  # what mapping a file that ends too soon gives
            raise _no_pytorch(path, err) from err
        raise _unreadable(path, err) from err
    except pickle.UnpicklingError as err:
        # whose own words advise to read it carelessly
        raise _no_pytorch(path, ValueError("its table of weights is damaged")) from err
    except (
        RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, MemoryError,
        RecursionError, OverflowError, AssertionError, NotImplementedError,
    ) as err:  # fmt: skip
        raise _no_pytorch(path, err) from err


def _tensors(found: Any, path: Path) -> dict[str, Tensor]:
    """Check that what was read is a table of tensors."""
    import torch

    if not isinstance(found, Mapping) or not found:
        raise EncoderError(f"{path} holds no table of weights.")
    size = path.stat().st_size
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise EncoderError(
                f"{path} holds {_short(name)!r}, which is a {type(value).__name__} and no weight. "
                "Is it the right file?"
            )
        if not _is_plain(value, size):
            raise EncoderError(
                f"{path} holds {_short(name)!r} in a form that weights do not have (sparse, quantised, empty "
                "or repeated numbers). Get the weights as a plain state dict."
            )
    prefixed = all(name.startswith(PREFIX) for name in found)
    return {(name.removeprefix(PREFIX) if prefixed else name): value for name, value in found.items()}


def _is_plain(tensor: Tensor, size: int) -> bool:
    """Whether every number of a tensor is in a file of `size` bytes."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        return False
    held = tensor.untyped_storage().nbytes()
    return tensor.numel() * tensor.element_size() <= held <= size


def _names(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
    return ", ".join(map(_short, listed[:NAMED])) + more


def _short(name: object) -> str:
    """A name from a file, which may be anything."""
    return printable(name[:LONGEST]) if isinstance(name, str) else type(name).__name__


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))[:LONGEST]


def _unreadable(path: Path, err: OSError) -> EncoderError:
    return EncoderError(f"{path} cannot be read ({err.strerror or err}).")


def _no_pytorch(path: Path, err: Exception) -> EncoderError:
    return EncoderError(
        f"{path} is no whole PyTorch file ({reason(err)}). Was the download cut off? Get it again."
    )
