"""The real images: what the table of BreakHis lists, its two halves, and the folders of single tiles."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from embedded_parts.pixels import resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

Half = Literal["report", "development"]
BREAST_SETS = ("BreakHis 100X", "BreakHis 200X, 224 px")
SQUEEZED, WIDENED = (224, 224), (341, 224)
ENLARGEMENT = 2
"""Both sets show about 1.0 um a pixel, as their nuclei tell; the encoders want 0.5."""


@dataclass(frozen=True)
class Picture:
    """One row of breakhis.csv.

    Attributes
    ----------
    file
        Relative to the data folder.
    label
        "benign" or "malignant".
    accession
        The case: letters after its number are further slides of it.
    """

    file: str
    label: str
    subtype: str
    accession: int
    magnification: int
    width: int
    height: int


def default_folder() -> Path:
    """`HISTOALIGN_TEST_DATA`, or shared/data beside the checkout."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    return Path(os.environ.get("HISTOALIGN_TEST_DATA", beside))


def accession(patient: str) -> int:
    """Number of a case: "14-22549AB" and "22549G" are both 22549."""
    found = re.match(r"(?:14-)?(\d+)", patient)
    if not found:
        raise ValueError(f"{patient!r} does not begin with an accession number.")
    return int(found[1])


def pictures(folder: Path) -> list[Picture]:
    """Every row of breakhis.csv; none where there is no such file."""
    table = folder / "breakhis.csv"
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as lines:
        return [
            Picture(
                row["file"],
                row["label"],
                row["subtype"],
                accession(row["patient"]),
                int(row["magnification"]),
                int(row["width"]),
                int(row["height"]),
            )
            for row in csv.DictReader(lines)
        ]


def development_accessions(rows: Sequence[Picture]) -> dict[str, list[int]]:
    """Cases of the development half by label, of all magnifications together.

    Of each label, the cases in order of their alphabetically first subtype and their number; every
    second one, from the second on. All others are the report half.

    Raises
    ------
    ValueError
        A case has both labels, so that no half could hold the whole of it.
    """
    subtypes: dict[str, dict[int, str]] = {}
    for row in rows:
        cases = subtypes.setdefault(row.label, {})
        cases[row.accession] = min(row.subtype, cases.get(row.accession, row.subtype))
    labels = [set(cases) for cases in subtypes.values()]
    if twice := set.intersection(*labels) if len(labels) > 1 else set():
        raise ValueError(f"Cases with more than one label: {sorted(twice)}.")
    return {
        label: sorted(sorted(cases, key=lambda case: (cases[case], case))[1::2])
        for label, cases in sorted(subtypes.items())
    }


def in_half(chosen: Sequence[Picture], half: Half, rows: Sequence[Picture]) -> list[Picture]:
    """Those of the chosen rows that are in a half of all rows; no case is in both halves."""
    development = {case for cases in development_accessions(rows).values() for case in cases}
    return [row for row in chosen if (row.accession in development) == (half == "development")]


def breast_set(rows: Sequence[Picture], name: str) -> list[Picture]:
    """Rows of one of `BREAST_SETS`. The few 200X images that nobody squeezed are in neither."""
    if name == BREAST_SETS[0]:
        return [row for row in rows if row.magnification == 100]
    return [row for row in rows if row.magnification == 200 and (row.width, row.height) == SQUEEZED]


def enlarged(folder: Path, row: Picture) -> NDArray[np.uint8]:
    """A picture at 0.5 um/px; one that was squeezed is widened first."""
    image = read_rgb(folder / row.file)
    if (row.width, row.height) == SQUEEZED:
        image = resized(image, *WIDENED, Image.Resampling.BICUBIC)
    height, width = image.shape[:2]
    return resized(image, ENLARGEMENT * width, ENLARGEMENT * height, Image.Resampling.BICUBIC)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An image file as uint8 (height, width, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
