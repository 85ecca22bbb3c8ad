"""Rows against the best single encoder: paired by patient, and corrected for how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.evaluation.measures import from_confusion
from napari_histoalign.evaluation.outcome import ALL, Comparison
from napari_histoalign.evaluation.slicing import Truth, judged_slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MEASURE = "balanced accuracy"
"""What rows are compared by: it does not reward saying the more frequent class."""
SWAPS = 10_000
EXACT = 13
"""Up to so many patients every one of the 2^patients swaps is looked at."""


def compare(
    truth: Truth, row: NDArray[np.floating], other: NDArray[np.floating], against: str, seed: int = 0
) -> Comparison:
    """A row's balanced accuracy less another's, on the images that both judge.

    The interval is the patient bootstrap's, with the same draws for both. The p-value is that of a
    permutation test: if both rows were as good as each other, exchanging their answers for all images of
    a patient would change nothing but chance, so that the observed difference is compared with those after
    exchanging at random patients (all ways of it where there are few). ``p_corrected`` is left at p.

    Parameters
    ----------
    truth
        Of all images.
    row, other
        Probabilities, shape (images, classes).
    against
        Name of the other row.
    seed
        Of the exchanges.
    """
    both = np.isfinite(row).all(axis=1) & np.isfinite(other).all(axis=1)
    own, theirs = (_counts(truth, np.where(both[:, None], p, np.nan)) for p in (row, other))
    once = np.ones((1, truth.bootstrap.count))
    difference = float((_rate(own, once) - _rate(theirs, once))[0])
    drawn = truth.bootstrap.weights.astype(np.float64)
    interval = truth.bootstrap.estimate(difference, _rate(own, drawn) - _rate(theirs, drawn))
    swaps = _swaps(truth.bootstrap.count, seed)
    after = _rate(own, 1 - swaps, theirs, swaps) - _rate(theirs, 1 - swaps, own, swaps)
    after = after[np.isfinite(after)]
    as_far = int((np.abs(after) >= abs(difference) - 1e-12).sum())
    exact = truth.bootstrap.count <= EXACT
    p = as_far / max(len(after), 1) if exact else (as_far + 1) / (len(after) + 1)
    return Comparison(against, MEASURE, difference, interval.low, interval.high, min(p, 1.0), min(p, 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, step by step from the smallest (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    corrected, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def _counts(truth: Truth, probabilities: NDArray[np.floating]) -> list[Floats]:
    """Confusions by patient at each magnification (else of all): (patients, classes, classes) each."""
    slices = judged_slices(truth, probabilities)
    names = [name for name in slices if name != ALL] or list(slices)
    return [slices[name].confusions() for name in names]


def _rate(
    counts: list[Floats],
    weights: Floats,
    more: list[Floats] | None = None,
    more_weights: Floats | None = None,
) -> Floats:
    """Mean over magnifications of the measure under weights of patients, shape (replicates,)."""
    rates = []
    for place, count in enumerate(counts):
        total = np.tensordot(weights, count, 1)
        if more is not None and more_weights is not None:
            total = total + np.tensordot(more_weights, more[place], 1)
        rates.append(from_confusion(total)[MEASURE])
    mean: Floats = np.mean(rates, axis=0)
    return mean


def _swaps(patients: int, seed: int) -> Floats:
    """Which patients' answers are exchanged, 0 or 1, shape (swaps, patients)."""
    if patients <= EXACT:
        return np.array(list(product((0.0, 1.0), repeat=patients)))
    return np.random.default_rng(seed).integers(0, 2, (SWAPS, patients)).astype(np.float64)
