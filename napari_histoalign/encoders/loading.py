"""From a name to an encoder that runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.encoders.demo import load_demo
from napari_histoalign.encoders.device import choose_device
from napari_histoalign.encoders.registry import EncoderSpec, registry
from napari_histoalign.errors import EncoderError
from napari_histoalign.files import resource

if TYPE_CHECKING:
    from napari_histoalign.encoders.base import Encoder

LOADERS: dict[str, Callable[[EncoderSpec, Path, str], Encoder]] = {"demo": load_demo}
"""What the registry's ``loader`` may say; each is called with (entry, folder, device)."""


def load_encoder(name: str, *, device: str = "auto", registry_path: Path | None = None) -> Encoder:
    """Load an encoder of the registry.

    Parameters
    ----------
    name
        Its name, such as "demo-path".
    device
        "auto", "cpu", "cuda" or "mps".
    registry_path
        Another registry file; its folders are then relative to where it lies.

    Raises
    ------
    EncoderError
        If the name is unknown, a file is missing or not the recorded one, or the device is absent.
    """
    known = registry(registry_path)
    if name not in known:
        raise EncoderError(f"There is no encoder {name!r}; there are {', '.join(sorted(known))}.")
    spec = known[name]
    if spec.loader not in LOADERS:
        raise EncoderError(
            f"Encoder {name!r} needs the loader {spec.loader!r}; this version has {', '.join(LOADERS)}."
        )
    root = registry_path.parent if registry_path else resource("encoders.yaml").parent
    folder = root / spec.folder
    for file, expected in spec.files.items():
        check_file(folder / file, expected, spec.title)
    return LOADERS[spec.loader](spec, folder, choose_device(device))


def check_file(path: Path, expected: str, title: str) -> None:
    """Make sure that a file is the recorded one.

    Raises
    ------
    EncoderError
        If it is missing or its SHA-256 differs.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as err:
        raise EncoderError(
            f"{title} cannot be loaded: {path} cannot be read ({err}). Install the package again."
        ) from err
    if found != expected:
        raise EncoderError(
            f"{title} cannot be loaded: {path} is damaged or not the recorded file (SHA-256 {found[:12]}..., "
            f"expected {expected[:12]}...). Install the package again."
        )
