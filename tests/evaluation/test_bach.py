"""BACH: its folders, the names of its files, and what of them does not agree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from trees import image

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset

STARTS = {"Normal": "n", "Benign": "b", "InSitu": "is", "Invasive": "iv"}


def photos(root: Path) -> Path:
    for n, (folder, start) in enumerate(STARTS.items()):
        for i in (1, 2):
            image(root / "ICIAR2018_BACH_Challenge/Photos" / folder / f"{start}00{i}.tif", 10 * n + i)
    return root


@pytest.mark.parametrize("place", ["", "ICIAR2018_BACH_Challenge", "ICIAR2018_BACH_Challenge/Photos"])
def test_the_photographs_from_wherever_one_points(place: str, tmp_path: Path) -> None:
    found = open_dataset("bach", photos(tmp_path) / place)

    assert found.class_names == ("normal", "benign", "in situ", "invasive")
    assert [list(STARTS)[r.label] for r in found.records] == [r.name.split("/")[-2] for r in found.records]
    assert {r.mpp for r in found.records} == {0.42}
    assert [r.patient for r in found.records] == [r.name for r in found.records]
    assert any("too narrow" in note for note in found.notes)
    assert found.problems == ()


def test_names_of_other_classes_are_left_out_odd_ones_kept(tmp_path: Path) -> None:
    root = photos(tmp_path) / "ICIAR2018_BACH_Challenge/Photos"
    (root / "Normal/n001.tif").rename(root / "Normal/iv101.tif")
    (root / "Benign/b001.tif").rename(root / "Benign/scan.tif")
    shutil.rmtree(root / "InSitu")
    (root / "microscopy_ground_truth.csv").write_text("n001.tif,Normal\n")

    found = open_dataset("bach", root)

    assert [r.name for r in found.records] == [
        "Benign/b002.tif", "Benign/scan.tif", "Invasive/iv001.tif", "Invasive/iv002.tif", "Normal/n002.tif"
    ]  # fmt: skip
    assert [(p.kind, p.name, p.left_out) for p in found.problems] == [
        ("malformed name", "Benign/scan.tif", False),
        ("missing", "InSitu", False),
        ("mislabelled", "Normal/iv101.tif", True),
        ("empty class", "in situ", False),
    ]


def test_a_root_of_something_else_says_what_was_expected(tmp_path: Path) -> None:
    image(tmp_path / "cats/1.tif")

    with pytest.raises(DatasetError, match=r"Photos/\{Normal,Benign.*Found there: cats"):
        open_dataset("bach", tmp_path)
    with pytest.raises(DatasetError, match="is not there"):
        open_dataset("bach", tmp_path / "absent")
    with pytest.raises(DatasetError, match="is a file"):
        open_dataset("bach", tmp_path / "cats/1.tif")
