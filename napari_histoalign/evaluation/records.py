"""What a labelled set of images is, once its folders have been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageRecord:
    """One image.

    Attributes
    ----------
    name
        Its own name in the set: the path below the root with "/" between folders, and "#" and the row
        for one of an array file.
    label
        Position of its class in `ImageSet.class_names`.
    patient
        Whom it is of; images of one patient never count as independent. Where a set does not say, the
        image's own name, and the set's notes say so.
    magnification
        As the set calls it ("100X"), or empty.
    mpp
        Micrometres per pixel of the image as stored; None where it is not known.
    fine_label
        A finer class that the set knows (a subtype), or empty.
    group
        What must stay on one side of drawn folds where that is more than a patient (a case of which a set
        counts each slide as a patient); empty for the patient.
    """

    name: str
    label: int
    patient: str
    magnification: str = ""
    mpp: float | None = None
    fine_label: str = ""
    group: str = ""


@dataclass(frozen=True)
class Problem:
    """Something about the files that a person should know.

    Attributes
    ----------
    kind
        "malformed name", "unreadable", "missing", "duplicate", "shared patient", "mislabelled", ...
    name
        The file or folder, below the root.
    what
        A sentence.
    left_out
        Whether images were left out because of it.
    """

    kind: str
    name: str
    what: str
    left_out: bool = False


@dataclass(frozen=True, eq=False)
class Fold:
    """A split into images to learn from and images to judge by.

    Attributes
    ----------
    name
        "fold 1", or "unofficial fold 1".
    train, test
        Positions in `ImageSet.records`, ascending.
    official
        Whether it comes from the publishers' lists.
    """

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    official: bool


class Reader(Protocol):
    """Reads the pixels of a record."""

    def __call__(self, record: ImageRecord) -> NDArray[np.uint8]:
        """RGB, uint8, shape (height, width, 3).

        Raises
        ------
        DatasetError
            It cannot be read; the message names the file.
        """


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images.

    Attributes
    ----------
    name
        Of the data set and variant: "breakhis", "breakhis (8 classes)".
    root
        Where it lies.
    class_names
        At least two.
    records
        Images, sorted by name.
    read
        Reads one of them.
    positive
        The class that is looked for where there are two ("malignant"); None otherwise.
    folds
        Splits, if the set has or was given any.
    problems
        What is wrong with the files, in order of their names.
    notes
        What else the reader of a report must know (what counts as a patient, whence the resolution).
    fold_note
        Whence the folds are, or why there are none; empty where none were asked for.
    prompts
        Name of the shipped prompt set that suits these classes in this order; empty if none does.
    citation
        Of the data set.
    """

    name: str
    root: Path
    class_names: tuple[str, ...]
    records: tuple[ImageRecord, ...]
    read: Reader
    positive: int | None = None
    folds: tuple[Fold, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)
    fold_note: str = ""
    prompts: str = ""
    citation: str = ""
