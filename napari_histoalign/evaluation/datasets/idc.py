"""IDC: patches of breast cancer slides with and without invasive ductal carcinoma."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.evaluation.datasets.options import pixel_size
from napari_histoalign.evaluation.datasets.pixels import FileReader
from napari_histoalign.evaluation.datasets.survey import Survey, image_set, is_image, join
from napari_histoalign.evaluation.records import ImageRecord

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet

LAYOUT = (
    "<patient>/<0 or 1>/<patient>_idx5_x51_y1251_class0.png, the patients' folders in the root or in "
    "IDC_regular_ps50_idx5"
)
NESTED = "IDC_regular_ps50_idx5"
CITATION = (
    "Cruz-Roa A, Basavanhally A, Gonzalez F, et al. Automatic detection of invasive ductal carcinoma in "
    "whole slide images with convolutional neural networks. Proceedings of SPIE 9041, 2014. "
    "doi:10.1117/12.2043872. Janowczyk A, Madabhushi A. Deep learning for digital pathology image "
    "analysis. Journal of Pathology Informatics 7:29, 2016. doi:10.4103/2153-3539.186902"
)
_NAME = re.compile(r"(\d+)_idx\d+_x\d+_y\d+_class([01])\.png", re.ASCII)


def open_idc(root: str | Path, *, mpp: float | str | None = None) -> ImageSet:
    """IDC patches as they are distributed.

    A patch's label stands in its folder and in its name; where the two do not agree it is left out. A
    copy of all patients in a folder of its own, as one archive of the set holds it, is not read twice.
    Patches that lie in the root itself are taken by their names.

    Parameters
    ----------
    root
        Folder of the patients' folders, or the one it lies in.
    mpp
        Micrometres per pixel, if known.

    Raises
    ------
    DatasetError
        Nothing usable is there.
    """
    size = pixel_size(mpp)
    survey = Survey(root)
    records: list[ImageRecord] = []
    folders, files = survey.entries()
    for name in files:
        if is_image(name):
            records += _records(survey, name, None, None, size)
    patients = [(name, name) for name in folders if name.isdecimal()]
    if NESTED in folders:
        beside = {name for name, _ in patients}
        nested = survey.folders(NESTED)
        if twice := beside & set(nested):
            what = (
                f"It holds {len(twice)} patients whose folders also lie beside it; those beside it were read."
            )
            survey.tell("duplicate", NESTED, what, left_out=True)
        patients += [(name, join(NESTED, name)) for name in nested if name not in beside]
    for patient, folder in patients:
        for label, at in survey.known_folders(folder, ("0", "1")):
            for name in survey.images(at):
                records += _records(survey, join(at, name), patient, int(label), size)
    for name in folders:
        if not name.isdecimal() and name != NESTED:
            what = "It is no folder of a patient, whose name is a number; it was not looked into."
            survey.tell("unexpected folder", name, what, left_out=True)
    return image_set(
        survey,
        records,
        name="idc",
        class_names=("non-IDC", "IDC"),
        read=FileReader(survey.root, sizes=((50, 50),)),
        expected=LAYOUT,
        positive=1,
        notes=(
            "Every slide is of a breast cancer: a patch without invasive ductal carcinoma may be fat, "
            "stroma, normal ducts or carcinoma in situ.",
            f"Pixel size as given: {size:g} um/px."
            if size
            else "No pixel size is assumed: the patches were cut from slides that had been made smaller.",
        ),
        prompts="idc",
        citation=CITATION,
    )


def _records(
    survey: Survey, path: str, patient: str | None, label: int | None, mpp: float | None
) -> list[ImageRecord]:
    """The record of a file; none, and a word why, where its name and its folders do not agree."""
    parsed = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    if parsed is None:
        what = "Its name is not of the form 8863_idx5_x51_y1251_class0.png."
        survey.tell("malformed name", path, what, left_out=True)
        return []
    if label is not None and int(parsed[2]) != label:
        what = f"Its name says class {parsed[2]}, its folder says {label}."
        survey.tell("mislabelled", path, what, left_out=True)
        return []
    if patient is not None and parsed[1] != patient:
        what = f"Its name says patient {parsed[1]}, its folder says {patient}."
        survey.tell("misplaced", path, what, left_out=True)
        return []
    return [ImageRecord(path, int(parsed[2]), parsed[1], mpp=mpp)]
