"""How well probabilities tell classes, for one weighting of the patients or for thousands at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "accuracy": "Share of images whose most probable class is theirs (BreakHis' image level).",
        "balanced accuracy": "Mean over classes of the share of their images that are found.",
        "patient recognition rate": "Mean over patients of the share of their images that are right.",
        "macro precision": "Mean over classes of the share of predictions that are right.",
        "macro recall": "The same as balanced accuracy where every class has images.",
        "macro F1": "Mean over classes of the harmonic mean of precision and recall.",
        "weighted precision": "Precision of each class, weighted by its images.",
        "weighted recall": "The same as accuracy.",
        "weighted F1": "F1 of each class, weighted by its images.",
        "AUROC": "Probability that an image of a class ranks above one of another: of the class that is "
        "looked for, else the mean of each against the rest.",
        "AUPRC": "Average precision, of the same classes.",
        "ECE": "Expected calibration error, 15 equal bins of the top probability.",
        "Brier": "Mean squared error of the probabilities, summed over classes: 0 to 2.",
    }
)
BINS = 15
MOST_NUMBERS = 1 << 18
"""Weights of images that are held at a time: few enough to stay in a processor's cache."""
MOST_PAIRED = 500
"""Patients up to which AUROC is summed over pairs of them, which is quicker."""


class Judged:
    """Images whose class is known, with the probabilities that were given to them.

    Parameters
    ----------
    labels
        Shape (n,).
    probabilities
        Shape (n, classes), finite.
    patients
        Number of each image's patient, shape (n,).
    n_patients
        How many patients weightings are over; those without an image here count nothing.
    positive
        The class that is looked for; None to take all.
    """

    def __init__(
        self,
        labels: NDArray[np.integer],
        probabilities: NDArray[np.floating],
        patients: NDArray[np.integer],
        n_patients: int,
        positive: int | None = None,
    ) -> None:
        self.probabilities = np.asarray(probabilities, np.float64)
        self.labels, self.patients, self.n_patients = np.asarray(labels), np.asarray(patients), n_patients
        self.n_classes = self.probabilities.shape[1]
        self.predicted = self.probabilities.argmax(axis=1)
        self.ranked = range(self.n_classes) if positive is None else (positive,)

    def confusions(self) -> Floats:
        """Images by patient, true and predicted class; shape (patients, classes, classes)."""
        counts = np.zeros((self.n_patients, self.n_classes, self.n_classes))
        np.add.at(counts, (self.patients, self.labels, self.predicted), 1)
        return counts

    def measures(self, weights: NDArray[np.integer] | None = None) -> dict[str, Floats]:
        """Every one of `MEASURES`; NaN where it is not defined.

        Parameters
        ----------
        weights
            How often each patient counts, shape (replicates, patients); once each by default.

        Returns
        -------
        dict
            One array a measure, shape (replicates,).
        """
        counted = np.ones((1, self.n_patients)) if weights is None else weights.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = from_confusion(np.tensordot(counted, self.confusions(), 1))
            found["patient recognition rate"] = self._by_patient(counted)
            found["AUROC"] = np.mean([self.auroc(counted, c) for c in self.ranked], axis=0)
            found["AUPRC"] = np.mean([self.average_precision(counted, c) for c in self.ranked], axis=0)
            images = counted @ np.bincount(self.patients, minlength=self.n_patients)
            found["ECE"] = np.abs(counted @ self._gaps()).sum(axis=1) / images
            p = self.probabilities
            squares = np.vecdot(p, p) - 2 * p[np.arange(len(p)), self.labels] + 1
            found["Brier"] = counted @ np.bincount(self.patients, squares, self.n_patients) / images
        return {name: found[name] for name in MEASURES}

    def _by_patient(self, patients: Floats) -> Floats:
        images = np.bincount(self.patients, minlength=self.n_patients)
        right = np.bincount(self.patients, self.predicted == self.labels, minlength=self.n_patients)
        here = images > 0
        shares = right[here] / images[here]
        rate: Floats = patients[:, here] @ shares / patients[:, here].sum(axis=1)
        return rate

    def auroc(self, weights: Floats, c: int) -> Floats:
        """AUROC of a class against the rest, ties counted half; NaN where either has no image.

        Parameters
        ----------
        weights
            How often each patient counts, shape (replicates, patients).
        c
            The class.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.n_patients > MOST_PAIRED or len(weights) == 1:
                return self._area(weights, c)
            wins, counts = self._wins(c)
            pairs = (weights @ counts[0]) * (weights @ counts[1])
            auroc: Floats = np.vecdot(weights @ wins, weights) / pairs
        return auroc

    def _wins(self, c: int) -> tuple[Floats, list[NDArray[np.int64]]]:
        """Wins of each patient's images of a class over each patient's others, and how many of either."""
        # both in rising order: looking up sorted scores is several times quicker
        rising = np.argsort(self.probabilities[:, c], kind="stable")
        own = self.labels[rising] == c
        scores, patients = self.probabilities[rising, c], self.patients[rising]
        mine, owners = scores[own], patients[own]
        counts = [np.bincount(patients[w], minlength=self.n_patients) for w in (own, ~own)]
        by_patient = np.argsort(patients[~own], kind="stable")
        others = np.split(scores[~own][by_patient], np.cumsum(counts[1])[:-1])
        wins = np.zeros((self.n_patients, self.n_patients))
        for q in np.flatnonzero(counts[1]):
            below = np.searchsorted(others[q], mine) + np.searchsorted(others[q], mine, "right")
            wins[:, q] = np.bincount(owners, below / 2, self.n_patients)
        return wins, counts

    def average_precision(self, weights: Floats, c: int) -> Floats:
        """Average precision of a class, images of one score taken together; NaN where it has no image.

        A draw is a weight for each patient, so that images are sorted once for all draws. Of an image of the
        class, precision is taken at the last image of its score.

        Parameters
        ----------
        weights
            How often each patient counts, shape (replicates, patients).
        c
            The class.
        """
        order = np.argsort(-self.probabilities[:, c], kind="stable")
        falling, patients = -self.probabilities[order, c], self.patients[order]
        mine = np.flatnonzero(self.labels[order] == c)
        if not len(mine):
            return np.full(len(weights), np.nan)
        last = np.searchsorted(falling, falling[mine], "right") - 1
        own_last = np.searchsorted(mine, last, "right") - 1
        step, parts = max(1, MOST_NUMBERS // len(order)), []
        for i in range(0, len(weights), step):
            drawn = weights[i : i + step, patients]
            own = drawn[:, mine]
            found, seen = own.cumsum(axis=1), drawn.cumsum(axis=1)[:, last]
            # where nothing was drawn up to a score, nothing of that score was
            precision = found[:, own_last] / np.maximum(seen, 1e-300)
            parts.append(np.vecdot(own, precision) / found[:, -1])
        return np.concatenate(parts)

    def _area(self, weights: Floats, c: int) -> Floats:
        """AUROC image by image, a few replicates at a time."""
        order, starts = _groups(self.probabilities[:, c])
        own, patients = self.labels[order] == c, self.patients[order]
        step, parts = max(1, MOST_NUMBERS // max(len(own), 1)), []
        for i in range(0, len(weights), step):
            drawn = weights[i : i + step, patients]
            sides = [drawn * own, drawn * ~own]
            if len(starts) < len(own):
                sides = [np.add.reduceat(side, starts, axis=1) for side in sides]
            positives, false = sides[0], sides[1].cumsum(axis=1)
            # scores fall from left to right: a positive beats the negatives that come after it
            beaten = false[:, -1:] - false + sides[1] / 2
            parts.append(np.vecdot(positives, beaten) / (positives.sum(axis=1) * false[:, -1]))
        return np.concatenate(parts)

    def _gaps(self) -> Floats:
        """Sum over each patient's images of accuracy less confidence, in each bin; shape (patients, bins)."""
        confidence = self.probabilities.max(axis=1)
        bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence)
        gaps = np.zeros((self.n_patients, BINS))
        np.add.at(gaps, (self.patients, bins), (self.predicted == self.labels) - confidence)
        return gaps


