"""Intervals by resampling patients, the same for every row of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.evaluation.outcome import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_PATIENTS = 5
"""With fewer, resampling says nothing of other patients, and no interval is given."""
MOST_UNDEFINED = 0.5
"""Share of replicates in which a measure may be undefined (a class without images)."""
LEAST_REPLICATES, MOST_WEIGHTS = 200, 20_000_000
TAILS = (2.5, 97.5)


class PatientBootstrap:
    """Draws patients with replacement: images of one patient are no independent evidence (Efron 1979).

    Parameters
    ----------
    patients
        Whom each image is of.
    replicates, seed
        How many draws, and from where. With ten thousands of patients they are fewer, for memory's sake.

    Attributes
    ----------
    index
        Number of each image's patient, shape (images,).
    count
        How many patients.
    weights
        How often each is drawn, shape (replicates, patients).
    """

    def __init__(self, patients: Sequence[str], *, replicates: int = 2000, seed: int = 0) -> None:
        names, index = np.unique(np.asarray(patients, dtype=object).astype(str), return_inverse=True)
        self.index: NDArray[np.int64] = index.astype(np.int64)
        self.count = len(names)
        rng = np.random.default_rng(seed)
        even = np.full(self.count, 1 / max(self.count, 1))
        draws = min(replicates, max(LEAST_REPLICATES, MOST_WEIGHTS // max(self.count, 1)))
        self.weights: NDArray[np.int64] = rng.multinomial(self.count, even, size=draws)

    def estimate(self, value: float, drawn: NDArray[np.floating], patients: int | None = None) -> Estimate:
        """A value with the middle 95 % of what the draws gave; NaN limits where they say too little.

        Parameters
        ----------
        value
            Of the images as they are.
        drawn
            Of the draws, shape (replicates,); those that are not defined are left out, and counted.
        patients
            How many the value rests on; all by default.
        """
        defined = drawn[np.isfinite(drawn)]
        undefined = 1 - len(defined) / max(len(drawn), 1)
        few = (self.count if patients is None else patients) < LEAST_PATIENTS
        few = few or len(defined) < (1 - MOST_UNDEFINED) * len(drawn)
        if few or not np.isfinite(value):
            return Estimate(float(value), float("nan"), float("nan"), undefined)
        low, high = np.percentile(defined, TAILS)
        return Estimate(float(value), float(low), float(high), undefined)
