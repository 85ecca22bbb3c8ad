"""Folds: the publishers' lists line by line, and drawn ones that are even, whole and repeatable."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold
from trees import breakhis

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.folds import find_lists, grouped_folds, official_folds, with_folds
from napari_histoalign.evaluation.leakage import leaks

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import Fold, ImageSet


def names_of(found: ImageSet) -> list[str]:
    return [r.name.rsplit("/", 1)[-1] for r in found.records]


def lists(folder: Path, files: list[str], tested: str = "9133", folds: int = 5) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for fold in range(1, folds + 1):
        lines = [f"{n}|{n.split('-')[-2]}|{fold}|{'test' if tested in n else 'train'}" for n in files]
        (folder / f"dsfold{fold}.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_the_documented_line_is_read(tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path / "set"))
    lists(tmp_path / "lists", names_of(found))

    folds, problems = official_folds(found.records, tmp_path / "lists")

    assert [f.name for f in folds] == [f"fold {i}" for i in range(1, 6)]
    assert all(f.official for f in folds)
    tested = [i for i, name in enumerate(names_of(found)) if "9133" in name]
    np.testing.assert_array_equal(folds[0].test, tested)
    np.testing.assert_array_equal(folds[0].train, np.setdiff1d(np.arange(24), tested))
    assert folds[0].train.dtype == np.int64
    assert problems == ()


def test_a_case_on_both_sides_of_the_lists_is_found(tmp_path: Path) -> None:
    root = breakhis(tmp_path / "set")
    files = names_of(open_dataset("breakhis", root))
    folder = lists(tmp_path / "lists", files)
    with (folder / "dsfold1.txt").open("a") as file:
        file.write("SOB_B_F-14-1-40-001.png|40|1|train\nno line at all\n")

    found = open_dataset("breakhis", root, folds=folder)

    train, test = ({found.records[i].patient for i in p} for p in (found.folds[0].train, found.folds[0].test))
    assert train.isdisjoint(test) and test == {"14-9133"}
    said = [p.what for p in found.problems if p.name == "dsfold1.txt"]
    assert any("SOB_B_F-14-1-40-001.png" in what for what in said)
    assert any("no line at all" in what for what in said)
    assert leaks(found) == ()
    # 13412 is there as a ductal and as a lobular carcinoma
    lists(folder, files, tested="_LC-")
    leaking = leaks(open_dataset("breakhis", root, folds=folder))
    assert {p.kind for p in leaking} == {"patient in train and test"}
    assert len(leaking) == 5 and all("14-13412" in p.what for p in leaking)


def test_folds_of_a_set_without_lists_are_called_unofficial_and_drawn_alike(tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path))
    again = open_dataset("breakhis", tmp_path)

    assert [(f.name, f.official) for f in found.folds] == [
        (f"unofficial fold {i + 1}", False) for i in range(5)
    ]
    tested = sides(found.folds, 24)
    for patient in {r.patient for r in found.records}:
        assert len({tested[i] for i, r in enumerate(found.records) if r.patient == patient}) == 1
    np.testing.assert_array_equal(sides(again.folds, 24), tested)


@pytest.mark.parametrize("place", ["set", "set/mkfold", "set/BreaKHis_v1", "mkfold"])
def test_lists_are_found_in_and_beside_the_set(place: str, tmp_path: Path) -> None:
    root = breakhis(tmp_path / "set")
    lists(tmp_path / place, names_of(open_dataset("breakhis", root)))

    found = open_dataset("breakhis", root / "BreaKHis_v1" if place == "set" else root)

    assert [f.official for f in found.folds] == [True] * 5
    assert "the publishers'" in found.fold_note


def test_folders_made_from_the_lists_say_the_same(tmp_path: Path) -> None:
    root = breakhis(tmp_path / "set")
    found = open_dataset("breakhis", root)
    by_list = official_folds(found.records, lists(tmp_path / "lists", names_of(found)))
    for fold in range(1, 6):
        for record in found.records:
            side = "test" if "9133" in record.name else "train"
            at = tmp_path / f"folders/fold{fold}/{side}/{record.magnification}"
            at.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / record.name, at)

    by_folder = official_folds(found.records, tmp_path / "folders")

    assert by_folder[1] == ()
    for one, other in zip(by_list[0], by_folder[0], strict=True):
        np.testing.assert_array_equal(one.train, other.train)
        np.testing.assert_array_equal(one.test, other.test)


def test_lines_are_read_with_patience(tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path / "set"), magnifications="40X")
    files = names_of(found)
    folder = lists(tmp_path / "lists", files)
    lines = [f" some/where/{n} | 40x | 1 | {'TEST' if '9133' in n else 'Train'} |" for n in files]
    (folder / "dsfold1.txt").write_bytes(("\ufeff" + "\r\n\r\n".join(lines)).encode())

    folds, problems = official_folds(found.records, folder)

    np.testing.assert_array_equal(folds[0].train, folds[1].train)
    np.testing.assert_array_equal(folds[0].test, folds[1].test)
    assert problems == ()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{}|40|1", "it has 3 fields"),
        ("{}|40|1|train|more", "it has 5 fields"),
        ("|40|1|train", "it names no file"),
        ("{}|50|1|train", "no magnification"),
        ("{}|100|1|train", "another magnification than it says"),
        ("{}|40|one|train", "no number of a fold"),
        ("{}|40|1|valid", "neither train nor test"),
    ],
)
def test_a_malformed_line_is_passed_over_and_named(line: str, what: str, tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path / "set"), magnifications="40X")
    folder = lists(tmp_path / "lists", names_of(found))
    with (folder / "dsfold1.txt").open("a") as file:
        file.write(line.format(names_of(found)[0]))

    folds, problems = official_folds(found.records, folder)

    assert [(p.kind, p.name) for p in problems] == [("malformed line", "dsfold1.txt")]
    assert problems[0].what.startswith("Line 13 is passed over")
    assert what in problems[0].what
    np.testing.assert_array_equal(folds[0].train, folds[1].train)


def test_what_is_listed_but_absent_there_but_unlisted_or_on_both_sides(tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path / "set"), magnifications="40X")
    files = names_of(found)
    folder = lists(tmp_path / "lists", [*files[1:], "SOB_B_F-14-1-40-001.png", "SOB_B_F-14-1-200-001.png"])
    (folder / "dsfold4.txt").unlink()
    with (folder / "dsfold1.txt").open("a") as file:
        file.write(f"{files[1]}|40|1|{'train' if '9133' in files[1] else 'test'}\n")

    folds, problems = official_folds(found.records, folder, magnifications=("40X",))

    assert [f.name for f in folds] == ["fold 1", "fold 2", "fold 3", "fold 5"]
    told = [(p.kind, p.what) for p in problems if p.name == "dsfold1.txt"]
    assert told == [
        ("in train and test", f"{files[1]} stands in train and in test; it is in neither."),
        ("missing", "dsfold1.txt lists SOB_B_F-14-1-40-001.png, which is not here."),
        ("not listed", f"dsfold1.txt does not list {files[0]}, which is here."),
    ]
    assert [p.name for p in problems if "It is not in" in p.what] == ["dsfold4.txt"]
    assert {0, 1}.isdisjoint({*folds[0].train.tolist(), *folds[0].test.tolist()})


def test_many_absent_files_are_one_word_and_another_number_is_let_pass(tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path / "set"), magnifications="40X")
    absent = [f"SOB_M_DC-14-1-40-{i:03d}.png" for i in range(50)]
    folder = lists(tmp_path / "lists", [*names_of(found), *absent])
    text = (folder / "dsfold2.txt").read_text()
    (folder / "dsfold2.txt").write_text(text.replace("|2|", "|1|"))

    folds, problems = official_folds(found.records, folder)

    assert len(folds) == 5
    assert [p.what for p in problems if p.name == "dsfold2.txt"] == [
        "Its lines say that they are of fold 1; its name was believed.",
        f"dsfold2.txt lists 50 images that are not here, {absent[0]} the first of them.",
    ]


def test_lists_of_something_else_are_refused(tmp_path: Path) -> None:
    root = breakhis(tmp_path / "set")
    folder = lists(tmp_path / "lists", ["SOB_M_DC-14-1-40-001.png"])

    with pytest.raises(DatasetError, match="name none of the images"):
        open_dataset("breakhis", root, folds=folder)
    with pytest.raises(DatasetError, match="holds neither dsfold1"):
        open_dataset("breakhis", root, folds=tmp_path)
    (folder / "dsfold1.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="cannot be read as a list"):
        open_dataset("breakhis", root, folds=folder)
    assert find_lists(None, root) is None


def sides(folds: tuple[Fold, ...], count: int) -> np.ndarray:
    """Fold in which each image is tested, once the folds were found to be splits."""
    tested = np.full(count, -1)
    for i, fold in enumerate(folds):
        assert np.all(tested[fold.test] == -1)
        tested[fold.test] = i
        np.testing.assert_array_equal(np.sort(np.concatenate([fold.train, fold.test])), np.arange(count))
        np.testing.assert_array_equal(fold.test, np.sort(fold.test))
        np.testing.assert_array_equal(fold.train, np.sort(fold.train))
    assert np.all(tested >= 0)
    return tested


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 14)), min_size=30, max_size=120),
    st.integers(2, 4),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_patients_stay_together_and_the_order_of_images_does_not_matter(
    images: list[tuple[int, int]], count: int, seed: int, random: object
) -> None:
    images = [*images, (0, 0), (0, 1), (1, 2), (1, 3)]
    labels, patients = [a for a, _ in images], [f"p{b}" for _, b in images]
    tested = sides(grouped_folds(labels, patients, count=count, seed=seed), len(images))

    assert set(tested) == set(range(count))
    of = {p: set(tested[[q == p for q in patients]]) for p in set(patients)}
    assert all(len(folds) == 1 for folds in of.values())
    order = list(range(len(images)))
    random.shuffle(order)  # type: ignore[attr-defined]
    again = grouped_folds([labels[i] for i in order], [patients[i] for i in order], count=count, seed=seed)
    np.testing.assert_array_equal(sides(again, len(images)), tested[order])


def unevenness(labels: np.ndarray, tested: np.ndarray, count: int) -> float:
    """Sum over folds and classes of the squared difference from the even share, relative to the class."""
    held = np.array(
        [[np.sum((tested == f) & (labels == c)) for c in np.unique(labels)] for f in range(count)]
    )
    return float((((held - held.sum(0) / count) / held.sum(0)) ** 2).sum())


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_classes_are_spread_at_least_as_evenly_as_by_scikit_learn(seed: int, mixed: bool) -> None:
    draw = np.random.default_rng(seed)
    sizes = draw.integers(38, 236, 70)  # images of a slide and cases of BreakHis
    patients = np.repeat(np.arange(70), sizes)
    labels = np.repeat((np.arange(70) > 20).astype(int), sizes)
    if mixed:  # every patient has both classes, the second one rarely
        labels = (draw.random(len(labels)) < np.repeat(draw.beta(0.3, 6, 70), sizes)).astype(int)
    ours = sides(grouped_folds(labels, [f"p{p}" for p in patients], seed=seed), len(labels))
    theirs = np.empty(len(labels), int)
    splits = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, patients)
    for i, (_, test) in enumerate(splits):
        theirs[test] = i

    assert unevenness(labels, ours, 5) <= unevenness(labels, theirs, 5) * 1.0001
    assert unevenness(labels, ours, 5) < 0.01


def test_other_seeds_deal_otherwise_and_the_deal_is_for_ever() -> None:
    patients = [f"p{i // 2}" for i in range(24)]
    labels = [i // 2 % 2 for i in range(24)]

    deals = {tuple(sides(grouped_folds(labels, patients, count=3, seed=s), 24)) for s in range(8)}

    assert len(deals) > 4
    # written down when they were made: a new version of a library must not deal anew
    even = sides(grouped_folds(labels, patients, count=3, seed=0), 24)
    assert even[::2].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 1, 2, 2, 0]
    sizes = np.arange(1, 13)
    uneven = sides(
        grouped_folds(np.repeat(sizes % 2, sizes), [f"p{s}" for s in sizes for _ in range(s)], count=3), 78
    )
    assert uneven[np.cumsum(sizes) - 1].tolist() == [2, 0, 1, 1, 0, 2, 0, 2, 1, 1, 2, 0]


def test_images_without_patients_are_dealt_quickly_and_evenly() -> None:
    labels = np.repeat([0, 1, 2], [60_000, 30_000, 7])
    tested = sides(grouped_folds(labels, [f"i{i}" for i in range(len(labels))]), len(labels))

    for label, most in ((0, 0), (1, 0), (2, 1)):
        held = np.bincount(tested[labels == label], minlength=5)
        assert held.max() - held.min() <= most


def test_too_few_patients_or_folds_are_refused() -> None:
    with pytest.raises(DatasetError, match="2 patients cannot be dealt to 3 folds"):
        grouped_folds([0, 1, 1], ["a", "b", "b"], count=3)
    with pytest.raises(DatasetError, match="at least 2 folds"):
        grouped_folds([0, 1], ["a", "b"], count=1)


def test_a_class_that_cannot_be_learned_or_judged_is_told(tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path), classes="subtypes")

    told = [p for p in with_folds(found, count=2).problems if p.kind == "class missing in fold"]

    # adenosis is of one case only: whichever fold tests it has none to learn from
    assert any("adenosis" in p.what and "learn from" in p.what for p in told)
    assert not any("phyllodes" in p.what for p in told)
