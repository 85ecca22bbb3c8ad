"""Whether measures move as they must when labels are wrong on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.measures import Judged, from_confusion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.slicing import Truth

    Floats = NDArray[np.float64]

TURNED = ("accuracy", "balanced accuracy", "patient recognition rate", "AUROC")
"""Measures that become one less themselves when two classes change places."""
MOST_ERRORS = 4.0
"""Standard errors that a mean over shuffles may be off: chance goes beyond once in 16,000 times."""


@dataclass(frozen=True)
class LabelCheck:
    """A measure under labels that were changed.

    Attributes
    ----------
    measure
        One of `napari_histoalign.evaluation.measures.MEASURES`.
    value
        With the labels as they are.
    changed
        With the changed ones; of several changes their mean.
    expected
        What that must be.
    tolerance
        How far off it may be.
    ok
        Whether it is not.
    """

    measure: str
    value: float
    changed: float
    expected: float
    tolerance: float
    ok: bool


def permuted_labels_check(truth: Truth, probabilities: NDArray[np.floating]) -> tuple[LabelCheck, ...]:
    """Labels of two classes the other way round: `TURNED` measures must become one less themselves.

    A measure that does not says something else than how well the answers fit the labels.

    Parameters
    ----------
    truth
        Of all images; of two classes.
    probabilities
        Shape (images, 2); rows of NaN are not judged.

    Returns
    -------
    tuple[LabelCheck, ...]
        Those measures that are defined (no AUROC where all labels are alike).

    Raises
    ------
    DatasetError
        There are not two classes, or no image was judged.
    """
    if len(truth.class_names) != 2:
        raise DatasetError(f"Labels of two classes can be turned round; there are {len(truth.class_names)}.")
    judged = _judged(truth, probabilities)
    right, turned = judged.measures(), _with(judged, 1 - judged.labels).measures()
    return tuple(
        _checked(name, float(right[name][0]), float(turned[name][0]), 1 - float(right[name][0]), 1e-9)
        for name in TURNED
        if np.isfinite(right[name][0])
    )


def shuffled_labels_check(
    truth: Truth, probabilities: NDArray[np.floating], *, shuffles: int = 50, seed: int = 0
) -> tuple[LabelCheck, ...]:
    """Labels dealt to images by chance: AUROC must be 1/2 in the mean, balanced accuracy 1/classes.

    Both hold whatever the answers are, however many images a class has. The mean over shuffles may be
    `MOST_ERRORS` of its standard errors off.

    Parameters
    ----------
    truth
        Of all images.
    probabilities
        Shape (images, classes); rows of NaN are not judged.
    shuffles
        At least 10.
    seed
        Of the shuffles.

    Raises
    ------
    DatasetError
        Too few shuffles, or no image was judged of some class.
    """
    judged = _judged(truth, probabilities)
    if shuffles < 10 or len(np.unique(judged.labels)) < judged.n_classes:
        raise DatasetError("Labels can be shuffled 10 times or more, where every class has a judged image.")
    rng = np.random.default_rng(seed)
    dealt = [_with(judged, rng.permutation(judged.labels)) for _ in range(shuffles)]
    expected = {"balanced accuracy": 1 / judged.n_classes, "AUROC": 0.5}
    checks = []
    for name, wanted in expected.items():
        found = np.array([_one(one, name) for one in dealt])
        off = MOST_ERRORS * float(found.std(ddof=1)) / np.sqrt(shuffles) + 1e-9
        checks.append(_checked(name, _one(judged, name), float(found.mean()), wanted, float(off)))
    return tuple(checks)


def _judged(truth: Truth, probabilities: NDArray[np.floating]) -> Judged:
    here = np.flatnonzero(np.isfinite(probabilities).all(axis=1))
    if not len(here):
        raise DatasetError("No image was judged, so that no measure can be checked.")
    bootstrap = truth.bootstrap
    return Judged(
        truth.labels[here], probabilities[here], bootstrap.index[here], bootstrap.count, truth.positive
    )


def _with(judged: Judged, labels: NDArray[np.integer]) -> Judged:
    positive = judged.ranked[0] if len(judged.ranked) == 1 else None
    return Judged(labels, judged.probabilities, judged.patients, judged.n_patients, positive)


def _one(judged: Judged, measure: str) -> float:
    """One measure without the others, which would take longer than all shuffles."""
    if measure == "AUROC":
        once = np.ones((1, judged.n_patients))
        return float(np.mean([judged.auroc(once, c)[0] for c in judged.ranked]))
    return float(from_confusion(judged.confusions().sum(axis=0)[None])[measure][0])


def _checked(measure: str, value: float, changed: float, expected: float, tolerance: float) -> LabelCheck:
    return LabelCheck(
        measure, value, changed, expected, tolerance, bool(abs(changed - expected) <= tolerance)
    )
