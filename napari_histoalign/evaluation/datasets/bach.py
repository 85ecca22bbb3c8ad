"""BACH: breast tissue in four classes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.evaluation.datasets.options import pixel_size
from napari_histoalign.evaluation.datasets.pixels import FileReader
from napari_histoalign.evaluation.datasets.survey import Survey, image_set, join
from napari_histoalign.evaluation.records import ImageRecord

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet

FOLDERS = {
    "Normal": ("normal", "n"),
    "Benign": ("benign", "b"),
    "InSitu": ("in situ", "is"),
    "Invasive": ("invasive", "iv"),
}
"""Class, and how the names of its files begin, by folder."""

MPP = 0.42
LAYOUT = "ICIAR2018_BACH_Challenge/Photos/{Normal,Benign,InSitu,Invasive}/*.tif, with names such as n001.tif"
CITATION = (
    "Aresta G, Araujo T, Kwok S, et al. BACH: Grand challenge on breast cancer histology images. "
    "Medical Image Analysis 56, 2019, 122-139. doi:10.1016/j.media.2019.05.010"
)
_NAME = re.compile(r"(n|b|is|iv)\d+\.tiff?", re.ASCII | re.IGNORECASE)
_PLACES = ("", "Photos", "ICIAR2018_BACH_Challenge/Photos")


def open_bach(root: str | Path, *, mpp: float | str | None = MPP) -> ImageSet:
    """The photographs of BACH in their published layout.

    Parameters
    ----------
    root
        Photos, or one of the two folders it lies in.
    mpp
        Micrometres per pixel; published as 0.42.

    Raises
    ------
    DatasetError
        Nothing usable is there.
    """
    size = pixel_size(mpp)
    survey = Survey(root)
    records: list[ImageRecord] = []
    for folder, at in survey.known_folders(survey.base("bach", _PLACES, FOLDERS, LAYOUT), FOLDERS):
        label = list(FOLDERS).index(folder)
        title, prefix = FOLDERS[folder]
        for name in survey.images(at, (".tif", ".tiff", ".png")):
            path = join(at, name)
            parsed = _NAME.fullmatch(name)
            if parsed is not None and parsed[1].lower() != prefix:
                what = f"Its name begins as those of another class than its folder's, {title}."
                survey.tell("mislabelled", path, what, left_out=True)
                continue
            if parsed is None:
                what = f"Its name is not of the form {prefix}001.tif; its folder's class was taken."
                survey.tell("malformed name", path, what)
            records.append(ImageRecord(path, label, path, mpp=size))
    return image_set(
        survey,
        records,
        name="bach",
        class_names=tuple(title for title, _ in FOLDERS.values()),
        read=FileReader(survey.root, sizes=((2048, 1536),)),
        expected=LAYOUT,
        notes=(
            "The names do not say whom an image is of: each counts as a patient of its own, so that "
            "intervals are too narrow, and folds may have a patient on both sides.",
        ),
        prompts="bach",
        citation=CITATION,
    )
