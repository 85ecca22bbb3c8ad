"""BreakHis: its grammar, its options, and what of its files is told."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from trees import breakhis, breakhis_image

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.datasets.breakhis import PUBLISHED, SUBTYPES, case_of
from napari_histoalign.evaluation.leakage import check_images

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet, Problem

BREAST = "BreaKHis_v1/histology_slides/breast"
IMAGE = f"{BREAST}/benign/SOB/fibroadenoma/SOB_B_F_14-9133/40X/SOB_B_F-14-9133-40-001.png"


def told(found: ImageSet, kind: str) -> list[Problem]:
    return [problem for problem in found.problems if problem.kind == kind]


def test_a_record_says_all_that_the_name_says(tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path), classes="subtypes")
    record = next(r for r in found.records if "22549AB-100-002" in r.name)

    assert record.name == (
        f"{BREAST}/benign/SOB/adenosis/SOB_B_A_14-22549AB/100X/SOB_B_A-14-22549AB-100-002.png"
    )
    assert (record.patient, record.magnification, record.fine_label) == ("14-22549", "100X", "adenosis")
    assert found.class_names == tuple(name.replace("_", " ") for name in SUBTYPES.values())
    assert all(found.class_names[r.label] == r.fine_label for r in found.records)
    assert list(found.records) == sorted(found.records, key=lambda r: r.name)
    assert found.positive is None
    assert (found.root, found.prompts) == (tmp_path, "breakhis-subtypes")


def test_its_published_layout_from_wherever_one_points(tmp_path: Path) -> None:
    root = breakhis(tmp_path)

    found = open_dataset("breakhis", root)

    assert (found.class_names, found.positive) == (("benign", "malignant"), 1)
    assert Counter(found.class_names[r.label] for r in found.records) == {"benign": 12, "malignant": 12}
    for place in ("BreaKHis_v1", "BreaKHis_v1/histology_slides/breast"):
        inside = open_dataset("breakhis", root / place)
        assert [(r.label, r.patient) for r in inside.records] == [(r.label, r.patient) for r in found.records]


def test_options_together_and_values_that_there_are_not(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    eight = open_dataset("breakhis", root, classes="subtypes", magnifications="100X", patients="folder")
    assert (len(eight.class_names), len(eight.records)) == (8, 12)
    assert len({r.patient for r in eight.records}) == 6
    with pytest.raises(DatasetError, match="classes must be one of binary, subtypes"):
        open_dataset("breakhis", root, classes="nine")


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("SOB_M_DC-14-13412-100-001.png", "14-13412"),
        ("a/b/SOB_B_TA-14-16184CD-400-012.png", "14-16184"),
        ("SOB_B_PT-14-21998AB-40-070.png", "14-21998"),
    ],
)
def test_the_case_is_year_and_number_without_letters(name: str, case: str) -> None:
    assert case_of(name) == case


@pytest.mark.parametrize(
    "name",
    [
        "SOB_M_DC-14-13412-50-001.png",
        "SOB_X_DC-14-13412-100-001.png",
        "SOB_M_XX-14-13412-100-001.png",
        "SOB_M_DC-14-13412-100-1.png",
        "SOB_M_DC-14-13412-100-001.png.png",
        "SOB_M_DC-14-١٣-100-001.png",
        "SOB_M_DC-14-13412-100-001.PNG\n",
    ],
)
def test_other_names_have_no_case(name: str) -> None:
    with pytest.raises(DatasetError, match="no file name of BreakHis"):
        case_of(name)


def test_patients_are_cases_or_slides(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    by_case, by_slide = (open_dataset("breakhis", root, patients=p) for p in ("accession", "folder"))

    assert {r.patient for r in by_case.records} == {
        "14-22549", "14-9133", "14-9134", "14-2523", "14-13412"
    }  # fmt: skip
    assert {r.patient for r in by_slide.records} == {r.name.split("/")[-3] for r in by_case.records}
    assert "accession number" in by_case.notes[0]
    assert "too narrow" in by_slide.notes[0]
    # drawn folds hold cases together even where slides count as patients
    for fold in by_slide.folds:
        cases = [{case_of(by_slide.records[i].name) for i in part} for part in (fold.train, fold.test)]
        assert cases[0].isdisjoint(cases[1])
    assert all(r.group == case_of(r.name) for found in (by_case, by_slide) for r in found.records)


def test_magnifications_come_in_the_sets_order_and_alone(tmp_path: Path) -> None:
    root = breakhis(tmp_path)

    found = open_dataset("breakhis", root, magnifications="100x, 40X")
    assert Counter(r.magnification for r in found.records) == {"40X": 12, "100X": 12}
    assert not told(found, "missing") or all("200X" not in p.what for p in found.problems)
    assert f"{len(found.records)} of the {PUBLISHED['40X'] + PUBLISHED['100X']:,}" in " ".join(found.notes)
    assert len(open_dataset("breakhis", root, magnifications=("40X",)).records) == 12
    with pytest.raises(DatasetError, match="magnifications must be one of 40X"):
        open_dataset("breakhis", root, magnifications="20X")
    with pytest.raises(DatasetError, match="Name at least one"):
        open_dataset("breakhis", root, magnifications=())
    with pytest.raises(DatasetError, match="holds no image"):
        open_dataset("breakhis", root, magnifications="200X")


def test_pixel_sizes_are_none_published_or_given(tmp_path: Path) -> None:
    root = breakhis(tmp_path)

    none = open_dataset("breakhis", root)
    assert {r.mpp for r in none.records} == {None}
    assert any("No pixel size is assumed" in note for note in none.notes)
    optics = open_dataset("breakhis", root, mpp="published")
    shown = {r.magnification: round(r.mpp or 0, 2) for r in optics.records}
    assert shown == {"40X": 0.49, "100X": 0.20}
    # 6.5 um pixels behind a 3.3x relay and lenses of 4x and 10x
    assert sorted({r.mpp or 0 for r in optics.records}) == pytest.approx([6.5 / 33, 6.5 / 13.2])
    given = open_dataset("breakhis", root, mpp="1.0", magnifications="100X")
    assert {r.mpp for r in given.records} == {1.0}
    with pytest.raises(DatasetError, match="one magnification only"):
        open_dataset("breakhis", root, mpp=1.0)
    for wrong in ("wide", 0, -1, float("nan")):
        with pytest.raises(DatasetError, match="number of micrometres"):
            open_dataset("breakhis", root, mpp=wrong, magnifications="40X")


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (IMAGE.replace("-001.png", "-1.png"), "malformed name"),
        (IMAGE.replace("B_F-", "B_A-"), "mislabelled"),
        (IMAGE.replace("B_F-", "M_F-"), "mislabelled"),
        (IMAGE.replace("B_F-", "M_DC-"), "mislabelled"),
        (IMAGE.replace("-9133-40-", "-9134-40-"), "misplaced"),
        (IMAGE.replace("-40-001", "-100-001"), "misplaced"),
        (f"{BREAST}/benign/SOB/fibroadenoma/SOB_B_F_14-9133/SOB_B_F-14-9133-40-001.png", "misplaced"),
        (f"{BREAST}/benign/SOB/fibroadenoma/SOB_B_F_14-9133/40X/more/1.png", "unexpected folder"),
        (f"{BREAST}/benign/SOB/fibroadenoma/SOB_B_F_14-9133/30X/1.png", "unexpected folder"),
        (f"{BREAST}/benign/SOB/hamartoma/1.png", "unexpected folder"),
        (f"{BREAST}/benign/CNB/1.png", "unexpected folder"),
    ],
)
def test_what_is_in_the_wrong_place_is_left_out_and_named(place: str, kind: str, tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    before = open_dataset("breakhis", root)
    odd = root / place
    odd.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / IMAGE, odd)
    (root / IMAGE).unlink()

    found = open_dataset("breakhis", root)

    assert len(found.records) == len(before.records) - 1
    (problem,) = [p for p in told(found, kind) if place.startswith(p.name)]
    assert problem.left_out


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    shutil.rmtree(root / BREAST / "benign/SOB/fibroadenoma/SOB_B_F_14-9133/100X")
    shutil.rmtree(root / BREAST / "malignant")

    found = open_dataset("breakhis", root, magnifications="40X,100X")

    missing = {p.name: p.what for p in told(found, "missing")}
    assert f"{BREAST}/malignant" in missing
    assert f"{BREAST}/benign/SOB/tubular_adenoma" in missing
    assert "100X" in missing[f"{BREAST}/benign/SOB/fibroadenoma/SOB_B_F_14-9133"]
    assert [p.name for p in told(found, "empty class")] == ["malignant"]


def test_what_systems_leave_behind_is_no_image(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    before = open_dataset("breakhis", root)
    for junk in (f"._{Path(IMAGE).name}", "Thumbs.db", ".DS_Store"):
        (root / IMAGE).with_name(junk).write_bytes(b"junk")
    (root / IMAGE).with_name("readme.txt").write_text("a word")

    found = open_dataset("breakhis", root)

    assert found.records == before.records
    added = set(found.problems) - set(before.problems)
    assert [(p.kind, Path(p.name).name, p.left_out) for p in added] == [("no image", "readme.txt", False)]


def test_a_slide_with_two_diagnoses_is_compared_file_by_file(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    duct, lobe = (
        root / BREAST / f"malignant/SOB/{folder}/SOB_M_{kind}_14-13412/40X/SOB_M_{kind}-14-13412-40-001.png"
        for kind, folder in (("DC", "ductal_carcinoma"), ("LC", "lobular_carcinoma"))
    )
    assert "0 of the 4 images" in told(open_dataset("breakhis", root), "duplicate")[0].what
    shutil.copy(duct, lobe)

    (problem,) = told(open_dataset("breakhis", root), "duplicate")

    assert "14-13412" in problem.what
    assert "ductal carcinoma (4 images)" in problem.what
    assert "1 of the 4 images of the same number are the same file" in problem.what


def test_cases_with_more_than_one_diagnosis_are_told(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    breakhis_image(root, "A", "14-2523CD", 40, 1, 77)

    shared = {p.what.split()[2]: p.what for p in told(open_dataset("breakhis", root), "shared patient")}

    assert shared.keys() == {"14-13412", "14-2523"}
    assert "adenosis and ductal carcinoma" in shared["14-2523"]


def test_too_few_patients_give_no_folds_and_say_so(tmp_path: Path) -> None:
    for kind, slide in (("A", "14-1"), ("DC", "14-2")):
        breakhis_image(tmp_path, kind, slide, 40, 1, 0)

    found = open_dataset("breakhis", tmp_path)

    assert found.folds == ()
    assert "No folds: 2 patients cannot be dealt to 5" in found.fold_note


def test_damage_and_other_sizes_are_found_when_images_are_read(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    (root / IMAGE).write_bytes((root / IMAGE).read_bytes()[:-40])
    found = open_dataset("breakhis", root)

    problems = check_images(found).problems

    assert [p.name for p in problems if p.kind == "unreadable"] == [IMAGE]
    assert sum(p.kind == "wrong size" for p in problems) == len(found.records) - 1
    assert "12 x 8 pixels; the published images have 700 x 460 or 700 x 456" in problems[0].what


def test_the_real_images_by_class_subtype_magnification_and_patient(test_data: Path) -> None:
    with (test_data / "breakhis.csv").open(newline="") as file:
        rows = {r["file"].removeprefix("breakhis/"): r for r in csv.DictReader(file)}
    rows = {name: row for name, row in rows.items() if name.startswith("BreaKHis_v1")}

    found = open_dataset("breakhis", test_data / "breakhis")

    assert len(found.records) == 159
    assert {r.name for r in found.records} == rows.keys()
    for record in found.records:
        row = rows[record.name]
        assert found.class_names[record.label] == row["label"]
        assert record.fine_label == row["subtype"].replace("_", " ")
        assert record.magnification == f"{row['magnification']}X"
        assert record.patient == row["patient"].rstrip("ABCDEFG")
    assert not [p for p in found.problems if p.left_out]
    # 21998 gave a phyllodes tumour and a fibroadenoma
    assert ["14-21998" in p.what for p in told(found, "shared patient")] == [True]
    assert found.read(found.records[0]).shape[2] == 3
    checked = check_images(found)
    assert checked.hashes == {name: row["sha256"] for name, row in rows.items()}
    assert checked.problems == ()
