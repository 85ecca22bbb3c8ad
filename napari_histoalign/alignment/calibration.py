"""Whether probabilities mean what they say, and one number that makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.arrays import as_labels, as_logits, as_probabilities
from napari_histoalign.alignment.confidence import match_confidence, spread_sample
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

COOLEST, HOTTEST = 0.01, 100.0
"""Bounds of a fitted temperature: no encoder's own is off by more."""


@dataclass(frozen=True)
class Temperature:
    """What logits are divided by.

    Attributes
    ----------
    value
        Above 1 softer, below 1 sharper.
    nll_before, nll_after
        Mean negative log likelihood of the examples (nats) at a temperature of 1 and at `value`.
    refused
        Why the logits are better left as they are (`value` is 1); empty where a temperature was found.
    """

    value: float
    nll_before: float
    nll_after: float
    refused: str = ""


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """Confidence against how often it was right, bin by bin.

    Attributes
    ----------
    edges
        Of the bins: ``edges[b] < confidence <= edges[b + 1]``, shape (bins + 1,).
    confidence, accuracy
        Their means in each bin, NaN in one that is empty, float64, shape (bins,).
    count
        Tiles in each bin, shape (bins,).
    """

    edges: Floats
    confidence: Floats
    accuracy: Floats
    count: NDArray[np.int64]


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> Temperature:
    """The temperature under which examples are most likely.

    ``min over T of -1/n sum_i log softmax(logits_i / T)[label_i]``, which is convex in 1/T (Guo et al. 2017).
    The most probable classes stay what they are. Where every example is judged right, a lower T is always
    more likely, without end; that says nothing about other tiles, so such a fit is refused.

    Parameters
    ----------
    logits
        Of examples that did not make them (held out), shape (n, classes).
    labels
        Their classes, shape (n,); at least two different ones.

    Raises
    ------
    AlignmentError
        Shapes disagree, or all examples are of one class.
    """
    from scipy.optimize import minimize_scalar

    z = as_logits(logits).astype(np.float64)
    y = as_labels(labels, *z.shape)
    if len(np.unique(y)) < 2:
        raise AlignmentError("A temperature takes examples of at least two classes: mark some of another.")
    # how far each class lies above the right one; the likelihood depends on nothing else
    above = z - z[np.arange(len(y)), y][:, None]

    def nll(log_t: float) -> float:
        scaled = above / np.exp(log_t)
        top = scaled.max(axis=1, keepdims=True)
        return float(np.mean(top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))))

    before = nll(0.0)
    if above.max() <= 0:
        right = "Every example is judged right already, so that they cannot say how sure to be."
        return Temperature(1.0, before, before, right)
    found = minimize_scalar(
        nll, bounds=(np.log(COOLEST), np.log(HOTTEST)), method="bounded", options={"xatol": 1e-6}
    )
    return Temperature(float(np.exp(found.x)), before, float(found.fun))


def temperature_for_confidence(logits: ArrayLike, target: float) -> float:
    """The temperature that gives logits a wanted mean top probability: no label is needed.

    Parameters
    ----------
    logits
        Shape (n, classes), n at least 1.
    target
        Above 1 / classes and below 1: the mean confidence of what the logits should be as sure as.

    Raises
    ------
    AlignmentError
        The target cannot be had, or there are no tiles.

    See Also
    --------
    napari_histoalign.alignment.confidence.match_confidence : what is used here.
    """
    z = as_logits(logits)
    if not (len(z) and 1 / z.shape[1] < target < 1):
        raise AlignmentError(
            f"A mean confidence lies above 1/classes and below 1, and takes tiles; got {target} for {len(z)}."
        )
    centred = z - z.mean(axis=1, keepdims=True)
    spread = float(np.sqrt(np.mean(np.square(centred), dtype=np.float64)))
    if spread == 0:
        raise AlignmentError("Logits that are all equal have no temperature: no class stands out anywhere.")
    sample = spread_sample(z)
    return spread / match_confidence(centred[sample] / np.float32(spread), target)


