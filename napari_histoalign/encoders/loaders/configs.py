"""Configuration files of publishers: read, and compared with what the registry says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import EncoderError
from napari_histoalign.files import read_json

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

LARGEST = 1 << 20
"""Bytes; a configuration is a few thousand."""


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises
    ------
    EncoderError
        It cannot be read, or is none.
    """
    try:
        found = read_json(path, LARGEST)
    except (OSError, ValueError) as err:
        raise EncoderError(f"{path} cannot be read as JSON ({err}). Get it again.") from err
    if not isinstance(found, dict):
        raise EncoderError(f"{path} holds no configuration.")
    return found


def check_sizes(spec: EncoderSpec, path: Path, sizes: Mapping[str, tuple[object, object]]) -> None:
    """Make sure that a configuration describes the model of the entry.

    Parameters
    ----------
    spec, path
        The entry, and the file that should be of it.
    sizes
        (found, expected) by what they are.

    Raises
    ------
    EncoderError
        They differ.
    """
    wrong = [f"{what} {found}, not {wanted}" for what, (found, wanted) in sizes.items() if found != wanted]
    if wrong:
        raise EncoderError(f"{path} describes another model than {spec.title}: {'; '.join(wrong)}.")
