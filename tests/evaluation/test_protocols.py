"""A balanced subset: as many of each class, cases on one side of folds, and one word about folds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from trees import breakhis, breakhis_image

from napari_histoalign.evaluation.datasets import open_dataset
from napari_histoalign.evaluation.protocols import balanced

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet


def uneven(root: Path) -> Path:
    """More malignant images than benign ones, and two slides of one case."""
    breakhis(root)
    for number in range(3, 9):
        breakhis_image(root, "LC", "14-13412", 40, number, 100 + number)
    return root


def counts(found: ImageSet) -> list[int]:
    return np.bincount([record.label for record in found.records]).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_folds_drawn_anew_hold_cases_together_where_slides_are_patients(seed: int, tmp_path: Path) -> None:
    found = open_dataset("breakhis", uneven(tmp_path), patients="folder")
    assert counts(found) == [12, 18]

    smaller = balanced(found, seed)

    assert counts(smaller) == [12, 12]
    slides = {record.patient for record in smaller.records}
    assert {"SOB_M_DC_14-13412", "SOB_M_LC_14-13412"} <= slides
    for fold in smaller.folds:
        cases = [{smaller.records[i].group for i in part} for part in (fold.train, fold.test)]
        assert cases[0].isdisjoint(cases[1]), fold.name
    tested = np.concatenate([fold.test for fold in smaller.folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(24))


def test_one_word_is_said_about_folds_and_none_about_the_former_ones(tmp_path: Path) -> None:
    found = open_dataset("breakhis", uneven(tmp_path), patients="folder", classes="subtypes", seed=3)
    assert any(p.kind == "class missing in fold" for p in found.problems)
    assert "seed 3" in found.fold_note

    smaller = balanced(found, 7)

    assert "seed 7" in smaller.fold_note and "seed 3" not in smaller.fold_note
    assert not any("folds" in note for note in smaller.notes)
    # each fold that lacks a class is named once, as it is now
    labels = np.array([record.label for record in smaller.records])
    lacking = {
        (fold.name, side)
        for fold in smaller.folds
        for side, part in (("learn from", fold.train), ("judge by", fold.test))
        if set(labels[part]) != set(labels)
    }
    told = [p for p in smaller.problems if p.kind == "class missing in fold"]
    assert len(told) == len(lacking)
    assert all(any(p.name == name and side in p.what for p in told) for name, side in lacking)


def test_publishers_folds_are_not_said_to_be_absent(tmp_path: Path) -> None:
    found = open_dataset("breakhis", uneven(tmp_path))
    official = replace(found, folds=tuple(replace(fold, official=True) for fold in found.folds))

    smaller = balanced(official, 0)

    assert not any(fold.official for fold in smaller.folds)
    assert smaller.fold_note.startswith("The publishers' folds are of all images: the 5 folds are drawn")
    assert balanced(replace(found, folds=()), 0).folds == ()
