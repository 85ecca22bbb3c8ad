"""Benign or malignant breast tissue: BreakHis, whole images, intervals over patients."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedded_parts import data, pixels
from embedded_parts.metrics import METRICS, Estimate, estimates
from embedded_parts.resampling import DRAWS, patient_weights
from embedded_parts.scoring import Bench, image_means, malignant_or_benign
from embedded_parts.table import Section, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedded_parts.scoring import Embedded

TREATMENTS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "as they are": lambda image: image,
    "grey": pixels.grey,
    "stain-normalised": pixels.stain_normalised,
}
HOW = (
    "An image's score is the mean over its tiles of the probability of malignant, by the classes malignant "
    "and benign of the shipped prompt set breast. Images are brought to 0.5 um/px and cut into tiles of "
    "224 px placed evenly from edge to edge. AUROC, balanced accuracy at 0.5 and ECE (10 bins), each with "
    f"the middle 95 % of {DRAWS} bootstrap draws of patients within each label. The reference of "
    "many-to-many is all tiles of the set's half. Subset of BreakHis: not to be compared with published "
    "figures."
)
FEW = (
    "Where a table counts two or three patients of a label, a draw can hold few different groups of them: "
    "such an interval is a lower bound of what is not known."
)


@dataclass(frozen=True, eq=False)
class Judged:
    """One half of one set.

    Attributes
    ----------
    embedded
        Vectors of its tiles.
    of_tile
        The image of each tile.
    positive, patient
        Of each image: whether it is malignant, and its case.
    colour
        Mean red, green and blue of each image, shape (images, 3).
    """

    embedded: Embedded
    of_tile: NDArray[np.int64]
    positive: NDArray[np.bool_]
    patient: NDArray[np.int64]
    colour: NDArray[np.float64]


class BreastSets:
    """The two BreakHis sets, each embedded once in each treatment.

    Parameters
    ----------
    bench
        The encoders.
    folder
        Where breakhis.csv lies.
    half
        Which patients.
    """

    def __init__(self, bench: Bench, folder: Path, half: data.Half) -> None:
        self.bench, self.folder, self.half = bench, folder, half
        self.rows = data.pictures(folder)
        self._known: dict[tuple[str, str], Judged] = {}

    @property
    def missing(self) -> str:
        """A sentence on what is not there; empty if all is."""
        if not self.rows:
            return f"Left out: {self.folder / 'breakhis.csv'} is missing (see --data)."
        wanted = [row for name in data.BREAST_SETS for row in data.breast_set(self.rows, name)]
        absent = [row.file for row in wanted if not (self.folder / row.file).is_file()]
        if absent:
            return f"Left out: {len(absent)} images of breakhis.csv are missing, such as {absent[0]}."
        return ""

    def get(self, name: str, treatment: str = "as they are") -> Judged:
        """A set's half in one of `TREATMENTS`."""
        key = name, treatment
        if key not in self._known:
            print(f"embedding {name}, {treatment}, {self.half} half ...", file=sys.stderr, flush=True)
            self._known[key] = self._judged(name, treatment)
        return self._known[key]

    def _judged(self, name: str, treatment: str) -> Judged:
        rows = data.in_half(data.breast_set(self.rows, name), self.half, self.rows)
        cut, colour = [], []
        for row in rows:
            image = TREATMENTS[treatment](data.enlarged(self.folder, row))
            cut.append(pixels.tiles(image))
            colour.append(image.mean(axis=(0, 1)))
        return Judged(
            self.bench.embed(np.concatenate(cut)),
            np.repeat(np.arange(len(cut)), [len(tiles) for tiles in cut]),
            np.array([row.label == "malignant" for row in rows]),
            np.array([row.accession for row in rows]),
            np.array(colour),
        )


def breast(sets: BreastSets) -> Section:
    """AUROC, balanced accuracy and ECE of all seven rows on both sets."""
    title = f"BreakHis, {sets.half} half"
    if sets.missing:
        return Section(title, [sets.missing])
    development = data.development_accessions(sets.rows)
    cases = "; ".join(f"{label} {', '.join(map(str, numbers))}" for label, numbers in development.items())
    tables = []
    figures: dict[str, dict[str, dict[str, Estimate]]] = {}
    for name in data.BREAST_SETS:
        judged = sets.get(name)
        weights = patient_weights(judged.patient, judged.positive)
        probabilities = sets.bench.probabilities(judged.embedded, malignant_or_benign())
        figures[name] = {
            row: estimates(image_means(judged.of_tile, tile[:, 0]), judged.positive, weights)
            for row, tile in probabilities.items()
        }
        tables.append(Table(f"{name}: {counted(judged)}.", ["", *METRICS], _rows(figures[name])))
    notes = [HOW, FEW, f"Cases of the development half: {cases}."]
    return Section(title, notes, tables, {"development half": development, **figures})


def counted(judged: Judged) -> str:
    """How many images of how many patients there are."""
    parts = [
        f"{int((judged.positive == label).sum())} {name} images of "
        f"{len(np.unique(judged.patient[judged.positive == label]))} patients"
        for label, name in ((True, "malignant"), (False, "benign"))
    ]
    return f"{' and '.join(parts)}, {len(judged.of_tile)} tiles"


def _rows(found: dict[str, dict[str, Estimate]]) -> list[list[str]]:
    return [[row, *(str(figures[metric]) for metric in METRICS)] for row, figures in found.items()]
