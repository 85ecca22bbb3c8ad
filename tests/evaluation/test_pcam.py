"""PatchCamelyon: arrays read row by row, slides from its table, and files that do not belong together."""

from __future__ import annotations

import gzip
import hashlib
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.leakage import check_images, leaks

NAME = "camelyonpatch_level_2_split_{}_{}"


def split(root: Path, name: str, labels: list[int], seed: int = 0) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 96, 96, 3)).astype(np.uint8)
    write(root, name, "x", pixels)
    write(root, name, "y", np.array(labels, np.uint8).reshape(-1, 1, 1, 1))
    return pixels


def write(root: Path, name: str, what: str, data: np.ndarray) -> None:
    root.mkdir(parents=True, exist_ok=True)
    with h5py.File(root / f"{NAME.format(name, what)}.h5", "w") as file:
        file[what] = data


def meta(root: Path, name: str, rows: list[tuple[str, bool]]) -> None:
    lines = [",coord_y,coord_x,tumor_patch,center_tumor_patch,wsi"]
    lines += [f"{i},0,0,True,{tumour},{slide}" for i, (slide, tumour) in enumerate(rows)]
    (root / f"{NAME.format(name, 'meta')}.csv").write_text("\n".join(lines))


@pytest.mark.parametrize("folder", ["", "pcam"])
def test_rows_are_read_as_they_are(folder: str, tmp_path: Path) -> None:
    pixels = split(tmp_path / folder, "test", [0, 1, 1])

    found = open_dataset("pcam", tmp_path)

    assert [r.label for r in found.records] == [0, 1, 1]
    assert [r.name.rsplit("#")[-1] for r in found.records] == ["000000", "000001", "000002"]
    assert {r.mpp for r in found.records} == {0.972}
    again = pickle.loads(pickle.dumps(found.read))
    for i in (2, 0, 1):
        np.testing.assert_array_equal(found.read(found.records[i]), pixels[i])
        np.testing.assert_array_equal(again(found.records[i]), pixels[i])
        assert found.read.digest(found.records[i]) == hashlib.sha256(pixels[i].tobytes()).hexdigest()
    found.read.close()
    np.testing.assert_array_equal(found.read(found.records[1]), pixels[1])
    found.read.close()
    again.close()


def test_slides_of_the_table_are_the_patients(tmp_path: Path) -> None:
    split(tmp_path, "valid", [0, 1, 1])
    meta(tmp_path, "valid", [("normal_001", False), ("tumor_002", True), ("tumor_002", True)])

    found = open_dataset("pcam", tmp_path, split="valid")

    assert [r.patient for r in found.records] == ["normal_001", "tumor_002", "tumor_002"]
    assert found.problems == ()
    assert not any("too narrow" in note for note in found.notes)


def test_a_table_that_does_not_fit_is_passed_over_and_told(tmp_path: Path) -> None:
    split(tmp_path, "test", [0, 1, 1])
    meta(tmp_path, "test", [("a", False)])
    short = open_dataset("pcam", tmp_path)
    assert [p.kind for p in short.problems] == ["unreadable"]
    assert [r.patient for r in short.records] == [r.name for r in short.records]
    assert any("too narrow" in note for note in short.notes)

    (tmp_path / f"{NAME.format('test', 'meta')}.csv").write_text("slide\na\nb\nc\n")
    assert [p.kind for p in open_dataset("pcam", tmp_path).problems] == ["unreadable"]

    meta(tmp_path, "test", [("a", True), ("b", True), ("c", False)])
    (differs,) = open_dataset("pcam", tmp_path).problems
    assert "2 of 3 images" in differs.what


def test_all_splits_have_the_publishers_fold(tmp_path: Path) -> None:
    for seed, (name, labels) in enumerate((("train", [0, 1, 1]), ("valid", [1]), ("test", [1, 0]))):
        split(tmp_path, name, labels, seed)
        meta(tmp_path, name, [(f"{name}_{i}", bool(label)) for i, label in enumerate(labels)])
    meta(tmp_path, "test", [("train_0", True), ("b", False)])

    found = open_dataset("pcam", tmp_path, split="all")

    (fold,) = found.folds
    assert fold.official
    assert ["train" in found.records[i].name for i in fold.train] == [True] * 3
    assert ["_test_" in found.records[i].name for i in fold.test] == [True] * 2
    assert [p.what for p in leaks(found)] == ["fold 1: patient train_0 has 1 images in train and 1 in test."]


def test_identical_rows_are_told(tmp_path: Path) -> None:
    pixels = split(tmp_path, "test", [0, 1, 1])
    pixels[2] = pixels[0]
    write(tmp_path, "test", "x", pixels)

    (problem,) = check_images(open_dataset("pcam", tmp_path)).problems

    assert problem.kind == "duplicate"
    assert "different classes (metastasis, normal)" in problem.what


def test_a_label_of_neither_class_is_left_out(tmp_path: Path) -> None:
    split(tmp_path, "test", [0, 7, 1])

    found = open_dataset("pcam", tmp_path)

    assert [r.name[-1] for r in found.records] == ["0", "2"]
    assert [(p.kind, p.name[-1], p.left_out) for p in found.problems] == [("mislabelled", "1", True)]


def test_packed_absent_and_damaged_files_are_refused_with_a_word(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Expected: camelyonpatch"):
        open_dataset("pcam", tmp_path)
    split(tmp_path, "test", [0, 1])
    x = tmp_path / f"{NAME.format('test', 'x')}.h5"
    whole = x.read_bytes()

    x.write_bytes(whole[:5000])
    with pytest.raises(DatasetError, match="is damaged"):
        open_dataset("pcam", tmp_path)
    x.unlink()
    x.with_name(x.name + ".gz").write_bytes(gzip.compress(whole))
    with pytest.raises(DatasetError, match="still packed"):
        open_dataset("pcam", tmp_path)
    with pytest.raises(DatasetError, match="train"):
        open_dataset("pcam", tmp_path, split="train")
    with pytest.raises(DatasetError, match="split must be one of train, valid, test, all"):
        open_dataset("pcam", tmp_path, split="val")


def test_arrays_of_other_shapes_are_refused(tmp_path: Path) -> None:
    split(tmp_path, "test", [0, 1])

    write(tmp_path, "test", "y", np.zeros((3, 1, 1, 1), np.uint8))
    with pytest.raises(DatasetError, match=r"2 images and .* 3 labels"):
        open_dataset("pcam", tmp_path)
    for wrong in (np.zeros((2, 96, 96), np.uint8), np.zeros((2, 96, 96, 3), np.float32)):
        write(tmp_path, "test", "x", wrong)
        with pytest.raises(DatasetError, match="not of 96 x 96 RGB"):
            open_dataset("pcam", tmp_path)


def test_a_row_that_is_gone_is_named(tmp_path: Path) -> None:
    split(tmp_path, "test", [0, 1, 1])
    found = open_dataset("pcam", tmp_path)
    split(tmp_path, "test", [0])

    with pytest.raises(DatasetError, match=r"Row 000002 of .*test_x\.h5"):
        found.read(found.records[2])
    found.read.close()
