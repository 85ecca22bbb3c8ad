"""Rows against the best single encoder: paired by patient, and corrected for how many there are.

The encoder that is best on the very images that are evaluated is chosen by looking at them, which favours
it: differences of other rows from it are rather too small than too large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.measures import Judged, from_confusion
from napari_histoalign.evaluation.outcome import ALL, Comparison
from napari_histoalign.evaluation.slicing import Truth, judged_slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.outcome import Row

    Floats = NDArray[np.float64]

MEASURE = "balanced accuracy"
"""What rows are compared by first: it does not reward saying the more frequent class."""
COMPARED = (MEASURE, "AUROC")
"""Measures that rows are compared by; each is a family of its own for Holm's correction."""
SWAPS = 10_000
EXACT = 13
"""Up to so many patients that differ, every one of the 2^patients swaps is looked at."""
MOST_FLIPS = 1 << 22
"""Flips that are held at a time."""


def compare(
    truth: Truth,
    row: NDArray[np.floating],
    other: NDArray[np.floating],
    against: str,
    seed: int = 0,
    *,
    measure: str = MEASURE,
) -> Comparison:
    """A row's measure less another's, on the images that both judge.

    The interval is the patient bootstrap's, with the same draws for both. The p-value is that of a
    permutation test: if both rows were as good as each other, exchanging their answers for all images of
    a patient would change nothing but chance, so that the observed difference is compared with those after
    exchanging at random patients (all ways of it where few patients differ). ``p_corrected`` is left at p.

    After any exchange the difference is ``sum_i s_i d_i`` with s_i = -1 for the exchanged patients, where
    the d_i do not depend on s: for balanced accuracy each patient's right answers more, over the images of
    the class; for AUROC, which compares images of two patients, half of what a patient's images win more
    over both rows' answers for the others. Rows whose scores lie on different scales cannot be exchanged, so
    that AUROC takes each row's ranks (Bandos, Rockette & Gur 2005). Ranks depend on all patients: of fewer
    than ten, p of an AUROC may be a little too small.

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
    measure
        One of `COMPARED`.

    Returns
    -------
    Comparison
        Of the mean over magnifications where there are several. NaN with a p of 1 where no image is judged
        by both, or the measure is not defined.

    Raises
    ------
    DatasetError
        Rows are not compared by that measure.
    """
    if measure not in COMPARED:
        raise DatasetError(f"Rows are compared by {' or '.join(COMPARED)}, not by {measure!r}.")
    both = np.isfinite(row).all(axis=1) & np.isfinite(other).all(axis=1)
    own, theirs = (judged_slices(truth, np.where(both[:, None], p, np.nan)) for p in (row, other))
    names = [name for name in own if name != ALL] or list(own)
    parts = {name: _parts(own[name], theirs[name], measure) for name in names}
    names = [name for name in names if np.isfinite(parts[name]).all()]
    if not names:
        return Comparison(against, measure, float("nan"), float("nan"), float("nan"), 1.0, 1.0)
    part: Floats = np.mean([parts[name] for name in names], axis=0)
    drawn = truth.bootstrap.weights.astype(np.float64)
    more = [_drawn(own[n], drawn, measure) - _drawn(theirs[n], drawn, measure) for n in names]
    patients = min(len(np.unique(own[name].patients)) for name in names)
    interval = truth.bootstrap.estimate(float(part.sum()), np.mean(more, axis=0), patients)
    p = sign_flip_p(part, seed)
    return Comparison(against, measure, interval.value, interval.low, interval.high, p, p, interval.undefined)


