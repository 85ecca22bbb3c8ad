"""The encoders there are: one entry of ``resources/encoders.yaml`` each."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from napari_histoalign.errors import EncoderError
from napari_histoalign.files import resource

ROLES = ("pathology", "general", "control")


@dataclass(frozen=True)
class EncoderSpec:
    """What is known of an encoder before it is loaded.

    Attributes
    ----------
    name, title
        Key in the registry, and what people call it.
    role
        "pathology", "general" or "control" (expected to know nothing).
    loader
        Which code loads it (see `loading.LOADERS`).
    folder
        Where its files are, below the shipped resources.
    files
        SHA-256 (hexadecimal) of each file, by name.
    input_size, mpp
        Side of a tile in pixels, and micrometres per pixel (None where any will do).
    dim, context_length
        Length of an embedding, and how many words or tokens are read.
    space
        Encoders with the same space can be compared with each other directly.
    licence, licence_url, citation
        Terms of the weights, and whom to cite.
    demo, notice
        Whether it is for demonstration only, and what people must be told.
    """

    name: str
    title: str
    role: str
    loader: str
    folder: str
    files: dict[str, str]
    input_size: int
    mpp: float | None
    dim: int
    context_length: int
    space: str
    licence: str
    licence_url: str
    citation: str
    demo: bool = False
    notice: str = ""


def registry(path: Path | None = None) -> dict[str, EncoderSpec]:
    """Every encoder of the registry, by name.

    Parameters
    ----------
    path
        Another registry file than the shipped one.

    Raises
    ------
    EncoderError
        If the file cannot be read or an entry is incomplete.
    """
    import yaml

    path = path or resource("encoders.yaml")
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise EncoderError(f"The list of encoders {path} cannot be read ({err}).") from err
    if not isinstance(entries, dict):
        raise EncoderError(f"The list of encoders {path} has to map names to entries.")
    return {str(name): _spec(str(name), entry, path) for name, entry in entries.items()}


def _spec(name: str, entry: Any, path: Path) -> EncoderSpec:
    """One checked entry."""
    if not isinstance(entry, dict):
        raise EncoderError(f"Encoder {name!r} in {path} has to be a list of fields.")
    known = {f.name: f for f in fields(EncoderSpec)}
    missing = {n for n, f in known.items() if f.default is MISSING} - {"name"} - entry.keys()
    strange = entry.keys() - known.keys()
    if missing or strange:
        faults = [f"lacks {', '.join(sorted(missing))}"] if missing else []
        faults += [f"has the unknown fields {', '.join(sorted(map(str, strange)))}"] if strange else []
        raise EncoderError(f"Encoder {name!r} in {path} {' and '.join(faults)}.")
    spec = EncoderSpec(**{**entry, "name": name})
    if spec.role not in ROLES:
        raise EncoderError(
            f"Encoder {name!r} in {path} has the role {spec.role!r}; there are {', '.join(ROLES)}."
        )
    return spec
