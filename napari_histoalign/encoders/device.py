"""Choose where an encoder runs."""

from __future__ import annotations

from napari_histoalign.errors import EncoderError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str = "auto") -> str:
    """The device to use: "cpu", "cuda" or "mps".

    Parameters
    ----------
    wanted
        One of `DEVICES`; "auto" takes a graphics processor where there is one.

    Raises
    ------
    EncoderError
        If `wanted` is unknown or not on this machine.
    """
    if wanted not in DEVICES:
        raise EncoderError(f"There is no device {wanted!r}; choose one of {', '.join(DEVICES)}.")
    if wanted == "cpu":
        return "cpu"
    import torch

    here = [
        name
        for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available()))
        if there
    ]
    if wanted == "auto":
        return here[0] if here else "cpu"
    if wanted not in here:
        kind = "NVIDIA" if wanted == "cuda" else "Apple"
        raise EncoderError(
            f"No {kind} graphics processor can be used on this machine; choose the device 'auto' or 'cpu'."
        )
    return wanted
