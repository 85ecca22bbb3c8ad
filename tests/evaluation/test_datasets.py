"""What holds for every data set that can be opened; each has its own tests beside this file."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import breakhis

from napari_histoalign.alignment import PromptSet
from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets import DATASETS, open_dataset, options_of


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_a_folder_without_anything_is_told_with_what_was_expected(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")

    with pytest.raises(DatasetError, match="Expected: ") as found:
        open_dataset(name, tmp_path)

    assert str(tmp_path) in str(found.value)


def test_options_are_those_of_the_opener_and_others_are_refused(tmp_path: Path) -> None:
    assert options_of("bach") == ("mpp",)
    assert options_of("pcam")[0] == "split"
    with pytest.raises(DatasetError, match="no option 'colour'; it has classes, magnifications"):
        open_dataset("breakhis", tmp_path, colour=1)
    with pytest.raises(DatasetError, match="no data set 'camelyon'; there are breakhis"):
        options_of("camelyon")


def test_every_data_sets_prompts_name_its_classes(tmp_path: Path) -> None:
    breakhis(tmp_path / "breakhis")
    for options in ({}, {"classes": "subtypes"}):
        found = open_dataset("breakhis", tmp_path / "breakhis", **options)
        assert set(PromptSet.load(found.prompts).class_names) == set(found.class_names)
    for name in ("idc", "nct-crc", "metastasis", "bach", "lung-colon", "histoalign-breast"):
        assert len(PromptSet.load(name).class_names) >= 2