def compared(rows: Sequence[Row], truth: Truth, seed: int = 0) -> list[Row]:
    """Rows with their differences from the single encoder that is best by each of `COMPARED`.

    Parameters
    ----------
    rows
        Those whose keys begin with "one-to-one" are single encoders.
    truth
        Of all images.
    seed
        Of the exchanges.
    """
    found: dict[str, list[Comparison]] = {row.key: [] for row in rows}
    for measure in COMPARED:
        values = {
            row.key: row.slices[ALL].measures[measure].value
            for row in rows
            if row.key.startswith("one-to-one") and ALL in row.slices
        }
        best = max((k for k, v in values.items() if np.isfinite(v)), key=values.__getitem__, default=None)
        if best is None:
            continue
        single = next(row for row in rows if row.key == best)
        others = [row for row in rows if row is not single]
        raw = [
            compare(truth, row.probabilities, single.probabilities, single.title, seed, measure=measure)
            for row in others
        ]
        for row, one, p in zip(others, raw, holm([one.p for one in raw]), strict=True):
            found[row.key].append(replace(one, p_corrected=p))
    return [replace(row, comparisons=tuple(found[row.key])) for row in rows]


def sign_flip_p(parts: NDArray[np.floating], seed: int = 0) -> float:
    """How often a sum is as far from 0 when its parts take either sign by chance (Fisher 1935).

    Parameters
    ----------
    parts
        One a patient; their sum is what was observed.
    seed
        Of the signs, where more than `EXACT` parts are not 0. `SWAPS` are drawn, and the observed signs
        count as one more, so that p is never too small.
    """
    moved, far = np.abs(parts[parts != 0]), abs(float(parts.sum())) - 1e-12
    if len(moved) <= EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(moved))))
        return float((np.abs(signs @ moved) >= far).mean())
    # of parts of one size, it only matters how many are flipped
    sizes, counts = np.unique(moved, return_counts=True)
    rng, step, as_far = np.random.default_rng(seed), max(1, MOST_FLIPS // len(sizes)), 1
    for start in range(0, SWAPS, step):
        kept = rng.binomial(counts, 0.5, (min(step, SWAPS - start), len(sizes)))
        as_far += int((np.abs((2 * kept - counts) @ sizes) >= far).sum())
    return as_far / (SWAPS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, step by step from the smallest (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    corrected, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def _drawn(judged: Judged, weights: Floats, measure: str) -> Floats:
    """The measure under weights of patients, shape (replicates,)."""
    if measure == MEASURE:
        return from_confusion(np.tensordot(weights, judged.confusions(), 1))[MEASURE]
    mean: Floats = np.mean([judged.auroc(weights, c) for c in judged.ranked], axis=0)
    return mean


def _parts(own: Judged, theirs: Judged, measure: str) -> Floats:
    """What each patient adds to the difference, shape (patients,); NaN where it is not defined."""
    if measure == MEASURE:
        hits = [np.diagonal(judged.confusions(), axis1=1, axis2=2) for judged in (own, theirs)]
        images = np.bincount(own.labels, minlength=own.n_classes)
        of_class = ((hits[0] - hits[1]) / np.maximum(images, 1)).sum(axis=1)
        parts: Floats = of_class / max(int((images > 0).sum()), 1)
        return parts
    mean: Floats = np.mean([_auroc_parts(own, theirs, c) for c in own.ranked], axis=0)
    return mean


def _auroc_parts(own: Judged, theirs: Judged, c: int) -> Floats:
    from scipy.stats import rankdata

    here = own.labels == c
    if here.all() or not here.any():
        return np.full(own.n_patients, np.nan)
    a, b = (rankdata(judged.probabilities[:, c]) for judged in (own, theirs))
    images = np.empty(len(here), np.float64)
    for side, sign in ((here, 1), (~here, -1)):
        more = [_beaten(a[side], other[~side]) - _beaten(b[side], other[~side]) for other in (a, b)]
        images[side] = sign * (more[0] + more[1]) / 2 / side.sum()
    parts: Floats = np.bincount(own.patients, images, own.n_patients).astype(np.float64)
    return parts


def _beaten(scores: Floats, others: Floats) -> Floats:
    """Share of others that lie below each score, ties counted half."""
    rising = np.sort(others)
    below = np.searchsorted(rising, scores) + np.searchsorted(rising, scores, "right")
    share: Floats = below / (2 * len(others))
    return share
