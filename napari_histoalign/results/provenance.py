"""How the results of a slide came about: everything needed to make them again."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from napari_histoalign.errors import ResultError
from napari_histoalign.files import whole_file

SCHEMA = 1
"""Version of the file's layout; a reader refuses a newer one."""
NAMESPACE = uuid.UUID("7a0c5e0a-5b0b-5d5e-9d0c-6f3b1f0a9c41")
"""Any fixed UUID will do (RFC 9562, 5.5); changing it changes every identity."""


@dataclass(frozen=True)
class Run:
    """Provenance of one scored slide.

    Sections are plain values (dicts, lists, text, finite numbers, None). Arrays,
    tuples, paths and numpy numbers given here become plain ones.

    Attributes
    ----------
    run_id
        From `run_identity`: the same input gives the same identity.
    software
        Version of the package, Python and the libraries that make the numbers.
    slide, grid, tissue
        Name, fingerprint, size and scale of the slide; tiles; how tissue was found (None
        where it was not looked for).
    encoders
        One section an encoder: name, weights hash, preprocessing.
    prompts, alignment
        The prompt set; strategy, parameters and what it found (``details``).
    threshold
        Least probability of a tile that became part of a region.
    counts, seconds
        Tiles, regions; time of each step.
    notes
        Sentences for the person.
    created
        ISO 8601 in UTC; now by default.
    schema
        `SCHEMA`.

    Raises
    ------
    ResultError
        A value is neither finite nor plain.
    """

    run_id: str
    software: Mapping[str, Any]
    slide: Mapping[str, Any]
    grid: Mapping[str, Any]
    encoders: tuple[Mapping[str, Any], ...]
    prompts: Mapping[str, Any]
    alignment: Mapping[str, Any]
    threshold: float
    counts: Mapping[str, Any]
    seconds: Mapping[str, Any]
    tissue: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        for part in fields(self):
            value = plain(getattr(self, part.name), part.name)
            object.__setattr__(self, part.name, tuple(value) if isinstance(value, list) else value)

    def to_json(self) -> str:
        """The text of ``run.json``: keys in order, finite numbers, no escapes for letters."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True) + "\n"

    def write(self, path: Path) -> None:
        """Write ``run.json`` as UTF-8, whole or not at all.

        Raises
        ------
        ResultError
            The file cannot be written.
        """
        try:
            with whole_file(path) as temporary:
                temporary.write_text(self.to_json(), encoding="utf-8", newline="\n")
        except OSError as err:
            raise ResultError(
                f"The provenance {path} could not be written ({err.strerror or err}). Check that its folder "
                "exists, can be written and has room."
            ) from err

    @classmethod
    def read(cls, path: Path) -> Run:
        """Read what `write` wrote.

        Raises
        ------
        ResultError
            The file is absent, damaged, or of a newer version.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            newer = content["schema"] > SCHEMA
        except FileNotFoundError as err:
            raise ResultError(f"There is no provenance at {path}. Check the path, or run the slide.") from err
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise ResultError(f"{path} is not the provenance of a run, or it is damaged ({err}).") from err
        if newer:
            raise ResultError(
                f"{path} was written by a newer napari-histoalign (layout {content['schema']}, this one "
                f"reads up to {SCHEMA}). Update napari-histoalign to read it."
            )
        try:
            return cls(**content)
        except TypeError as err:
            raise ResultError(f"{path} lacks a part of a run's provenance, or has too many ({err}).") from err


def run_identity(
    *,
    slide: str,
    grid: Any,
    encoders: Any,
    prompts: Any,
    alignment: Any,
    **more: Any,
) -> str:
    """Identity of a run: what goes in decides it, not when or where it ran.

    A version-5 UUID (RFC 9562) over the canonical JSON of the parts.

    Parameters
    ----------
    slide
        Fingerprint of the slide.
    grid, encoders, prompts, alignment
        Plain values that describe them. The order of keys does not matter, that of lists does.
    **more
        Anything else that changes the numbers (views, say).

    Returns
    -------
    str
        A UUID as text.

    Raises
    ------
    ResultError
        A value is neither finite nor plain.
    """
    parts = {
        **more,
        "slide": slide,
        "grid": grid,
        "encoders": encoders,
        "prompts": prompts,
        "alignment": alignment,
    }
    canonical = json.dumps(plain(parts, "run"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return str(uuid.uuid5(NAMESPACE, canonical))


def plain(value: Any, where: str) -> Any:
    """A value as JSON has it.

    Parameters
    ----------
    value
        Dicts, lists, tuples, arrays, paths, text, numbers, None, nested at will.
    where
        Its name, for the error.

    Raises
    ------
    ResultError
        A number is not finite, or there is no plain form of a value.
    """
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist(), where)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ResultError(f"{where} is {value}, which is no number that JSON can hold.")
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise ResultError(f"{where} is a {type(value).__name__}, which JSON cannot hold.")
