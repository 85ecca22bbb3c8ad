"""LC25000: five folders in two, names that must agree with them, and how little its intervals mean."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from trees import image

from napari_histoalign.evaluation.datasets import open_dataset

FOLDERS = ("lung_aca", "lung_n", "lung_scc", "colon_aca", "colon_n")


def small(root: Path) -> Path:
    for n, folder in enumerate(FOLDERS):
        organ = folder.split("_")[0]
        for i in (1, 10, 2):
            name = f"{folder.replace('_', '')}{i}.jpeg"
            image(
                root / f"LC25000/lung_colon_image_set/{organ}_image_sets" / folder / name, 20 * n + i, (8, 8)
            )
    return root


@pytest.mark.parametrize("place", ["", "LC25000", "LC25000/lung_colon_image_set"])
def test_its_folders_from_wherever_one_points(place: str, tmp_path: Path) -> None:
    found = open_dataset("lc25000", small(tmp_path) / place)

    assert [FOLDERS[r.label] for r in found.records] == [r.name.split("/")[-2] for r in found.records]
    assert (len(found.records), len(found.class_names)) == (15, 5)
    assert found.problems == ()
    assert any("far too narrow" in note and "1,250" in note for note in found.notes)


def test_names_of_other_classes_are_left_out_odd_ones_kept(tmp_path: Path) -> None:
    root = small(tmp_path) / "LC25000/lung_colon_image_set"
    lung = root / "lung_image_sets"
    (lung / "lung_aca/lungaca1.jpeg").rename(lung / "lung_aca/lungscc7.jpeg")
    (lung / "lung_n/lungn1.jpeg").rename(lung / "lung_n/lungn.jpeg")
    (lung / "lung_n/lungn2.jpeg").rename(lung / "lung_n/7.jpeg")
    shutil.rmtree(root / "colon_image_sets/colon_n")

    found = open_dataset("lc25000", root)

    assert len(found.records) == 11
    assert [(p.kind, p.name.split("/")[-1], p.left_out) for p in found.problems] == [
        ("empty class", "benign colon tissue", False),
        ("missing", "colon_n", False),
        ("mislabelled", "lungscc7.jpeg", True),
        ("malformed name", "7.jpeg", False),
        ("malformed name", "lungn.jpeg", False),
    ]
