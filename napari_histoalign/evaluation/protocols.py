"""Set-ups of an evaluation that others published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.engine.views import DEFAULT_VIEWS, TURNS
from napari_histoalign.evaluation.folds import with_folds

if TYPE_CHECKING:
    from napari_histoalign.evaluation.records import ImageSet


@dataclass(frozen=True)
class Protocol:
    """How images are chosen and scored.

    Attributes
    ----------
    views
        Of each image.
    prompts
        Name of a prompt set; empty for the one that suits the data set.
    balanced
        Whether the larger classes are cut down to the smallest.
    unscaled
        Whether the encoders' logit scales are left out.
    notes
        What a reader must know.
    """

    views: tuple[str, ...]
    prompts: str = ""
    balanced: bool = False
    unscaled: bool = False
    notes: tuple[str, ...] = ()


SEED_NOTES = (
    "HistoAlign's own set-up: its ten prompts, five views (as it is, two flips, two turns), cosines without "
    "the encoders' scales before the softmax, and as many images of each class. Without the scales every "
    "probability lies near 1/classes: ECE and Brier say so, ranks stay.",
    "The 52.51 % that HistoAlign printed is not a result on BreakHis: the data set its page links is the IDC "
    "patch set, its script takes ten IDC patients and labels all images of a patient alike, whatever the "
    "patches' own labels say, and its confusion matrix counts 9,771 images, more than BreakHis has (7,909). "
    "The figures here are measured on the images named above, and compare formulas, not papers.",
    "HistoAlign averages prompts and pairs linearly: its many-to-many row is one inner product of summed "
    "vectors.",
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "own": Protocol(DEFAULT_VIEWS),
        "seed": Protocol(
            TURNS,
            prompts="histoalign-breast",
            balanced=True,
            unscaled=True,
            notes=SEED_NOTES,
        ),
    }
)
"""``own`` is what this package does by default; ``seed`` repeats HistoAlign's script, to compare with."""


def balanced(image_set: ImageSet, seed: int) -> ImageSet:
    """As many images of each class as of the smallest, drawn; folds, if there were any, are drawn anew.

    Parameters
    ----------
    image_set
        Images.
    seed
        Of the drawing.
    """
    labels = np.array([record.label for record in image_set.records])
    counts = np.bincount(labels, minlength=len(image_set.class_names))
    least = int(counts[counts > 0].min())
    rng = np.random.default_rng(seed)
    kept = np.sort(
        np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:least] for c in np.unique(labels)])
    )
    note = f"{least} images of each class were drawn (seed {seed}) from {len(labels)}."
    records = tuple(image_set.records[i] for i in kept)
    smaller = replace(image_set, records=records, folds=(), notes=(*image_set.notes, note))
    if not image_set.folds:
        return smaller
    if any(fold.official for fold in image_set.folds):
        return with_folds(smaller, seed=seed, because="The publishers' folds are of all images")
    return with_folds(smaller, seed=seed)
