"""NCT-CRC-HE: nine tissues of the colon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets.options import pixel_size
from napari_histoalign.evaluation.datasets.pixels import FileReader
from napari_histoalign.evaluation.datasets.survey import Survey, image_set, is_image, join
from napari_histoalign.evaluation.records import ImageRecord

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet

TISSUES = {
    "ADI": "adipose",
    "BACK": "background",
    "DEB": "debris",
    "LYM": "lymphocytes",
    "MUC": "mucus",
    "MUS": "smooth muscle",
    "NORM": "normal mucosa",
    "STR": "cancer-associated stroma",
    "TUM": "adenocarcinoma epithelium",
}
PARTS = ("CRC-VAL-HE-7K", "NCT-CRC-HE-100K", "NCT-CRC-HE-100K-NONORM")
"""Folders of the set as published; the first is the part to judge by, of other patients than the rest."""

MPP = 0.5
LAYOUT = (
    f"{', '.join(PARTS)} or one of them, each with the folders {', '.join(TISSUES)} of .tif or .png files; "
    "or files named such as ADI-AAAMHQMK.tif"
)
CITATION = (
    "Kather JN, Halama N, Marx A. 100,000 histological images of human colorectal cancer and healthy tissue. "
    "Zenodo, 2018. doi:10.5281/zenodo.1214456"
)


def open_nct_crc(root: str | Path, *, part: str | None = None, mpp: float | str | None = MPP) -> ImageSet:
    """NCT-CRC-HE in its published layout, or files named by class in one folder.

    Parameters
    ----------
    root
        One of the parts, the folder they lie in, or a folder of files.
    part
        Which of several parts; None takes CRC-VAL-HE-7K, whose patients are not among the others'.
    mpp
        Micrometres per pixel; published as 0.5.

    Raises
    ------
    DatasetError
        Nothing usable is there, or the part asked for is not.
    """
    size = pixel_size(mpp)
    survey = Survey(root)
    below, notes = _place(survey, part)
    records: list[ImageRecord] = []
    if survey.has(below, *TISSUES):
        for code, at in survey.known_folders(below, TISSUES):
            for name in survey.images(at):
                records += _records(survey, join(at, name), code, size)
    else:
        for name in survey.entries(below)[1]:
            if is_image(name):
                records += _records(survey, join(below, name), None, size)
    return image_set(
        survey,
        records,
        name=f"nct-crc ({below})" if below else "nct-crc",
        class_names=tuple(TISSUES.values()),
        read=FileReader(survey.root, sizes=((224, 224),)),
        expected=LAYOUT,
        notes=(
            *notes,
            "The names do not say whom an image is of: each counts as a patient of its own, so that "
            "intervals are too narrow, and folds may have a patient on both sides.",
        ),
        prompts="nct-crc",
        citation=CITATION,
    )


def _place(survey: Survey, part: str | None) -> tuple[str, list[str]]:
    """Folder of the part to read, below the root, and a note where there was a choice."""
    here = {name for name in survey.entries()[0] if name in PARTS}
    if part is not None:
        if part in here:
            return part, []
        if part == survey.root.resolve().name:
            return "", []
        raise DatasetError(
            f"{survey.root} holds no part {part!r}. There is: "
            f"{', '.join(sorted(here)) or 'none of the parts'}."
        )
    if not here:
        return "", []
    first = next(p for p in PARTS if p in here)
    others = sorted(here - {first})
    return first, [f"Read was {first}; {', '.join(others)} lies there too."] if others else []


def _records(survey: Survey, path: str, code: str | None, mpp: float | None) -> list[ImageRecord]:
    """The record of a file; none, and a word why, where its class is in doubt."""
    named = path.rsplit("/", 1)[-1].split("-", 1)[0]
    if named not in TISSUES:
        if code is None:
            what = "Its name does not begin with a class, as ADI-AAAMHQMK.tif does."
            survey.tell("malformed name", path, what, left_out=True)
            return []
        what = f"Its name does not begin with a class; its folder's, {code}, was taken."
        survey.tell("malformed name", path, what)
    elif code is not None and named != code:
        what = f"Its name says {named}, its folder says {code}."
        survey.tell("mislabelled", path, what, left_out=True)
        return []
    return [ImageRecord(path, list(TISSUES).index(code or named), path, mpp=mpp)]
