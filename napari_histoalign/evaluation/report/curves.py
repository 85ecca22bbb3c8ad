"""The points of curves: receiver operating characteristic, precision and recall, reliability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 0.002
"""Farthest that a drawn curve may run from the true one, in units of the axes: less than a pixel."""
BINS = 15
"""Of equal width, for the reliability diagram (Guo et al., ICML 2017)."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often images judged with some confidence are judged rightly.

    Attributes
    ----------
    confidence, accuracy
        Means over the images of each bin that holds any, shape (bins,).
    images
        How many each holds.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    images: NDArray[np.int64]


def roc(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """The receiver operating characteristic.

    Parameters
    ----------
    truth
        Whether an image is of the class, shape (n,).
    score
        Its probability of it, shape (n,), finite. Images of equal score come at once.

    Returns
    -------
    ndarray or None
        False and true positive rate at each threshold from (0, 0) to (1, 1), shape (points, 2);
        None where all images are of one class.
    """
    found, wrong = _counts(truth, score)
    if not len(found) or not found[-1] or not wrong[-1]:
        return None
    points = np.column_stack([wrong / wrong[-1], found / found[-1]])
    return np.concatenate([[[0.0, 0.0]], points])


def precision_recall(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """Precision against recall, as steps.

    Between two thresholds the precision is that of the higher recall: the area under the steps is
    the average precision, where a straight line would promise too much (Davis and Goadrich, ICML 2006).

    Parameters
    ----------
    truth, score
        As for `roc`.

    Returns
    -------
    ndarray or None
        Recall and precision at the corners, recall ascending, shape (points, 2); None where no image,
        or every image, is of the class.
    """
    found, wrong = _counts(truth, score)
    if not len(found) or not found[-1] or not wrong[-1]:
        return None
    recall, precision = found / found[-1], found / (found + wrong)
    before = np.concatenate([[0.0], recall[:-1]])
    return np.column_stack([np.column_stack([before, recall]).ravel(), np.repeat(precision, 2)])


def reliability(labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> Reliability:
    """Accuracy against the probability of the predicted class, in `BINS` bins.

    Parameters
    ----------
    labels
        True classes, shape (n,).
    probabilities
        Shape (n, classes), finite.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    images = np.bincount(place, minlength=BINS)
    held = images > 0
    mean = [np.bincount(place, weights=of, minlength=BINS)[held] / images[held] for of in (confidence, right)]
    return Reliability(mean[0], mean[1], images[held])


def simplified(points: NDArray[np.float64], tolerance: float = TOLERANCE) -> NDArray[np.float64]:
    """Fewer points of a line that nowhere runs farther than `tolerance` from it.

    Ramer (1972), Douglas and Peucker (1973): keep the farthest point from the chord, and
    go on at both sides of it.

    Parameters
    ----------
    points
        Shape (n, 2).
    tolerance
        In the units of the points.
    """
    if len(points) < 3:
        return points
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    parts = [(0, len(points) - 1)]
    while parts:
        first, last = parts.pop()
        between = points[first + 1 : last]
        if not len(between):
            continue
        distance = _from_segment(between, points[first], points[last])
        farthest = int(distance.argmax())
        if distance[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            parts += [(first, middle), (middle, last)]
    return points[keep]


def _counts(
    truth: NDArray[np.bool_], score: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Images of the class, and others, at or above each distinct score from the highest down."""
    order = np.argsort(-score, kind="stable")
    truth, score = truth[order], score[order]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.zeros(0, np.int64)
    found = np.cumsum(truth)[last].astype(np.int64)
    return found, (last + 1 - found).astype(np.int64)


def _from_segment(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distances of points from the segment between two others, shape (n,)."""
    along = end - start
    length = float(along @ along)
    share = np.clip((points - start) @ along / length, 0, 1) if length else np.zeros(len(points))
    distance: NDArray[np.float64] = np.hypot(*(points - start - share[:, None] * along).T)
    return distance
