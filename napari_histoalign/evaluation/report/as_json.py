"""The outcome as plain JSON: everything but probabilities and pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.evaluation.report.texts import storable

if TYPE_CHECKING:
    from napari_histoalign.evaluation.outcome import Outcome

SCHEMA = 2
"""Version of the file's layout."""
LEFT_OUT = frozenset({"probabilities", "image"})
"""Fields that are arrays of their own: `predictions.parquet` has the first, the page the second."""


def as_json(outcome: Outcome) -> bytes:
    """UTF-8 JSON in the order of the dataclasses; NaN and infinity are null, since JSON has neither."""
    content = {"schema": SCHEMA, **plain(outcome)}
    return (json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode("utf-8")


def plain(value: Any) -> Any:
    """A value as JSON has it; what it has no form for becomes its text."""
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.name not in LEFT_OUT}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {storable(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    return storable(str(value))
