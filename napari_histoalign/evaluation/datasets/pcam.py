"""PatchCamelyon: lymph nodes with and without metastases, as arrays in HDF5."""

from __future__ import annotations

import csv
import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import DatasetError
from napari_histoalign.evaluation.datasets.options import one_of, pixel_size
from napari_histoalign.evaluation.datasets.survey import Survey, image_set
from napari_histoalign.evaluation.records import Fold, ImageRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_histoalign.evaluation.records import ImageSet

SPLITS = ("train", "valid", "test")
SIZE = 96
MPP = 0.972
"""Level 2 of CAMELYON16's slides: four times 0.243."""

LAYOUT = (
    "camelyonpatch_level_2_split_{train,valid,test}_{x,y}.h5, unpacked, and "
    "camelyonpatch_level_2_split_*_meta.csv if it is wanted that images know their slide"
)
CITATION = (
    "Veeling BS, Linmans J, Winkens J, Cohen T, Welling M. Rotation Equivariant CNNs for Digital "
    "Pathology. MICCAI 2018. doi:10.1007/978-3-030-00934-2_24. Ehteshami Bejnordi B, et al. JAMA 318(22), "
    "2017, 2199-2210. doi:10.1001/jama.2017.14585"
)


class ArrayReader:
    """Reads records named "<file>#<row>" from arrays "x" of HDF5 files, opened when first read.

    Parameters
    ----------
    root
        Folder the names are relative to.
    """

    sizes = ((SIZE, SIZE),)

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, record: ImageRecord) -> NDArray[np.uint8]:
        """RGB, uint8, shape (96, 96, 3).

        Raises
        ------
        DatasetError
            It cannot be read; the message names the file and the row.
        """
        file, _, row = record.name.rpartition("#")
        try:
            with self._lock:
                if file not in self._open:
                    self._open[file] = _file(self.root / file)
                return np.asarray(self._open[file]["x"][int(row)], np.uint8)
        except (OSError, KeyError, ValueError, IndexError) as err:
            raise DatasetError(
                f"Row {row} of {self.root / file} cannot be read ({err}). Copy it again."
            ) from err

    def digest(self, record: ImageRecord) -> str:
        """SHA-256 of the row's bytes, in hex."""
        return hashlib.sha256(np.ascontiguousarray(self(record)).data).hexdigest()

    def close(self) -> None:
        """Close the files; they are opened again when read."""
        with self._lock:
            for file in self._open.values():
                file.close()
            self._open.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["root"])  # type: ignore[misc]


def open_pcam(root: str | Path, *, split: str = "test", mpp: float | str | None = MPP) -> ImageSet:
    """PatchCamelyon as published.

    Parameters
    ----------
    root
        Folder of the HDF5 files, or the one a folder pcam with them lies in.
    split
        "train", "valid", "test", or "all", which has one fold: train and test.
    mpp
        Micrometres per pixel; 0.972 by default.

    Raises
    ------
    DatasetError
        The split's files are not there, still packed, damaged, or do not belong together.
    """
    one_of("split", split, (*SPLITS, "all"))
    size = pixel_size(mpp)
    survey = Survey(root)
    wanted = SPLITS if split == "all" else (split,)
    below = "pcam/" if not (survey.root / _name(wanted[0], "x")).exists() and survey.has("", "pcam") else ""
    records: list[ImageRecord] = []
    unknown = []
    for part in wanted:
        labels = _labels(survey, below, part)
        slides = _slides(survey, below, part, labels)
        if slides is None:
            unknown.append(part)
        prefix = f"{below}{_name(part, 'x')}#"
        for row, label in enumerate(labels.tolist()):
            name = f"{prefix}{row:06d}"
            if label not in (0, 1):
                survey.tell("mislabelled", name, f"Its label is {label}, neither 0 nor 1.", left_out=True)
                continue
            records.append(ImageRecord(name, label, slides[row] if slides else name, mpp=size))
    notes = ["A label says whether there is tumour in the middle 32 x 32 pixels of an image."]
    if unknown:
        notes.append(
            f"There is no {_name(unknown[0], 'meta', 'csv')}, or it does not fit, so that it is not known "
            "whom an image is of: each counts as a patient of its own, so that intervals are too narrow."
        )
    found = image_set(
        survey,
        records,
        name=f"pcam ({split})",
        class_names=("normal", "metastasis"),
        read=ArrayReader(survey.root),
        expected=LAYOUT,
        positive=1,
        notes=tuple(notes),
        prompts="metastasis",
        citation=CITATION,
    )
    return _with_fold(found) if split == "all" else found


def _name(split: str, what: str, suffix: str = "h5") -> str:
    return f"camelyonpatch_level_2_split_{split}_{what}.{suffix}"


def _file(path: Path) -> Any:
    """An HDF5 file, open for reading."""
    import h5py

    return h5py.File(path, "r")


def _labels(survey: Survey, below: str, split: str) -> NDArray[np.int64]:
    """Labels of a split, once its images are known to be as many and of the right shape."""
    x, y = (survey.root / below / _name(split, what) for what in ("x", "y"))
    for path in (x, y):
        if not path.is_file():
            if path.with_name(path.name + ".gz").is_file():
                raise DatasetError(
                    f"{path}.gz is still packed. Unpack it (gunzip {path.name}.gz) and try again."
                )
            raise survey.nothing(f"pcam ({split})", LAYOUT)
    try:
        with _file(x) as images:
            shape, kind = images["x"].shape, images["x"].dtype
        with _file(y) as answers:
            labels = np.asarray(answers["y"])
    except (OSError, KeyError, ValueError) as err:
        raise DatasetError(
            f"{x.name} or {y.name} in {x.parent} is damaged or no file of PatchCamelyon ({err}). "
            f"Copy both again."
        ) from err
    if len(shape) != 4 or shape[1:] != (SIZE, SIZE, 3) or kind != np.uint8:
        raise DatasetError(
            f"{x} holds an array of shape {shape} and type {kind}, not of 96 x 96 RGB images of bytes."
        )
    if labels.size != shape[0]:
        raise DatasetError(
            f"{x.name} has {shape[0]:,} images and {y.name} {labels.size:,} labels. Copy both again."
        )
    return labels.reshape(-1).astype(np.int64)


def _slides(survey: Survey, below: str, split: str, labels: NDArray[np.int64]) -> Sequence[str] | None:
    """The slide of each row; None, and a word why, where that is not known."""
    name = below + _name(split, "meta", "csv")
    path = survey.root / name
    if not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        slides = [row["wsi"].strip() for row in rows]
        tumour = [row["center_tumor_patch"].strip().lower() == "true" for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, AttributeError) as err:
        what = f"It cannot be read, or lacks wsi and center_tumor_patch ({err}); it was passed over."
        survey.tell("unreadable", name, what)
        return None
    if len(slides) != len(labels) or not all(slides):
        what = f"It names {sum(map(bool, slides)):,} slides for {len(labels):,} images; it was passed over."
        survey.tell("unreadable", name, what)
        return None
    if differ := int((np.array(tumour) != (labels == 1)).sum()):
        what = f"It differs from the labels of {differ:,} of {len(labels):,} images; the labels were taken."
        survey.tell("mislabelled", name, what)
    return slides


def _with_fold(found: ImageSet) -> ImageSet:
    """The set with the publishers' own split as a fold."""
    from dataclasses import replace

    train, test = (
        np.array([i for i, r in enumerate(found.records) if f"_split_{part}_" in r.name], np.int64)
        for part in ("train", "test")
    )
    return replace(found, folds=(Fold("fold 1", train, test, official=True),))
