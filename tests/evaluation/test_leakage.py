"""Leaks: patients and files on both sides of a fold, doubles, and images that cannot be read."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trees import image

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.leakage import ImageCheck, check_images, leaks, without
from napari_histoalign.evaluation.leaving_out import with_check, without_leaks
from napari_histoalign.evaluation.records import Fold, ImageRecord, ImageSet, Problem


def fold(train: list[int], test: list[int], name: str = "fold 1") -> Fold:
    return Fold(name, np.array(train, np.int64), np.array(test, np.int64), official=True)


def pixels(record: ImageRecord) -> np.ndarray:
    return np.full((2, 3, 3), int(record.name[0]), np.uint8)


def small(patients: str = "aabbcd", labels: str = "001101", folds: tuple[Fold, ...] = ()) -> ImageSet:
    records = tuple(
        ImageRecord(f"{i}.png", int(label), patient)
        for i, (patient, label) in enumerate(zip(patients, labels, strict=True))
    )
    return ImageSet("small", Path("/"), ("no", "yes"), records, pixels, folds=folds)


def test_patients_on_both_sides_are_counted() -> None:
    found = leaks(small(folds=(fold([0, 1, 2], [3, 4, 5]), fold([0, 1], [2, 3, 4, 5], "fold 2"))))

    assert [(p.kind, p.name, p.what) for p in found] == [
        ("patient in train and test", "3.png", "fold 1: patient b has 1 images in train and 1 in test.")
    ]


def test_an_image_on_both_sides_is_told() -> None:
    found = leaks(small(folds=(fold([0, 1, 2], [2, 3]),)))

    assert {(p.kind, p.name) for p in found} == {
        ("image in train and test", "2.png"),
        ("patient in train and test", "2.png"),
    }


def test_identical_files_across_sides_or_classes_are_told() -> None:
    hashes = {"0.png": "x", "2.png": "x", "4.png": "y", "5.png": "y", "1.png": "z"}

    within = leaks(small(folds=(fold([0, 1, 2, 3], [4, 5]),)), hashes)
    assert [(p.kind, p.name) for p in within] == [
        ("duplicate of another class", "0.png"),
        ("duplicate of another class", "4.png"),
    ]
    across = leaks(small(labels="000000", folds=(fold([0, 1, 4], [2, 3, 5]),)), hashes)
    assert [(p.kind, p.name) for p in across if "duplicate" in p.kind] == [
        ("duplicate in train and test", "2.png"),
        ("duplicate in train and test", "5.png"),
    ]
    assert "as 0.png" in across[0].what


def test_clean_folds_leak_nothing() -> None:
    clean = small(folds=(fold([0, 1], [2, 3]),))

    assert leaks(clean) == ()
    assert leaks(clean, {f"{i}.png": str(i) for i in range(6)}) == ()
    assert leaks(small(), {"0.png": "x"}) == ()


def test_hashes_are_those_of_the_files_and_doubles_say_what_they_spoil(tmp_path: Path) -> None:
    for n, place in enumerate(("a/p1/1.png", "a/p2/2.png", "b/p3/3.png", "b/p4/4.png", "b/p4/5.png")):
        image(tmp_path / place, n)
    shutil.copy(tmp_path / "a/p1/1.png", tmp_path / "b/p3/3.png")
    shutil.copy(tmp_path / "b/p4/4.png", tmp_path / "b/p4/5.png")
    found = open_dataset("folder", tmp_path, patients="folder")
    seen: list[tuple[int, int]] = []

    checked = check_images(found, lambda done, total: seen.append((done, total)))

    assert checked.hashes == {
        r.name: hashlib.sha256((tmp_path / r.name).read_bytes()).hexdigest() for r in found.records
    }
    assert [(p.kind, p.name, p.what) for p in checked.problems] == [
        (
            "duplicate",
            "a/p1/1.png",
            "It is the same image as b/p3/3.png, of different classes (a, b) and of 2 patients.",
        ),
        (
            "duplicate",
            "b/p4/4.png",
            "It is the same image as b/p4/5.png, of the same class and of one patient.",
        ),
    ]
    assert [p.kind for p in leaks(found, checked.hashes)] == ["duplicate of another class"]
    assert seen[-1] == (5, 5)


def test_what_cannot_be_read_is_told_and_can_be_left_out(tmp_path: Path) -> None:
    for n, place in enumerate(("a/1.png", "a/2.png", "b/3.png", "b/4.png")):
        image(tmp_path / place, n)
    (tmp_path / "a/2.png").write_bytes(b"")
    (tmp_path / "b/3.png").unlink()
    (tmp_path / "b/3.png").mkdir()
    found = replace(
        open_dataset("folder", tmp_path),
        records=tuple(
            ImageRecord(n, int(n[0] == "b"), n[2]) for n in ("a/1.png", "a/2.png", "b/3.png", "b/4.png")
        ),
        folds=(fold([0, 1], [2, 3]),),
    )

    checked = check_images(found)
    bad = [p for p in checked.problems if p.left_out]
    assert [(p.kind, p.name) for p in bad] == [("unreadable", "a/2.png"), ("unreadable", "b/3.png")]
    assert all(p.name in p.what for p in bad)
    assert checked.hashes.keys() == {"a/1.png", "b/4.png"}

    left = without(found, [p.name for p in bad], tuple(bad))
    assert [r.name for r in left.records] == ["a/1.png", "b/4.png"]
    assert (left.folds[0].train.tolist(), left.folds[0].test.tolist()) == ([0], [1])
    assert set(bad) <= set(left.problems)
    with pytest.raises(DatasetError, match="No image"):
        without(left, ["a/1.png", "b/4.png"])


def test_nothing_leaks_once_leaks_are_left_out() -> None:
    """Copies 0 and 2 of one class, 4 and 5 of two; patient b is learned from and judged."""
    found = small(labels="000101", folds=(fold([0, 1, 2, 4], [3, 5]), fold([3], [0, 1], "fold 2")))
    hashes = {"0.png": "x", "2.png": "x", "4.png": "y", "5.png": "y", "1.png": "z", "3.png": "w"}
    more = replace(
        found,
        records=(*found.records, ImageRecord("6.png", 1, "b")),
        folds=(fold([0, 1, 2, 4, 6], [3, 5]), found.folds[1]),
    )
    hashes["6.png"] = "v"
    assert {p.kind for p in leaks(more, hashes)} == {
        "patient in train and test", "duplicate of another class", "duplicate in train and test"
    }  # fmt: skip

    left = without_leaks(more, hashes)

    assert leaks(left, hashes) == ()
    assert [r.name for r in left.records] == ["0.png", "1.png", "3.png", "6.png"]
    parts = [([left.records[i].name for i in p] for p in (f.train, f.test)) for f in left.folds]
    assert [list(pair) for pair in parts] == [
        [["0.png", "1.png"], ["3.png"]],
        [["3.png"], ["0.png", "1.png"]],
    ]
    told = [(p.kind, p.name, p.what) for p in left.problems if p.left_out]
    none_stays = "they are of several classes: none stays."
    assert told == [
        ("copy left out", "2.png", "It is the same image as 0.png, which stays."),
        ("copy left out", "4.png", f"It is the same image as 5.png, and {none_stays}"),
        ("copy left out", "5.png", f"It is the same image as 4.png, and {none_stays}"),
        (
            "patient in train and test",
            "fold 1",
            "It does not learn from 1 images of 1 patients whom it judges.",
        ),
    ]  # fmt: skip
    (note,) = left.notes
    assert "of 7 images 3 were, 1 as copies of another and 2 as identical images of several classes" in note
    assert "In 1 of 2 folds" in note and "1 in all" in note


def test_a_clean_set_stays_as_it_is_and_says_so() -> None:
    clean = small(folds=(fold([0, 1], [2, 3]),))

    left = without_leaks(clean, {f"{i}.png": str(i) for i in range(6)})

    assert left.records == clean.records and left.problems == ()
    np.testing.assert_array_equal(left.folds[0].train, [0, 1])
    assert "0 were, 0 as copies" in left.notes[0]


def test_what_a_check_could_not_read_is_left_out_once() -> None:
    bad = Problem("unreadable", "2.png", "It is damaged.", left_out=True)
    double = Problem("duplicate", "0.png", "It is the same image as 1.png.")
    found = replace(small(folds=(fold([0, 1], [2, 3]),)), problems=(bad,))
    check = ImageCheck({f"{i}.png": str(i) for i in range(6) if i != 2}, (double, bad))

    left = with_check(found, check)

    assert [r.name for r in left.records] == ["0.png", "1.png", "3.png", "4.png", "5.png"]
    assert left.problems == (double, bad)
    assert left.folds[0].test.tolist() == [2]


def test_a_set_that_is_no_files_is_hashed_by_its_pixels() -> None:
    checked = check_images(small())

    assert checked.hashes["3.png"] == hashlib.sha256(bytes([3] * 18)).hexdigest()
    assert checked.problems == ()


def test_what_the_progress_raises_ends_the_check() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_images(small(), stop)


def test_leaks_among_many_images_are_found_in_time() -> None:
    count = 60_000
    records = tuple(ImageRecord(f"{i:06d}", i % 2, f"p{i // 2}") for i in range(count))
    half = np.arange(count, dtype=np.int64)
    halves = tuple(Fold(f"fold {k}", half[half % 2 == 0], half[half % 2 == 1], True) for k in range(2))
    many = ImageSet("many", Path("/"), ("no", "yes"), records, pixels, folds=halves)

    found = leaks(many, {r.name: f"h{i // 20}" for i, r in enumerate(records)})

    kinds = [p.kind for p in found]
    assert kinds.count("patient in train and test") == count
    assert kinds.count("duplicate in train and test") == 2 * count // 20
    assert isinstance(found[0], Problem)


def test_a_check_is_kept_until_an_image_changes(tmp_path: Path) -> None:
    from napari_histoalign.evaluation.checked import kept_check
    from napari_histoalign.evaluation.datasets import open_dataset

    for n in range(4):
        image(tmp_path / "set" / "ab"[n % 2] / f"{n}.png", n)
    kept = tmp_path / "kept"
    kept.mkdir()
    read: list[int] = []

    def look() -> object:
        found = open_dataset("folder", tmp_path / "set")
        return kept_check(found, lambda done, total: read.append(done), cache=kept)

    first = look()
    begun = len(read)
    second = look()
    assert len(read) == begun
    assert (second.hashes, second.problems) == (first.hashes, first.problems)
    image(tmp_path / "set" / "a" / "0.png", 1)  # the same as 1.png now
    third = look()
    assert len(read) > begun and any(p.kind.startswith("duplicate") for p in third.problems)
    for path in kept.iterdir():
        path.write_text("{}")
    assert look().hashes == third.hashes
