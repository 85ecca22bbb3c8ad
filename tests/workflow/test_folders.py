"""Every slide gets a folder of its own."""

from __future__ import annotations

from pathlib import Path

from napari_histoalign.workflow import result_folders

OUT = Path("out")


def test_a_folder_is_named_like_the_slide_without_its_ending() -> None:
    assert result_folders([Path("a/case 1.svs")], OUT) == [OUT / "case 1"]


def test_endings_tell_slides_of_one_stem_apart() -> None:
    slides = [Path("a.svs"), Path("a.tif"), Path("b.svs")]
    assert result_folders(slides, OUT) == [OUT / "a.svs", OUT / "a.tif", OUT / "b"]


def test_slides_of_one_name_from_different_folders_are_numbered() -> None:
    slides = [Path("x/a.svs"), Path("y/a.svs")]
    assert result_folders(slides, OUT) == [OUT / "a.svs", OUT / "a.svs (2)"]
