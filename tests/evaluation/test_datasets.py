"""Readers of published layouts: what is there is found, what is wrong is named, nothing is dropped."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from trees import breakhis, breakhis_image, image

from napari_histoalign.alignment import PromptSet
from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import DATASETS, open_dataset, options_of
from napari_histoalign.evaluation.leakage import check_images, leaks


def labels(found) -> Counter:
    return Counter(found.class_names[record.label] for record in found.records)


def kinds(found) -> set[str]:
    return {problem.kind for problem in found.problems}


def test_breakhis_in_its_published_layout(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    found = open_dataset("breakhis", root)

    assert found.class_names == ("benign", "malignant") and found.positive == 1
    assert labels(found) == {"benign": 12, "malignant": 12}
    assert {r.magnification for r in found.records} == {"40X", "100X"}
    assert all(r.mpp is None for r in found.records)
    # 13412 is there as ductal and as lobular carcinoma: one accession number
    assert len({r.patient for r in found.records}) == 5
    assert any("13412" in p.name + p.what for p in found.problems)
    for place in ("BreaKHis_v1", "BreaKHis_v1/histology_slides/breast"):
        assert labels(open_dataset("breakhis", root / place)) == labels(found)


def test_breakhis_options(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    eight = open_dataset("breakhis", root, classes="subtypes", magnifications="100X", patients="folder")
    assert len(eight.class_names) == 8 and len(eight.records) == 12
    assert {r.fine_label for r in eight.records} >= set() and len({r.patient for r in eight.records}) == 6
    optics = open_dataset("breakhis", root, mpp="published")
    # 6.5 um pixels behind a 3.3x relay and lenses of 4x and 10x
    assert sorted({r.mpp for r in optics.records}) == pytest.approx([6.5 / 33, 6.5 / 13.2])
    with pytest.raises(DatasetError, match="no option 'colour'"):
        open_dataset("breakhis", root, colour=1)
    with pytest.raises(DatasetError):
        open_dataset("breakhis", root, classes="nine")


def test_breakhis_names_what_is_wrong(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    odd = breakhis_image(root, "F", "14-9133", 40, 3, 90)
    odd.rename(odd.with_name("SOB_B_F-14-9133-40.png"))
    wrong = breakhis_image(root, "DC", "14-2523", 40, 4, 91)
    wrong.rename(wrong.with_name("SOB_B_A-14-2523-40-004.png"))
    found = open_dataset("breakhis", root)
    assert len(found.records) == 24
    told = " ".join(f"{p.kind}: {p.name}" for p in found.problems)
    assert "SOB_B_F-14-9133-40.png" in told and "SOB_B_A-14-2523-40-004.png" in told
    assert {"malformed name", "mislabelled"} <= kinds(found)


def test_official_folds_are_parsed_and_leaks_found(tmp_path: Path) -> None:
    root = breakhis(tmp_path)
    names = sorted(p.name for p in root.rglob("*.png"))
    lists = tmp_path / "lists"
    lists.mkdir()
    for fold in range(1, 6):
        part = {n: "test" if "9133" in n or "2523" in n else "train" for n in names}
        lines = [f"{n}|{n.split('-')[-2]}|{fold}|{part[n]}" for n in names]
        if fold == 1:
            lines.append("SOB_B_F-14-1-40-001.png|40|1|train")
            lines.append("no line at all")
        (lists / f"dsfold{fold}.txt").write_text("\n".join(lines))
    found = open_dataset("breakhis", root, folds=lists)
    assert len(found.folds) == 5 and all(f.official for f in found.folds)
    test = {found.records[i].patient for i in found.folds[0].test}
    assert test.isdisjoint({found.records[i].patient for i in found.folds[0].train}) and len(test) == 2
    told = " ".join(p.name + p.what for p in found.problems)
    assert "SOB_B_F-14-1-40-001.png" in told and "no line at all" in told
    assert not [p for p in leaks(found) if "patient in train" in p.kind]
    # with the slide's folder as patient, accession number 13412 may stand on both sides
    (lists / "dsfold2.txt").write_text(
        "\n".join(f"{n}|{n.split('-')[-2]}|2|{'test' if 'LC' in n else 'train'}" for n in names)
    )
    leaking = leaks(open_dataset("breakhis", root, folds=lists))
    assert any(p.kind == "patient in train and test" and "13412" in p.what for p in leaking)


def test_drawn_folds_keep_patients_together_and_are_called_unofficial(tmp_path: Path) -> None:
    found = open_dataset("breakhis", breakhis(tmp_path))
    assert len(found.folds) == 5
    for fold in found.folds:
        assert not fold.official and fold.name.startswith("unofficial")
        parts = [{found.records[i].patient for i in part} for part in (fold.train, fold.test)]
        assert parts[0].isdisjoint(parts[1])
    tested = np.concatenate([fold.test for fold in found.folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(24))
    again = open_dataset("breakhis", tmp_path)
    assert all(np.array_equal(a.test, b.test) for a, b in zip(found.folds, again.folds, strict=True))


def test_the_real_images(test_data: Path) -> None:
    found = open_dataset("breakhis", test_data / "breakhis")
    with (test_data / "breakhis.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("breakhis/")]
    assert len(found.records) == len(rows) == 159
    assert labels(found) == Counter(row["label"] for row in rows)
    assert found.read(found.records[0]).shape[2] == 3


def test_idc(tmp_path: Path) -> None:
    for label in "01":
        for n in range(3):
            image(tmp_path / f"8863/{label}/8863_idx5_x{51 + n}_y1251_class{label}.png", n)
    image(tmp_path / "8863/1/8863_idx5_x99_y1251_class0.png", 9)
    found = open_dataset("idc", tmp_path)
    assert labels(found) == {"non-IDC": 3, "IDC": 3} and {r.patient for r in found.records} == {"8863"}
    assert kinds(found) >= {"mislabelled"}


def test_nct_crc(tmp_path: Path) -> None:
    tissues = ["ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM"]
    for n, tissue in enumerate(tissues):
        image(tmp_path / "CRC-VAL-HE-7K" / tissue / f"{tissue}-TCGA-AAAA.tif", n)
    found = open_dataset("nct-crc", tmp_path)
    assert len(found.records) == len(found.class_names) == 9
    assert {r.mpp for r in found.records} == {0.5}
    shutil.rmtree(tmp_path / "CRC-VAL-HE-7K" / "TUM")
    assert any("TUM" in p.name + p.what for p in open_dataset("nct-crc", tmp_path).problems)


def test_pcam(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3)).astype(np.uint8)
    for what, data in (("x", x), ("y", np.array([0, 1, 0, 1, 1], np.uint8).reshape(5, 1, 1, 1))):
        with h5py.File(tmp_path / f"camelyonpatch_level_2_split_test_{what}.h5", "w") as file:
            file[what] = data
    found = open_dataset("pcam", tmp_path)
    assert labels(found) == {"normal": 2, "metastasis": 3}
    for n, record in enumerate(found.records):
        np.testing.assert_array_equal(found.read(record), x[n])
    with pytest.raises(DatasetError):
        open_dataset("pcam", tmp_path, split="train")


def test_bach_and_lc25000(tmp_path: Path) -> None:
    for folder, start in (("Normal", "n"), ("Benign", "b"), ("InSitu", "is"), ("Invasive", "iv")):
        image(tmp_path / "bach/Photos" / folder / f"{start}001.tif")
    assert set(labels(open_dataset("bach", tmp_path / "bach")).values()) == {1}
    for organ, kind in (("lung", "aca"), ("lung", "n"), ("lung", "scc"), ("colon", "aca"), ("colon", "n")):
        folder = tmp_path / f"lc/lung_colon_image_set/{organ}_image_sets/{organ}_{kind}"
        image(folder / f"{organ}{kind}1.jpeg")
    found = open_dataset("lc25000", tmp_path / "lc")
    assert set(labels(found).values()) == {1} and len(found.class_names) == 5
    assert any("too narrow" in note for note in found.notes)


def test_a_folder_and_a_table(tmp_path: Path) -> None:
    for n in range(4):
        image(tmp_path / "set" / ("a", "b")[n % 2] / f"{n}.png", n)
    assert labels(open_dataset("folder", tmp_path / "set")) == {"a": 2, "b": 2}
    table = tmp_path / "set" / "images.csv"
    table.write_text(
        "path,label,patient,mpp\na/0.png,x,p1,0.5\nb/1.png,y,p2,\nb/9.png,y,p2,\na/2.png,x,p1,wide\n"
    )
    found = open_dataset("folder", table)
    assert [(r.name, r.patient, r.mpp) for r in found.records][:2] == [
        ("a/0.png", "p1", 0.5),
        ("b/1.png", "p2", None),
    ]
    told = " ".join(p.name + p.what for p in found.problems)
    assert "9.png" in told and "wide" in told
    table.write_text("name,class\n1,2\n")
    with pytest.raises(DatasetError, match="path"):
        open_dataset("folder", table)


def test_identical_and_damaged_files_are_told(tmp_path: Path) -> None:
    image(tmp_path / "a/1.png", 1)
    shutil.copy(tmp_path / "a/1.png", tmp_path / "b_1.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "b_1.png").rename(tmp_path / "b/1.png")
    image(tmp_path / "b/2.png", 2)
    (tmp_path / "b/3.png").write_bytes((tmp_path / "b/2.png").read_bytes()[:60])
    found = open_dataset("folder", tmp_path)
    checked = check_images(found)
    told = {p.kind: p for p in checked.problems}
    assert told["unreadable"].name == "b/3.png"
    assert any(p.kind.startswith("duplicate") for p in checked.problems)
    assert [p.kind for p in leaks(found, checked.hashes)] == ["duplicate of another class"]


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_pixels_are_colours_whatever_the_file(mode: str, tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        Image.new(mode, (5, 4)).save(tmp_path / folder / "1.png")
    found = open_dataset("folder", tmp_path)
    pixels = found.read(found.records[0])
    assert pixels.shape == (4, 5, 3) and pixels.dtype == np.uint8


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_a_folder_without_anything_is_told_with_what_was_expected(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(DatasetError) as found:
        open_dataset(name, tmp_path)
    assert str(tmp_path) in str(found.value)
    assert isinstance(options_of(name), tuple)


def test_every_data_sets_prompts_name_its_classes(tmp_path: Path) -> None:
    breakhis(tmp_path / "breakhis")
    for options in ({}, {"classes": "subtypes"}):
        found = open_dataset("breakhis", tmp_path / "breakhis", **options)
        assert set(PromptSet.load(found.prompts).class_names) == set(found.class_names)
    for name in ("idc", "nct-crc", "metastasis", "bach", "lung-colon", "histoalign-breast"):
        assert len(PromptSet.load(name).class_names) >= 2
