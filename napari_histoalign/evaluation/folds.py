"""Splits into images to learn from and images to judge by, whole patients on one side."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.fold_lists import find_lists, official_folds
from napari_histoalign.evaluation.records import Fold, ImageSet, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

__all__ = ["find_lists", "grouped_folds", "official_folds", "with_folds"]

TRIES = 16
"""Drawn splits of which the best balanced is taken; of many patients a single one is as good."""

MANY_PATIENTS = 5000
CLASS_MISSING = "class missing in fold"


def with_folds(
    image_set: ImageSet,
    *,
    lists: Path | None = None,
    magnifications: Sequence[str] = (),
    count: int = 5,
    seed: int = 0,
    because: str = "The publishers' lists of folds are not here",
) -> ImageSet:
    """The set with the publishers' folds where their lists are given, else with drawn ones.

    Folds that it had before are forgotten, with what was said of them.

    Parameters
    ----------
    image_set
        Images.
    lists
        Folder of the publishers' lists, as `official_folds` reads it.
    magnifications
        Those that were asked for: lines about others are no loss. Empty: all.
    count
        How many folds to draw. Images of one `ImageRecord.group` stay together, or else of one patient.
    seed
        Of the drawing.
    because
        Why folds are drawn, for the note.

    Raises
    ------
    DatasetError
        The lists cannot be used.
    """
    before = tuple(problem for problem in image_set.problems if problem.kind != CLASS_MISSING)
    if lists is not None:
        folds, problems = official_folds(image_set.records, lists, magnifications=magnifications)
        note = f"Folds are the publishers', from {lists.name}."
    else:
        together = [record.group or record.patient for record in image_set.records]
        patients = len(set(together))
        if patients < count:
            note = f"No folds: {patients} patients cannot be dealt to {count} of them."
            return replace(image_set, folds=(), problems=before, fold_note=note)
        folds = grouped_folds([r.label for r in image_set.records], together, count=count, seed=seed)
        problems = ()
        note = (
            f"{because}: the {count} folds are drawn (seed {seed}), whole patients each, and unofficial. "
            "Each image is judged in one of them."
        )
    problems = (*before, *problems, *_classes_missing(image_set, folds))
    ordered = tuple(sorted(problems, key=lambda problem: problem.name))
    return replace(image_set, folds=folds, problems=ordered, fold_note=note)


def grouped_folds(
    labels: ArrayLike, patients: Sequence[str], *, count: int = 5, seed: int = 0
) -> tuple[Fold, ...]:
    """Folds in which each patient is judged once, with classes spread as evenly as whole patients allow.

    Patients are dealt one by one to the fold that most lacks their classes: for a patient with v_c
    images of class c, the fold f with the smallest sum_c v_c (n_fc - t_c) / N_c^2, where n_fc is what
    the fold holds, t_c = N_c / count what it should hold, and N_c all images of the class; this is the
    step by which sum_fc ((n_fc - t_c) / N_c)^2 grows least. The order is drawn, larger patients rather
    first, and of 16 such deals the most even is kept. The draw takes its chances from SHA-256 of seed
    and patient, so that it depends neither on the order of the images nor on the version of a library.

    Parameters
    ----------
    labels
        Class of each image, shape (n,).
    patients
        Whose it is, n of them.
    count
        Folds, at least two.
    seed
        Of the drawing.

    Returns
    -------
    tuple[Fold, ...]
        "unofficial fold 1" and so on; the test parts are disjoint and hold all images.

    Raises
    ------
    DatasetError
        There are fewer patients than folds, or fewer than two folds are asked for.
    """
    classes, label = np.unique(np.asarray(labels, np.int64), return_inverse=True)
    names, patient = np.unique(np.asarray(list(patients), dtype=str), return_inverse=True)
    if count < 2 or len(names) < count:
        raise DatasetError(
            f"{len(names)} patients cannot be dealt to {count} folds; ask for at least 2 folds and at most "
            "one a patient."
        )
    held = np.zeros((len(names), len(classes)), np.int64)
    np.add.at(held, (patient, label), 1)
    tries = TRIES if len(names) < MANY_PATIENTS else 1
    deals = [_deal(held, names, count, f"{seed} {attempt}") for attempt in range(tries)]
    fold_of = min(deals, key=lambda deal: deal[0])[1][patient]
    return tuple(
        Fold(f"unofficial fold {i + 1}", np.flatnonzero(fold_of != i), np.flatnonzero(fold_of == i), False)
        for i in range(count)
    )


def _deal(
    held: NDArray[np.int64], names: NDArray[np.str_], count: int, salt: str
) -> tuple[float, NDArray[np.int64]]:
    """One deal: how uneven it is, and the fold of each patient."""
    chance = np.array([_chance(salt, str(name)) for name in names])
    kinds, kind, sizes = np.unique(held, axis=0, return_inverse=True, return_counts=True)
    order = np.lexsort((chance, kind.reshape(-1)))
    ends = np.cumsum(sizes)
    # patients that hold the same are dealt round in turn, as far as that comes out even; the rest one by one
    turn = np.arange(len(names)) - np.repeat(ends - sizes, sizes)
    even = turn < np.repeat(sizes // count * count, sizes)
    fold = np.empty(len(names), np.int64)
    fold[order[even]] = turn[even] % count
    target = held.sum(0) / count
    weight = 1.0 / np.maximum(held.sum(0), 1) ** 2
    filled = np.repeat(((sizes // count)[:, None] * kinds).sum(0, dtype=np.float64)[None], count, axis=0)
    single = order[~even]
    for i in single[np.argsort(-held[single].sum(1) * (0.5 + chance[single]), kind="stable")]:
        lack = (filled - target) @ (weight * held[i])
        best = np.lexsort((filled.sum(1), lack.round(12)))[0]
        fold[i] = best
        filled[best] += held[i]
    return float((weight * (filled - target) ** 2).sum()), fold


def _chance(salt: str, name: str) -> float:
    """A number in [0, 1) that is the same on every machine."""
    digest = hashlib.sha256(f"{salt} {name}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _classes_missing(image_set: ImageSet, folds: Sequence[Fold]) -> list[Problem]:
    """A word about each fold in which a class cannot be learned or judged."""
    labels = np.array([record.label for record in image_set.records])
    problems = []
    for fold in folds:
        for side, where in (("learn from", fold.train), ("judge by", fold.test)):
            absent = sorted(set(labels.tolist()) - set(labels[where].tolist()))
            if absent:
                named = ", ".join(image_set.class_names[i] for i in absent)
                what = f"It has no image to {side} of: {named}."
                problems.append(Problem(CLASS_MISSING, fold.name, what))
    return problems
