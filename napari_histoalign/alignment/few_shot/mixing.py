"""How what examples say joins what words say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SILENT = 1e-6
"""Spread below which scores are rounding, not signal."""


def centred(scores: Floats) -> Floats:
    """Scores less their mean over the classes that have one; NaN stays where there is none."""
    known = np.isfinite(scores)
    sums = np.where(known, scores, 0).sum(axis=1)
    out: Floats = scores - (sums / np.maximum(known.sum(axis=1), 1))[:, None]
    return out


def spread_of(scores: Floats) -> float:
    """Root mean square of centred scores over the classes that have one; 0 where that is rounding."""
    known = scores[np.isfinite(scores)]
    spread = float(np.sqrt(np.mean(np.square(known)))) if known.size else 0.0
    return spread if spread > SILENT else 0.0


def mix(zero_shot: Floats, evidence: Floats, alpha: float) -> Floats:
    """``(zero_shot + alpha evidence) / (1 + alpha)``; a class without evidence keeps its probability.

    Where classes are without (NaN), the others share among them what zero-shot gave them together:
    ``l_c + log sum_seen exp(zero_shot) - log sum_seen exp(l)`` for the mixed logits l of those that are
    seen. An example says which of the seen classes a tile is like, and nothing about the others.

    Parameters
    ----------
    zero_shot, evidence
        Shape (n, classes), evidence in the units of zero-shot.
    alpha
        Weight of the evidence against zero-shot's 1.

    Returns
    -------
    ndarray
        Logits, shape (n, classes).
    """
    seen = np.isfinite(evidence)
    mixed = (zero_shot + alpha * np.where(seen, evidence, 0)) / (1 + alpha)
    some = seen.any(axis=1) & ~seen.all(axis=1)
    if some.any():
        shift = _log_sum(zero_shot[some], seen[some]) - _log_sum(mixed[some], seen[some])
        mixed[some] = np.where(seen[some], mixed[some] + shift[:, None], zero_shot[some])
    none = ~seen.any(axis=1)
    mixed[none] = zero_shot[none]
    return mixed


def _log_sum(logits: Floats, which: NDArray[np.bool_]) -> Floats:
    """``log sum exp`` over some classes of each row, at least one of each."""
    only = np.where(which, logits, -np.inf)
    top = only.max(axis=1)
    out: Floats = top + np.log(np.exp(only - top[:, None]).sum(axis=1))
    return out
