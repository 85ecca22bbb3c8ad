"""Results of one row: at each magnification, and over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.evaluation.measures import MEASURES, Judged, per_class
from napari_histoalign.evaluation.outcome import ALL, SliceResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.intervals import PatientBootstrap

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of the images.

    Attributes
    ----------
    labels
        Shape (images,).
    magnifications
        Of each; all empty where a set knows none.
    class_names, positive
        See `napari_histoalign.evaluation.records.ImageSet`.
    bootstrap
        Over their patients.
    """

    labels: NDArray[np.int64]
    magnifications: tuple[str, ...]
    class_names: tuple[str, ...]
    positive: int | None
    bootstrap: PatientBootstrap

    @property
    def slices(self) -> tuple[str, ...]:
        """Names of the slices, `ALL` last."""
        found = sorted(set(self.magnifications) - {""}, key=lambda m: (len(m), m))
        return (*found, ALL) if len(found) > 1 else (ALL,)


def judged_slices(truth: Truth, probabilities: NDArray[np.floating]) -> dict[str, Judged]:
    """The images of each slice that were judged; of `ALL` those of every magnification together."""
    judged = np.isfinite(probabilities).all(axis=1)
    magnifications = np.asarray(truth.magnifications, dtype=object)
    found = {}
    for name in truth.slices:
        here = np.flatnonzero(judged & ((magnifications == name) if name != ALL else True))
        if len(here):
            found[name] = Judged(
                truth.labels[here],
                probabilities[here],
                truth.bootstrap.index[here],
                truth.bootstrap.count,
                truth.positive,
            )
    return found


def slice_results(truth: Truth, probabilities: NDArray[np.floating]) -> dict[str, SliceResult]:
    """Measures with intervals for each slice.

    Where a set has several magnifications, a measure of `ALL` is its mean over those where it is defined (an
    AUROC needs images of both classes), as BreakHis papers report it; its confusion matrix and its classes'
    own figures count all images together.

    Parameters
    ----------
    truth
        Of all images.
    probabilities
        Shape (images, classes); rows of NaN are not judged and not counted. A slice without a judged image
        is left out.
    """
    slices = judged_slices(truth, probabilities)
    bootstrap = truth.bootstrap
    values = {name: judged.measures() for name, judged in slices.items()}
    magnifications = [name for name in slices if name != ALL]
    several = len(magnifications) > 1
    drawn = {
        name: judged.measures(bootstrap.weights)
        for name, judged in slices.items()
        if not (several and name == ALL)
    }
    patients = {name: len(np.unique(judged.patients)) for name, judged in slices.items()}
    least = dict(patients)
    if several:
        # a mean is no surer than its least sure part
        least[ALL] = min(patients[name] for name in magnifications)
        values[ALL], drawn[ALL] = _means([(values[name], drawn[name]) for name in magnifications])
    return {
        name: SliceResult(
            images=len(judged.labels),
            patients=patients[name],
            measures={
                m: bootstrap.estimate(values[name][m][0], drawn[name][m], least[name]) for m in MEASURES
            },
            per_class=per_class(judged, truth.class_names),
            confusion=judged.confusions().sum(axis=0).astype(np.int64),
        )
        for name, judged in slices.items()
    }


def _means(
    parts: Sequence[tuple[Mapping[str, Floats], Mapping[str, Floats]]],
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Values and draws of each measure, meaned over the magnifications where it is defined."""
    values, drawn = {}, {}
    for name in MEASURES:
        known = [part for part in parts if np.isfinite(part[0][name][0])] or parts
        values[name] = np.mean([part[0][name] for part in known], axis=0)
        drawn[name] = np.mean([part[1][name] for part in known], axis=0)
    return values, drawn
