"""Images that are left out because of what reading them found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.evaluation.leakage import same_images, without
from napari_histoalign.evaluation.records import Fold, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_histoalign.evaluation.leakage import ImageCheck
    from napari_histoalign.evaluation.records import ImageSet


def with_check(image_set: ImageSet, check: ImageCheck) -> ImageSet:
    """The set with what a check found; images that it could not read are left out.

    Parameters
    ----------
    image_set
        As it was checked.
    check
        See `napari_histoalign.evaluation.leakage.check_images`.

    Raises
    ------
    DatasetError
        No image could be read.
    """
    unread = {record.name for record in image_set.records} - check.hashes.keys()
    new = tuple(problem for problem in dict.fromkeys(check.problems) if problem not in image_set.problems)
    return without(image_set, unread, new)


def without_leaks(image_set: ImageSet, hashes: Mapping[str, str]) -> ImageSet:
    """The set in which nothing is left that `napari_histoalign.evaluation.leakage.leaks` finds.

    Of identical images of one class the first by name stays. Of identical images of several classes none
    does: one of the labels is wrong, and nothing says which. A fold no longer learns from images of patients
    whom it judges; those images are judged all the same.

    Parameters
    ----------
    image_set
        Images and folds.
    hashes
        By name of the record; those that have none are taken for different.

    Returns
    -------
    ImageSet
        With a `Problem` for each image and fold, and a note that counts them.

    Raises
    ------
    DatasetError
        Nothing would be left.
    """
    names = [record.name for record in image_set.records]
    copies, contradicted = [], []
    for group in same_images(image_set, hashes):
        first, *others = group
        if len({image_set.records[i].label for i in group}) == 1:
            what = f"It is the same image as {names[first]}, which stays."
            copies += [Problem("copy left out", names[i], what, left_out=True) for i in others]
        else:
            for i, other in zip(group, (others[0], *[first] * len(others)), strict=True):
                what = f"It is the same image as {names[other]}, and they are of several classes: none stays."
                contradicted.append(Problem("copy left out", names[i], what, left_out=True))
    problems = (*copies, *contradicted)
    smaller = without(image_set, {problem.name for problem in problems}, problems)
    folds, told, dropped = _clean_folds(smaller)
    ordered = sorted((*smaller.problems, *told), key=lambda problem: problem.name)
    note = (
        f"Leaks were to be left out: of {len(names):,} images {len(problems):,} were, {len(copies):,} as "
        f"copies of another and {len(contradicted):,} as identical images of several classes. In "
        f"{len(told):,} of {len(folds):,} folds images of patients who are judged there are not learned "
        f"from, {dropped:,} in all."
    )
    return replace(smaller, folds=folds, problems=tuple(ordered), notes=(*smaller.notes, note))


def _clean_folds(image_set: ImageSet) -> tuple[tuple[Fold, ...], list[Problem], int]:
    """Folds that learn from no patient whom they judge, a word about each that did, and images in all."""
    patient = np.unique(np.array([record.patient for record in image_set.records]), return_inverse=True)[1]
    folds, told, dropped = [], [], 0
    for fold in image_set.folds:
        judged: NDArray[np.bool_] = np.isin(patient[fold.train], patient[fold.test])
        folds.append(replace(fold, train=fold.train[~judged]))
        if judged.any():
            dropped += int(judged.sum())
            patients = len(np.unique(patient[fold.train[judged]]))
            what = f"It does not learn from {judged.sum():,} images of {patients:,} patients whom it judges."
            told.append(Problem("patient in train and test", fold.name, what, left_out=True))
    return tuple(folds), told, dropped
