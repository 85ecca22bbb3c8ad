"""IDC patches: labels that stand twice, copies, and files that do not belong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from trees import image

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.leakage import check_images


def patch(root: Path, patient: str, label: int, x: int, size: tuple[int, int] = (50, 50)) -> Path:
    return image(root / patient / str(label) / f"{patient}_idx5_x{x}_y1251_class{label}.png", x, size)


def small(root: Path) -> Path:
    for patient in ("8863", "10253"):
        for label in (0, 1):
            for x in (51, 101):
                patch(root, patient, label, x)
    return root


def test_label_and_patient_are_those_of_the_name(tmp_path: Path) -> None:
    found = open_dataset("idc", small(tmp_path))

    assert found.class_names == ("non-IDC", "IDC")
    assert (found.positive, found.prompts) == (1, "idc")
    assert [(r.name.split("/")[1], r.patient) for r in found.records] == [
        (str(r.label), r.name.split("/")[0]) for r in found.records
    ]
    assert {r.mpp for r in found.records} == {None}
    assert {r.mpp for r in open_dataset("idc", tmp_path, mpp=2).records} == {2.0}
    assert found.problems == ()


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("8863/1/8863_idx5_x1_y1_class0.png", "mislabelled"),
        ("8863/0/8864_idx5_x1_y1_class0.png", "misplaced"),
        ("8863/0/8863_idx5_x1_y1.png", "malformed name"),
        ("8863/8863_idx5_x1_y1_class0.png", "misplaced"),
        ("8863/2/8863_idx5_x1_y1_class0.png", "unexpected folder"),
        ("more/0/8863_idx5_x1_y1_class0.png", "unexpected folder"),
        ("odd.png", "malformed name"),
    ],
)
def test_what_does_not_agree_is_left_out_and_named(place: str, kind: str, tmp_path: Path) -> None:
    before = open_dataset("idc", small(tmp_path))
    image(tmp_path / place)

    found = open_dataset("idc", tmp_path)

    assert found.records == before.records
    assert [(p.kind, place.startswith(p.name), p.left_out) for p in found.problems] == [(kind, True, True)]


def test_a_second_copy_of_all_patients_is_not_read_twice(tmp_path: Path) -> None:
    small(tmp_path)
    shutil.copytree(tmp_path / "8863", tmp_path / "IDC_regular_ps50_idx5/8863")
    only = small(tmp_path / "IDC_regular_ps50_idx5")
    patch(only, "9999", 0, 51)

    found = open_dataset("idc", tmp_path)

    assert len(found.records) == 9
    assert {r.patient for r in found.records} == {"8863", "10253", "9999"}
    (doubled,) = [p for p in found.problems if p.kind == "duplicate"]
    assert "2 patients" in doubled.what
    assert doubled.left_out
    assert len(open_dataset("idc", only).records) == 9


def test_a_patient_without_one_of_the_classes_is_told(tmp_path: Path) -> None:
    shutil.rmtree(small(tmp_path) / "8863/1")

    found = open_dataset("idc", tmp_path)

    assert [(p.kind, p.name) for p in found.problems] == [("missing", "8863/1")]
    assert len(found.records) == 6


def test_patches_cut_at_the_edge_are_told_when_read(tmp_path: Path) -> None:
    patch(small(tmp_path), "8863", 0, 151, (50, 16))

    (problem,) = [p for p in check_images(open_dataset("idc", tmp_path)).problems if p.kind == "wrong size"]

    assert "50 x 16" in problem.what
    assert not problem.left_out


def test_a_root_without_patients_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()

    with pytest.raises(DatasetError, match=r"class0\.png.*Found there: images"):
        open_dataset("idc", tmp_path)


def test_real_patches_in_one_folder(test_data: Path) -> None:
    found = open_dataset("idc", test_data / "tiles" / "idc")

    assert [r.label for r in found.records] == [0] * 6 + [1] * 3
    assert {r.patient for r in found.records} == {"8867"}
    assert check_images(found).problems == ()
