"""Find an encoder's files in what a person pointed at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.registry import EncoderSpec

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
"""Endings of files of weights."""


def collect(spec: EncoderSpec, path: Path) -> dict[str, Path]:
    """Where the files of an encoder are, by the names they are kept under.

    Parameters
    ----------
    spec
        Its entry.
    path
        A folder, or the file of the weights, whatever it is called; the other files lie beside it.

    Returns
    -------
    dict
        Names of the entry (of alternatives, the one that fits), and files.

    Raises
    ------
    EncoderError
        Something is missing; the message says what, and where it can be had.
    """
    folder = path if path.is_dir() else path.parent
    given = path if path.suffix in WEIGHTS and path.is_file() else None
    found: dict[str, Path] = {}
    missing: list[str] = []
    for names in spec.files:
        options = names.split("|")
        if Path(options[0]).suffix in WEIGHTS:
            weights = given or _weights(spec, folder, options)
            if weights is not None:
                found[_kept_name(weights, options)] = weights
                continue
        else:
            here = [folder / o for o in options if (folder / o).is_file()]
            if here:
                found[here[0].name] = here[0]
                continue
        missing.append(names)
    if missing:
        wanted = ", ".join(_with_origin(spec, names) for names in missing)
        raise EncoderError(f"{folder} lacks what {spec.title} needs: {wanted}.")
    return found


def _weights(spec: EncoderSpec, folder: Path, options: list[str]) -> Path | None:
    """The file of the weights in a folder: of the expected name, else the only one there is."""
    for option in options:
        if (folder / option).is_file():
            return folder / option
    candidates = sorted(p for p in folder.iterdir() if p.suffix in WEIGHTS and p.is_file())
    if len(candidates) > 1:
        raise EncoderError(
            f"{folder} holds several files of weights ({', '.join(p.name for p in candidates[:4])}), none of "
            f"them named {' or '.join(options)}. Point at the one that is {spec.title}."
        )
    return candidates[0] if candidates else None


def _kept_name(weights: Path, options: list[str]) -> str:
    """The name of the entry for a file: its own, else the first for the same kind of file, else the first."""
    if weights.name in options:
        return weights.name
    safe = weights.suffix == ".safetensors"
    return next((o for o in options if o.endswith(".safetensors") == safe), options[0])


def _with_origin(spec: EncoderSpec, names: str) -> str:
    first = names.split("|")[0]
    where = spec.origins.get(first) or spec.home
    return names.replace("|", " or ") + (f" (from {where})" if where else "")