def from_confusion(counts: Floats) -> dict[str, Floats]:
    """Measures that follow from confusion matrices of shape (replicates, classes, classes)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        hit = np.diagonal(counts, axis1=1, axis2=2)
        true, said, total = counts.sum(axis=2), counts.sum(axis=1), counts.sum(axis=(1, 2))
        here, seen = true > 0, (true > 0) | (said > 0)
        recall, precision = _share(hit, true), _share(hit, said)
        f1 = _share(2 * hit, true + said)
        share = true / total[:, None]
        return {
            "accuracy": hit.sum(axis=1) / total,
            "balanced accuracy": _mean(recall, here),
            "macro precision": _mean(precision, seen),
            "macro recall": _mean(recall, seen),
            "macro F1": _mean(f1, seen),
            "weighted precision": (precision * share).sum(axis=1),
            "weighted recall": (recall * share).sum(axis=1),
            "weighted F1": (f1 * share).sum(axis=1),
        }


def per_class(judged: Judged, class_names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Each class's own precision, recall, F1, AUROC against the rest, and number of images.

    A class without images has no recall (NaN), where scikit-learn would write 0; one that is never named
    has a precision of 0.
    """
    counts = judged.confusions().sum(axis=0)
    once = np.ones((1, judged.n_patients))
    found = {}
    for c, name in enumerate(class_names):
        hit, true, said = counts[c, c], counts[c].sum(), counts[:, c].sum()
        found[name] = {
            "precision": hit / said if said else 0.0,
            "recall": hit / true if true else float("nan"),
            "F1": 2 * hit / (true + said) if true + said else float("nan"),
            "AUROC": float(judged.auroc(once, c)[0]),
            "support": float(true),
        }
    return found


def _groups(scores: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions by falling score, and where each group of equal scores begins."""
    order = np.argsort(-scores, kind="stable")
    fallen = np.diff(scores[order]) != 0
    return order, np.concatenate([[0], np.flatnonzero(fallen) + 1])


def _share(part: Floats, whole: Floats) -> Floats:
    """0 where there is nothing to have a share of, as scikit-learn counts it."""
    shares: Floats = np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0.0)
    return shares


def _mean(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    mean: Floats = (values * counted).sum(axis=1) / counted.sum(axis=1)
    return mean
