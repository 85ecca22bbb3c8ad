"""How well a probability tells two classes apart, for many weightings of the same cases at once.

A bootstrap draw is a weighting: a case drawn twice weighs 2, one not drawn 0. So every figure takes
weights (draws, n) and gives one value a draw, not a number where a draw left a class out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

THRESHOLD, BINS = 0.5, 10


def aurocs(score: Floats, positive: Flags, weights: Floats) -> Floats:
    """Chance that a positive scores above a negative, ties counting half, for each weighting.

    Parameters
    ----------
    score, positive
        One value a case, shape (n,).
    weights
        Shape (draws, n), not negative.
    """
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    good = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    bad = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
    below = np.cumsum(bad, axis=1) - bad
    return _share((good * (below + bad / 2)).sum(axis=1), good.sum(axis=1) * bad.sum(axis=1))


def balanced_accuracies(probability: Floats, positive: Flags, weights: Floats) -> Floats:
    """Mean of the recalls of both classes at a threshold of 0.5, for each weighting."""
    said = probability >= THRESHOLD
    return (_recall(said, positive, weights) + _recall(~said, ~positive, weights)) / 2


def calibration_errors(probability: Floats, positive: Flags, weights: Floats) -> Floats:
    """Expected calibration error for each weighting.

    The probabilities of the positive class in ten bins of equal width; in each the mean probability
    less the share of positives, without sign; the mean of these, each bin as heavy as its cases.
    """
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    member = bins[:, None] == np.arange(BINS)
    gaps = weights @ (member * (probability - positive)[:, None])
    return _share(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


METRICS: dict[str, Callable[[Floats, Flags, Floats], Floats]] = {
    "AUROC": aurocs,
    "balanced accuracy": balanced_accuracies,
    "ECE": calibration_errors,
}


def auroc(score: Floats, positive: Flags) -> float:
    """Chance that a positive scores above a negative; ties count half."""
    return float(aurocs(score, positive, np.ones((1, len(score))))[0])


@dataclass(frozen=True)
class Estimate:
    """A figure, the bounds of its 95 % percentile interval, and the draws that gave no figure."""

    value: float
    low: float
    high: float
    undefined: int = 0

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def estimates(probability: Floats, positive: Flags, weights: Floats) -> dict[str, Estimate]:
    """Every figure of `METRICS`, with its interval over the draws in `weights`."""
    once = np.ones((1, len(probability)))
    return {
        name: interval(metric(probability, positive, once)[0], metric(probability, positive, weights))
        for name, metric in METRICS.items()
    }


def interval(value: float, draws: Floats) -> Estimate:
    """A value and the middle 95 % of its draws; draws that are not a number are counted, not used."""
    known = draws[np.isfinite(draws)]
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
    return Estimate(float(value), float(low), float(high), len(draws) - len(known))


def _recall(said: Flags, positive: Flags, weights: Floats) -> Floats:
    return _share(weights @ (said & positive), weights @ positive)


def _share(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, not a number where there is no whole."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
