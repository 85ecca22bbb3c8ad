"""What libraries raise for other people's files."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from napari_histoalign.errors import DeviceMemoryError, EncoderError


@contextmanager
def one_sentence(what: str, advice: str = "") -> Generator[None]:
    """Turn whatever a library raises into an `EncoderError`.

    Libraries that read models and tokenizers raise errors of all kinds, and those written in Rust one
    (PanicException) that is no `Exception`. A person who stops the program, and our own errors, pass.

    Parameters
    ----------
    what
        Beginning of the sentence: "The tokenizer in FOLDER cannot be read". The reason follows in brackets.
    advice
        A sentence on what to do.
    """
    try:
        yield
    except (EncoderError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as err:
        file = f": {err.filename}" if isinstance(err, OSError) and err.filename else ""
        raise EncoderError(f"{what} ({reason(err)}{file}).{' ' if advice else ''}{advice}") from err


@contextmanager
def enough_memory(title: str, device: str) -> Generator[None]:
    """Turn a device's lack of memory into a `DeviceMemoryError`, however its library says so.

    Parameters
    ----------
    title, device
        Which encoder wanted it, and where.
    """
    try:
        yield
    except BaseException as err:
        if not _lacks_memory(err):
            raise
        raise DeviceMemoryError(
            f"{title} cannot embed images (the device {device} has no room even for few of them: close other "
            "programs that use it, choose a smaller encoder, or run on the CPU)."
        ) from err


def _lacks_memory(err: BaseException) -> bool:
    """Torch has a class for CUDA alone; MPS, the CPU and ONNX Runtime say it in words."""
    if isinstance(err, MemoryError):
        return True
    words = str(err).lower()
    known = isinstance(err, RuntimeError) or type(err).__module__.startswith("onnxruntime")
    said = ("out of memory", "can't allocate memory", "failed to allocate memory", "not enough memory")
    return known and any(phrase in words for phrase in said)


def reason(err: BaseException) -> str:
    """The first line of an error, shortened; its kind where it says nothing."""
    if isinstance(err, MemoryError):
        return "it takes more memory than there is"
    if isinstance(err, OSError) and err.strerror:
        return err.strerror  # without the path, which the sentence has
    lines = str(err).strip().splitlines()
    return lines[0][:300].removesuffix(".") if lines else type(err).__name__
