"""Rates as papers on BreakHis print them: mean and standard deviation over folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.outcome import ALL, FoldRate
from napari_histoalign.evaluation.slicing import judged_slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.records import Fold
    from napari_histoalign.evaluation.slicing import Truth

RATES = {"image level": "accuracy", "patient level": "patient recognition rate"}
"""What papers call them, and the measure that it is."""


def fold_rates(
    truth: Truth, probabilities: NDArray[np.floating], folds: Sequence[Fold]
) -> dict[str, dict[str, FoldRate]]:
    """Image-level and patient-level rates of each slice over the folds' test parts.

    Spanhol et al. (2016): at image level the share of a fold's test images that are right, at patient level
    the mean over its patients of the share of their images that are right; each at one magnification. `ALL`
    is the mean over a fold's magnifications where a set has several.

    Parameters
    ----------
    truth
        Of all images.
    probabilities
        Shape (images, classes), or (folds, images, classes) where each fold has a model of its own; rows of
        NaN are not judged.
    folds
        At least one; their positions are those of the images.

    Returns
    -------
    dict
        By slice, then by `RATES`.

    Raises
    ------
    DatasetError
        There are no folds, or the shape is another.
    """
    p = np.asarray(probabilities)
    shape = (len(truth.labels), len(truth.class_names))
    if not folds or p.shape not in (shape, (len(folds), *shape)):
        raise DatasetError(
            f"Rates over {len(folds)} folds take probabilities of shape {shape}, or one such array a fold; "
            f"got {p.shape}."
        )
    found = [_of_fold(truth, p if p.ndim == 2 else p[number], fold) for number, fold in enumerate(folds)]
    return {
        name: {rate: _over([one.get(name, {}).get(rate, float("nan")) for one in found]) for rate in RATES}
        for name in truth.slices
    }


def _of_fold(truth: Truth, p: NDArray[np.floating], fold: Fold) -> dict[str, dict[str, float]]:
    tested = np.full(p.shape, np.nan)
    tested[fold.test] = p[fold.test]
    measured = {name: judged.measures() for name, judged in judged_slices(truth, tested).items()}
    found = {
        name: {rate: float(values[measure][0]) for rate, measure in RATES.items()}
        for name, values in measured.items()
    }
    magnifications = [name for name in found if name != ALL]
    if magnifications:
        found[ALL] = {rate: float(np.mean([found[m][rate] for m in magnifications])) for rate in RATES}
    return found


def _over(by_fold: list[float]) -> FoldRate:
    known = [rate for rate in by_fold if np.isfinite(rate)]
    mean = float(np.mean(known)) if known else float("nan")
    return FoldRate(tuple(by_fold), mean, float(np.std(known, ddof=1)) if len(known) > 1 else float("nan"))
