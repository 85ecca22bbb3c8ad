"""NCT-CRC-HE: parts, folders or file names, and classes in doubt."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trees import image

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.datasets.nct_crc import TISSUES
from napari_histoalign.evaluation.leakage import check_images


def part(root: Path, name: str = "CRC-VAL-HE-7K", ending: str = "tif", each: int = 2) -> Path:
    for n, code in enumerate(TISSUES):
        for i in range(each):
            image(root / name / code / f"{code}-TCGA-AAAA{i}.{ending}", 10 * n + i)
    return root


@pytest.mark.parametrize("ending", ["tif", "png"])
def test_a_part_given_itself_or_by_its_parent(ending: str, tmp_path: Path) -> None:
    part(tmp_path, ending=ending)

    inside = open_dataset("nct-crc", tmp_path / "CRC-VAL-HE-7K")
    above = open_dataset("nct-crc", tmp_path)

    for found in (inside, above):
        assert found.class_names == tuple(TISSUES.values())
        assert [list(TISSUES)[r.label] for r in found.records] == [
            r.name.split("/")[-2] for r in found.records
        ]
        assert {r.mpp for r in found.records} == {0.5}
        assert len({r.patient for r in found.records}) == 18
        assert any("too narrow" in note for note in found.notes)
        assert found.problems == ()
    assert above.records[0].name == f"CRC-VAL-HE-7K/{inside.records[0].name}"
    np.testing.assert_array_equal(above.read(above.records[3]), inside.read(inside.records[3]))


def test_of_several_parts_the_one_to_judge_by_is_read_and_that_is_said(tmp_path: Path) -> None:
    part(tmp_path)
    part(tmp_path, "NCT-CRC-HE-100K", each=1)

    found = open_dataset("nct-crc", tmp_path)
    assert found.name == "nct-crc (CRC-VAL-HE-7K)"
    assert len(found.records) == 18
    assert "NCT-CRC-HE-100K lies there too" in found.notes[0]
    other = open_dataset("nct-crc", tmp_path, part="NCT-CRC-HE-100K")
    assert len(other.records) == 9
    with pytest.raises(DatasetError, match="holds no part 'NONORM'"):
        open_dataset("nct-crc", tmp_path, part="NONORM")


def test_classes_in_doubt(tmp_path: Path) -> None:
    root = part(tmp_path) / "CRC-VAL-HE-7K"
    (root / "TUM/TUM-TCGA-AAAA0.tif").rename(root / "TUM/STR-TCGA-BBBB.tif")
    (root / "DEB/DEB-TCGA-AAAA0.tif").rename(root / "DEB/0001.tif")
    image(root / "OTHER/x.tif")

    found = open_dataset("nct-crc", tmp_path)

    assert len(found.records) == 17
    assert [found.class_names[r.label] for r in found.records if "0001" in r.name] == ["debris"]
    assert [(p.kind, p.name.split("/", 1)[1], p.left_out) for p in found.problems] == [
        ("malformed name", "DEB/0001.tif", False),
        ("unexpected folder", "OTHER", True),
        ("mislabelled", "TUM/STR-TCGA-BBBB.tif", True),
    ]


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    shutil.rmtree(part(tmp_path) / "CRC-VAL-HE-7K" / "TUM")

    found = open_dataset("nct-crc", tmp_path)

    assert len(found.records) == 16
    assert [(p.kind, p.name) for p in found.problems] == [
        ("missing", "CRC-VAL-HE-7K/TUM"),
        ("empty class", "adenocarcinoma epithelium"),
    ]


def test_files_named_by_class_in_one_folder(tmp_path: Path) -> None:
    for code in ("ADI", "TUM", "XYZ"):
        image(tmp_path / f"{code}-AAAA.tif")

    found = open_dataset("nct-crc", tmp_path)

    assert [found.class_names[r.label] for r in found.records] == ["adipose", "adenocarcinoma epithelium"]
    assert [(p.kind, p.name) for p in found.problems if p.kind != "empty class"] == [
        ("malformed name", "XYZ-AAAA.tif")
    ]
    assert sum(p.kind == "empty class" for p in found.problems) == 7


def test_the_real_tiles(test_data: Path) -> None:
    found = open_dataset("nct-crc", test_data / "tiles" / "nct-crc-he")

    assert [r.label for r in found.records] == list(range(9))
    assert check_images(found).problems == ()
    for record in found.records:
        with Image.open(found.root / record.name) as expected:
            np.testing.assert_array_equal(found.read(record), np.asarray(expected.convert("RGB")))
