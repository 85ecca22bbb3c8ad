"""What an evaluation found: what every report is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_histoalign.evaluation.records import Problem

ALL = "all"
"""The slice of all images of a set that knows no magnification, and the mean over those of one that does."""


@dataclass(frozen=True)
class Estimate:
    """A measure with its 95 % interval.

    Attributes
    ----------
    value
        NaN where it is not defined (an AUROC of one class).
    low, high
        Percentile bootstrap over patients; NaN where there are too few.
    undefined
        Share of the draws, 0 to 1, in which the measure has no value (no image of a class was drawn); the
        interval is of the others.
    """

    value: float
    low: float
    high: float
    undefined: float = 0.0


@dataclass(frozen=True, eq=False)
class SliceResult:
    """One configuration on one slice of the images.

    Attributes
    ----------
    images, patients
        How many.
    measures
        By name, in the order of report tables: see `napari_histoalign.evaluation.measures.MEASURES`.
    per_class
        For each class by name: its own precision, recall, F1, AUROC, support.
    confusion
        True classes down, predicted ones across, counts, shape (classes, classes).
    """

    images: int
    patients: int
    measures: Mapping[str, Estimate]
    per_class: Mapping[str, Mapping[str, float]]
    confusion: NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """A row against the single encoder that is best by a measure.

    Attributes
    ----------
    against
        Title of that encoder's row.
    measure
        What was compared.
    difference, low, high
        This row less the other, with its 95 % interval over patients.
    p, p_corrected
        Two-sided, and after Holm's correction for the number of rows that were compared by this measure.
    undefined
        See `Estimate`.
    """

    against: str
    measure: str
    difference: float
    low: float
    high: float
    p: float
    p_corrected: float
    undefined: float = 0.0


@dataclass(frozen=True)
class FoldRate:
    """A rate over folds.

    Attributes
    ----------
    by_fold
        Of each fold's test part, in the order of the folds; NaN where none of its images was judged.
    mean, std
        Of those that are defined. The standard deviation is the sample's (n - 1): NaN of a single fold. It is
        no standard error: the same images may stand in several folds' test parts.
    """

    by_fold: tuple[float, ...]
    mean: float
    std: float


@dataclass(frozen=True, eq=False)
class Row:
    """One configuration: a line of the ablation.

    Attributes
    ----------
    key
        Short and stable, for files: "many-to-many".
    title
        For people: "M-to-M (log-mean-exp, reliability weights)".
    group
        Heading it stands under: "HistoAlign's table III", "Ours, inductive".
    kind
        "inductive", "transductive" or "few-shot": never mixed in one ranking.
    slices
        Results by slice: each magnification, and `ALL`.
    probabilities
        Float32, shape (images, classes); NaN rows where the row does not judge an image. Of a few-shot row
        the mean of the folds' models that judge an image.
    comparisons
        Against the best single encoder by each measure of `napari_histoalign.evaluation.comparing.COMPARED`;
        none by a measure for that encoder itself and where it is not defined.
    fold_rates
        By slice, then by `napari_histoalign.evaluation.fold_rates.RATES`; of a few-shot row each fold's own
        model is judged. Empty without folds.
    settings
        Plain values that say exactly what it is.
    notes
        Sentences: what was refused or left out, and why.
    """

    key: str
    title: str
    group: str
    kind: str
    slices: Mapping[str, SliceResult]
    probabilities: NDArray[np.float32]
    comparisons: tuple[Comparison, ...] = ()
    fold_rates: Mapping[str, Mapping[str, FoldRate]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Example:
    """An image shown in the report.

    Attributes
    ----------
    name
        Of its record.
    image
        uint8 RGB thumbnail, shape (h, w, 3).
    label, predicted
        Names of its true and its predicted class.
    probability
        Of the predicted class.
    """

    name: str
    image: NDArray[np.uint8]
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """A whole evaluation.

    Attributes
    ----------
    title
        Heading of the report.
    dataset
        Plain values: name, root's folder name, images, patients, images a class and slice, citation.
    class_names
        In the order of probabilities.
    positive
        The class that is looked for where there are two; None otherwise.
    names, labels, patients, magnifications
        Of the images, in the order of `Row.probabilities`, shape (images,).
    rows
        In the order of the report.
    slices
        Names of the slices, `ALL` last.
    folds
        Names of the folds, in the order of `FoldRate.by_fold`.
    prompts
        Every prompt in full, as it was embedded, by class name.
    encoders
        Plain values of each: name, title, licence, weights' SHA-256.
    problems
        Of the data set.
    notes
        Sentences for the top of the report: what the figures are not.
    examples
        By class name: images judged best and worst by the row named `example_row`.
    example_row
        Key of that row.
    provenance
        Versions, platform, command, settings, time.
    """

    title: str
    dataset: Mapping[str, Any]
    class_names: tuple[str, ...]
    positive: int | None
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    patients: tuple[str, ...]
    magnifications: tuple[str, ...]
    rows: tuple[Row, ...]
    slices: tuple[str, ...]
    prompts: Mapping[str, tuple[str, ...]]
    encoders: tuple[Mapping[str, Any], ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    examples: Mapping[str, tuple[Example, ...]]
    example_row: str
    provenance: Mapping[str, Any]
    folds: tuple[str, ...] = ()
