"""Images that are there twice, cannot be read, or stand on both sides of a fold."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.records import Fold, ImageRecord, ImageSet, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from numpy.typing import NDArray

AT_ONCE = 256
"""Images between two words about progress."""


@dataclass(frozen=True, eq=False)
class ImageCheck:
    """What reading every image of a set found.

    Attributes
    ----------
    hashes
        SHA-256 in hex by name of the record: of the file's bytes, or of the pixels where a set is no
        files. Those that cannot be read have none.
    problems
        Unreadable images, images of another size than published, and images that are there twice, in
        order of their names.
    """

    hashes: Mapping[str, str]
    problems: tuple[Problem, ...]


def check_images(
    image_set: ImageSet,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    workers: int = 4,
) -> ImageCheck:
    """Read and hash every image.

    Parameters
    ----------
    image_set
        Images.
    on_progress
        Told how many are done, and of how many, now and then; what it raises ends the check.
    workers
        Threads that read.

    Returns
    -------
    ImageCheck
        Hashes, and what is wrong.
    """
    records = image_set.records
    hashes: dict[str, str] = {}
    problems: list[Problem] = []
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(records), AT_ONCE):
            batch = records[start : start + AT_ONCE]
            for record, (digest, found) in zip(
                batch, pool.map(partial(_look, image_set), batch), strict=True
            ):
                if digest:
                    hashes[record.name] = digest
                problems += found
            if on_progress is not None:
                on_progress(start + len(batch), len(records))
    problems += _doubles(image_set, hashes)
    return ImageCheck(hashes, tuple(sorted(problems, key=lambda problem: problem.name)))


def leaks(image_set: ImageSet, hashes: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """What lets a fold be learned by heart, or judged against itself.

    Parameters
    ----------
    image_set
        Images and folds.
    hashes
        By name of the record, from `check_images`; None leaves identical images out.

    Returns
    -------
    tuple[Problem, ...]
        Patients who are in train and in test of a fold; images in both parts; identical files in both, or
        with different labels.
    """
    names = [record.name for record in image_set.records]
    patients = [record.patient for record in image_set.records]
    found: list[Problem] = []
    for fold in image_set.folds:
        for i in np.intersect1d(fold.train, fold.test).tolist():
            what = f"{fold.name}: the image is in train and in test."
            found.append(Problem("image in train and test", names[i], what))
        train, test = _by_key(fold.train, patients), _by_key(fold.test, patients)
        for patient in sorted(train.keys() & test.keys()):
            what = (
                f"{fold.name}: patient {patient} has {len(train[patient])} images in train and "
                f"{len(test[patient])} in test."
            )
            found.append(Problem("patient in train and test", names[test[patient][0]], what))
    if hashes is not None:
        sides = [_sides(fold, len(names)) for fold in image_set.folds]
        for group in same_images(image_set, hashes):
            found += _leaks_of(image_set, sides, group)
    return tuple(sorted(found, key=lambda problem: (problem.name, problem.what)))


def without(image_set: ImageSet, names: Collection[str], problems: tuple[Problem, ...] = ()) -> ImageSet:
    """The set without some images, its folds counted anew.

    Parameters
    ----------
    image_set
        Images.
    names
        Of the records to leave out.
    problems
        Why; they are added to the set's own.

    Raises
    ------
    DatasetError
        Nothing would be left.
    """
    gone = set(names)
    kept = [i for i, record in enumerate(image_set.records) if record.name not in gone]
    if not kept:
        raise DatasetError(
            f"No image of {image_set.name} is left once those that cannot be used are left out."
        )
    now_at = np.full(len(image_set.records), -1)
    now_at[kept] = np.arange(len(kept))

    def counted(where: NDArray[np.int64]) -> NDArray[np.int64]:
        moved = now_at[where]
        return moved[moved >= 0].astype(np.int64)

    told = sorted((*image_set.problems, *problems), key=lambda problem: problem.name)
    return replace(
        image_set,
        records=tuple(image_set.records[i] for i in kept),
        folds=tuple(Fold(f.name, counted(f.train), counted(f.test), f.official) for f in image_set.folds),
        problems=tuple(told),
    )


def _look(image_set: ImageSet, record: ImageRecord) -> tuple[str, list[Problem]]:
    """Hash of an image, empty if it cannot be read, and what is wrong with it."""
    try:
        pixels = image_set.read(record)
        own = getattr(image_set.read, "digest", None)
        digest = own(record) if own else hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
    except DatasetError as err:
        return "", [Problem("unreadable", record.name, str(err), left_out=True)]
    height, width = pixels.shape[:2]
    sizes = getattr(image_set.read, "sizes", ())
    if sizes and (width, height) not in sizes:
        published = " or ".join(f"{w} x {h}" for w, h in sizes)
        what = f"It has {width} x {height} pixels; the published images have {published}."
        return digest, [Problem("wrong size", record.name, what)]
    return digest, []


def same_images(image_set: ImageSet, hashes: Mapping[str, str]) -> list[list[int]]:
    """Positions of images with one hash, ascending, where there is more than one.

    Parameters
    ----------
    image_set
        Images.
    hashes
        By name of the record; images without one are like no other.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for i, record in enumerate(image_set.records):
        if digest := hashes.get(record.name):
            groups[digest].append(i)
    return [group for group in groups.values() if len(group) > 1]


def _doubles(image_set: ImageSet, hashes: Mapping[str, str]) -> list[Problem]:
    """A word about each group of identical images."""
    found = []
    for group in same_images(image_set, hashes):
        first, *others = (image_set.records[i] for i in group)
        labels = Counter(image_set.class_names[image_set.records[i].label] for i in group)
        patients = {image_set.records[i].patient for i in group}
        same = [
            "of the same class"
            if len(labels) == 1
            else f"of different classes ({', '.join(sorted(labels))})",
            "of one patient" if len(patients) == 1 else f"of {len(patients)} patients",
        ]
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        what = f"It is the same image as {others[0].name}{more}, {' and '.join(same)}."
        found.append(Problem("duplicate", first.name, what))
    return found


def _sides(fold: Fold, count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each image is in train, and whether in test, shape (count,) each."""
    train, test = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    train[fold.train], test[fold.test] = True, True
    return train, test


def _leaks_of(
    image_set: ImageSet, sides: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]], group: list[int]
) -> list[Problem]:
    """What identical images spoil."""
    records = [image_set.records[i] for i in group]
    found = []
    other = next((r for r in records if r.label != records[0].label), None)
    if other is not None:
        one, two = image_set.class_names[records[0].label], image_set.class_names[other.label]
        what = f"It is the same image as {other.name}, yet {one} and the other {two}."
        found.append(Problem("duplicate of another class", records[0].name, what))
    for fold, (in_train, in_test) in zip(image_set.folds, sides, strict=True):
        learned = next((r for i, r in zip(group, records, strict=True) if in_train[i]), None)
        judged = next((r for i, r in zip(group, records, strict=True) if in_test[i]), None)
        if learned is not None and judged is not None and learned is not judged:
            what = f"{fold.name}: the same image is in train as {learned.name}."
            found.append(Problem("duplicate in train and test", judged.name, what))
    return found


def _by_key(where: NDArray[np.int64], keys: list[str]) -> dict[str, list[int]]:
    """Positions by key."""
    found: dict[str, list[int]] = defaultdict(list)
    for i in where.tolist():
        found[keys[i]].append(i)
    return found