def brier(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean over tiles of ``sum_c (p_c - [c is the label])^2`` (Brier 1950): 0 (best) to 2.

    With two classes this is twice the one-class score that scikit-learn's `brier_score_loss` returns by
    default.

    Raises
    ------
    AlignmentError
        Shapes disagree, or there are no tiles.
    """
    p, y = _pair(probabilities, labels)
    own = p[np.arange(len(y)), y]
    return float(np.mean(np.vecdot(p, p) - 2 * own + 1))


def ece(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error: ``sum_b n_b / n |accuracy_b - confidence_b|`` over equal-width bins.

    Confidence is the probability of the most probable class (Guo et al. 2017). 0 (best) to 1.

    Raises
    ------
    AlignmentError
        Shapes disagree, there are no tiles, or no bins.
    """
    curve = reliability_curve(probabilities, labels, bins)
    filled = curve.count > 0
    gaps = np.abs(curve.accuracy[filled] - curve.confidence[filled])
    return float((gaps * curve.count[filled]).sum() / curve.count.sum())


def adaptive_ece(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> float:
    """`ece` over bins that hold equally many tiles (Nguyen & O'Connor 2015; of the top class alone).

    Tiles are sorted by confidence and cut into `bins` runs whose sizes differ by at most one. Tiles of equal
    confidence count with their mean accuracy, so that their order does not matter.

    Raises
    ------
    AlignmentError
        Shapes disagree, there are no tiles, or no bins.
    """
    confidence, right = _top(probabilities, labels, bins, None)
    _, tied = np.unique(confidence, return_inverse=True)
    right = (np.bincount(tied, right) / np.bincount(tied))[tied]
    order = np.argsort(confidence, kind="stable")
    runs = np.array_split(right[order] - confidence[order], bins)
    return float(sum(abs(run.sum()) for run in runs) / len(right))


def reliability_curve(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 15, *, positive: int | None = None
) -> ReliabilityCurve:
    """Mean confidence, accuracy and number of tiles in equal-width bins of confidence.

    Parameters
    ----------
    probabilities
        Shape (n, classes), n at least 1.
    labels
        Shape (n,).
    bins
        Between 0 and 1.
    positive
        By default confidence is the top probability, and accuracy the share whose top class is the
        label. With a class given, they are its probability, and the share that is of it.

    Raises
    ------
    AlignmentError
        Shapes disagree, there are no tiles, no bins, or no such class.
    """
    confidence, right = _top(probabilities, labels, bins, positive)
    edges = np.linspace(0, 1, bins + 1)
    at = np.searchsorted(edges[1:-1], confidence)
    count = np.bincount(at, minlength=bins)
    some = np.where(count > 0, count, np.nan)
    return ReliabilityCurve(
        edges,
        np.bincount(at, confidence, bins) / some,
        np.bincount(at, right, bins) / some,
        count.astype(np.int64),
    )


def _pair(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    p = as_probabilities(probabilities).astype(np.float64)
    if len(p) == 0:
        raise AlignmentError("There are no tiles to judge probabilities by.")
    return p, as_labels(labels, *p.shape)


def _top(
    probabilities: ArrayLike, labels: ArrayLike, bins: int, positive: int | None
) -> tuple[Floats, Floats]:
    """Confidence of each tile, and 1 where it is right, shape (n,) each."""
    p, y = _pair(probabilities, labels)
    if bins < 1:
        raise AlignmentError(f"There must be at least one bin; got {bins}.")
    if positive is None:
        return p.max(axis=1), (p.argmax(axis=1) == y).astype(np.float64)
    if not 0 <= positive < p.shape[1]:
        raise AlignmentError(f"There is no class {positive} among {p.shape[1]}.")
    return p[:, positive], (y == positive).astype(np.float64)
