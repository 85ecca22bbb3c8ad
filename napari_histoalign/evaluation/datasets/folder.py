"""A person's own images: a folder for each class, or a table of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets.options import one_of, pixel_size
from napari_histoalign.evaluation.datasets.pixels import FileReader
from napari_histoalign.evaluation.datasets.survey import Survey, image_set, is_image, join
from napari_histoalign.evaluation.datasets.table import Line, is_table, read_table
from napari_histoalign.evaluation.folds import with_folds
from napari_histoalign.evaluation.records import ImageRecord

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet

LAYOUT = (
    "a folder for each class with images in it, or one .csv file with the columns path,label and, if known, "
    "patient,magnification,mpp"
)
OWN_PATIENTS = (
    "It is not said whom an image is of: each counts as a patient of its own, so that intervals are too "
    "narrow if some are of one patient."
)


def open_folder(
    root: str | Path,
    *,
    class_names: str | Sequence[str] | None = None,
    positive: str | None = None,
    patients: str = "image",
    mpp: float | str | None = None,
    folds: int = 5,
    seed: int = 0,
) -> ImageSet:
    """Images in a folder for each class, or named by a table.

    Parameters
    ----------
    root
        Folder of the classes' folders; a .csv file; or a folder that holds one with the columns path and
        label. Paths in a table are relative to its folder; images that it does not name are not looked for.
    class_names
        Order of the classes, as one text with commas between, if need be; None takes them sorted. Images
        of other classes are left out, and told.
    positive
        Name of the class that is looked for, where there are two.
    patients
        "image": each image is a patient of its own; "folder": the folder below the class's is one.
        A table says it in a column.
    mpp
        Micrometres per pixel, where the table does not say.
    folds
        How many to draw where it is known whom every image is of; 0 for none.
    seed
        Of the drawing.

    Raises
    ------
    DatasetError
        Nothing usable is there, the table has no such columns, or an option has no such value.
    """
    one_of("patients", patients, ("image", "folder"))
    if not isinstance(folds, int) or folds == 1 or folds < 0:
        raise DatasetError(f"folds must be 2 or more, or 0 for none; got {folds!r}.")
    size = pixel_size(mpp)
    survey, table = _start(Path(root))
    lines = read_table(survey, table) if table else _walk(survey, patients)
    names = _class_names(class_names, lines)
    records: list[ImageRecord] = []
    for line in lines:
        if line.label in names:
            own = size if line.mpp is None else line.mpp
            label = names.index(line.label)
            patient = line.patient or line.path
            records.append(ImageRecord(line.path, label, patient, line.magnification, own))
        else:
            what = f"Its class {line.label!r} is none of those asked for."
            survey.tell("other class", line.path, what, left_out=True)
    if positive is not None and (positive not in names or len(names) != 2):
        raise DatasetError(
            f"The positive class {positive!r} must be one of two classes; there are {', '.join(names)}."
        )
    known = all(line.patient for line in lines)
    found = image_set(
        survey,
        records,
        name=table.stem if table else survey.root.resolve().name,
        class_names=names,
        read=FileReader(survey.root),
        expected=LAYOUT,
        positive=None if positive is None else names.index(positive),
        notes=() if known else (OWN_PATIENTS,),
    )
    if not known or not folds:
        return found
    return with_folds(found, count=folds, seed=seed, because="Nobody publishes folds of a folder")


def _start(root: Path) -> tuple[Survey, Path | None]:
    """A survey of the folder, and the table if there is one."""
    if root.suffix.lower() == ".csv" and root.is_file():
        return Survey(root.parent), root
    survey = Survey(root)
    files = [name for name in survey.entries()[1] if name.lower().endswith(".csv")]
    tables = [name for name in files if is_table(root / name)]
    if len(tables) > 1:
        raise DatasetError(
            f"{root} holds {len(tables)} tables ({', '.join(tables[:4])}). Name the one that is meant."
        )
    return survey, root / tables[0] if tables else None


def _walk(survey: Survey, patients: str) -> list[Line]:
    """Every image below each class's folder."""
    found: list[Line] = []
    for label in survey.folders():
        waiting = [label]
        while waiting:
            at = waiting.pop()
            folders, files = survey.entries(at)
            waiting += [join(at, name) for name in folders if not (survey.root / at / name).is_symlink()]
            for name in files:
                path = join(at, name)
                if not is_image(name):
                    survey.tell("no image", path, "It does not end as a file of an image does.")
                    continue
                parts = path.split("/")
                patient = parts[1] if patients == "folder" and len(parts) > 2 else ""
                found.append(Line(path, label, patient))
    return found


def _class_names(given: str | Sequence[str] | None, lines: list[Line]) -> tuple[str, ...]:
    """Names of the classes in order."""
    if given is None:
        names = tuple(sorted({line.label for line in lines}))
        if len(names) == 1:
            raise DatasetError(f"All images are of one class, {names[0]!r}; at least two are needed.")
        return names
    names = tuple(n.strip() for n in given.split(",")) if isinstance(given, str) else tuple(given)
    if len(set(names)) < max(2, len(names)):
        raise DatasetError(f"At least two classes are needed, each named once; got {', '.join(names)}.")
    return names
