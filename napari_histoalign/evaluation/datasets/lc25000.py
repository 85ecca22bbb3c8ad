"""LC25000: lung and colon tissue in five classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.evaluation.datasets.options import pixel_size
from napari_histoalign.evaluation.datasets.pixels import FileReader
from napari_histoalign.evaluation.datasets.survey import Survey, image_set, join
from napari_histoalign.evaluation.records import ImageRecord

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet

ORGANS = {
    "lung_image_sets": {
        "lung_aca": "lung adenocarcinoma",
        "lung_n": "benign lung tissue",
        "lung_scc": "lung squamous cell carcinoma",
    },
    "colon_image_sets": {
        "colon_aca": "colon adenocarcinoma",
        "colon_n": "benign colon tissue",
    },
}
CLASSES = {folder: title for organ in ORGANS.values() for folder, title in organ.items()}
LAYOUT = (
    "lung_colon_image_set/{lung_image_sets/{lung_aca,lung_n,lung_scc},colon_image_sets/{colon_aca,colon_n}}"
    "/*.jpeg, with names such as lungaca1.jpeg"
)
CITATION = (
    "Borkowski AA, Bui MM, Thomas LB, Wilson CP, DeLand LA, Mastorides SM. Lung and Colon Cancer "
    "Histopathological Image Dataset (LC25000). arXiv:1912.12142, 2019"
)
_PLACES = ("", "lung_colon_image_set", "LC25000/lung_colon_image_set")


def open_lc25000(root: str | Path, *, mpp: float | str | None = None) -> ImageSet:
    """LC25000 in its published layout.

    Parameters
    ----------
    root
        lung_colon_image_set, or one of the two folders it lies in.
    mpp
        Micrometres per pixel, if known; none is published.

    Raises
    ------
    DatasetError
        Nothing usable is there.
    """
    size = pixel_size(mpp)
    survey = Survey(root)
    records: list[ImageRecord] = []
    for organ, at_organ in survey.known_folders(survey.base("lc25000", _PLACES, ORGANS, LAYOUT), ORGANS):
        for folder, at in survey.known_folders(at_organ, ORGANS[organ]):
            for name in survey.images(at):
                records += _records(survey, join(at, name), folder, size)
    return image_set(
        survey,
        records,
        name="lc25000",
        class_names=tuple(CLASSES.values()),
        read=FileReader(survey.root, sizes=((768, 768),)),
        expected=LAYOUT,
        notes=(
            "Its 25,000 images were made from 1,250 by turning and mirroring them, and no name says which "
            "are of one original or one patient: each counts as a patient of its own, so that intervals "
            "are far too narrow, and in any fold copies of one original stand on both sides. Nothing may "
            "be learned from it and judged on it.",
        ),
        prompts="lung-colon",
        citation=CITATION,
    )


def _records(survey: Survey, path: str, folder: str, mpp: float | None) -> list[ImageRecord]:
    """The record of a file; none, and a word why, where its name is of another class than its folder."""
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0].lower()
    named = {f.replace("_", ""): f for f in CLASSES}.get(stem.rstrip("0123456789"))
    if named is None or not stem[-1:].isdecimal():
        what = f"Its name is not of the form {folder.replace('_', '')}1.jpeg; its folder's class was taken."
        survey.tell("malformed name", path, what)
    elif named != folder:
        what = f"Its name says {named}, its folder says {folder}."
        survey.tell("mislabelled", path, what, left_out=True)
        return []
    return [ImageRecord(path, list(CLASSES).index(folder), path, mpp=mpp)]
