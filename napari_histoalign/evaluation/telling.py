"""What a report tells of an evaluation besides its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.evaluation.comparing import COMPARED
from napari_histoalign.evaluation.label_checks import permuted_labels_check, shuffled_labels_check
from napari_histoalign.evaluation.outcome import ALL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.encoders import Encoder
    from napari_histoalign.evaluation.plan import Plan
    from napari_histoalign.evaluation.records import ImageSet
    from napari_histoalign.evaluation.scoring import Scoring
    from napari_histoalign.evaluation.slicing import Truth


def checks_of(truth: Truth, probabilities: NDArray[np.floating], seed: int) -> dict[str, str]:
    """What measures become under labels that are exchanged or dealt by chance: as they must, or not."""
    judged = truth.labels[np.isfinite(probabilities).all(axis=1)]
    if absent := [name for c, name in enumerate(truth.class_names) if not (judged == c).any()]:
        return {"not made": f"There is no judged image of {', '.join(absent)}."}
    checks = [("shuffled labels", shuffled_labels_check(truth, probabilities, seed=seed))]
    if len(truth.class_names) == 2:
        checks.append(("exchanged labels", permuted_labels_check(truth, probabilities)))
    return {
        f"{check.measure}, {how}": f"{check.value:.3f} becomes {check.changed:.3f}, expected "
        f"{check.expected:.3f}: {'as it must' if check.ok else 'WRONG'}"
        for how, found in checks
        for check in found
    }


def dataset_of(
    image_set: ImageSet, truth: Truth, patients: Sequence[str], views: Sequence[str], plan: Plan
) -> dict[str, Any]:
    """The data set: counts, views, folds, citation; plain values."""
    counts = {
        name: {
            c: int(
                sum(
                    label == k and (name in (ALL, m))
                    for label, m in zip(truth.labels, truth.magnifications, strict=True)
                )
            )
            for k, c in enumerate(image_set.class_names)
        }
        for name in truth.slices
    }
    return {
        "name": image_set.name,
        "root": image_set.root.name,
        "images": len(truth.labels),
        "patients": len(set(patients)),
        "counts": counts,
        "views": list(views),
        "scale": plan.scale,
        "folds": [fold.name for fold in image_set.folds],
        "citation": image_set.citation,
    }


def notes_of(image_set: ImageSet, truth: Truth, plan: Plan) -> list[str]:
    """What the figures are and are not, as sentences."""
    notes = [note for note in (*image_set.notes, image_set.fold_note) if note]
    notes.append(
        f"Intervals resample patients, not images. Rows are compared by {' and by '.join(COMPARED)}, with "
        "the single encoder that is best by that measure on these very images, a choice that favours that "
        "encoder; p-values exchange the answers of whole patients and are corrected for the number of rows "
        "that are compared by one measure (Holm)."
    )
    if (draws := len(truth.bootstrap.weights)) < plan.replicates:
        notes.append(
            f"Intervals are of {draws:,} draws, not of the {plan.replicates:,} that were asked for: of "
            f"{truth.bootstrap.count:,} patients more would not fit in memory."
        )
    notes.append(
        "Many-to-many rows take spreads, temperatures and weights from all images, never from labels; "
        "prompts were written beforehand, and no row was chosen by its result."
    )
    if truth.bootstrap.count < 20:
        notes.append(
            f"{truth.bootstrap.count} patients are few: intervals are wide and may still be too narrow."
        )
    return notes


def pairs_of(scoring: Scoring) -> list[str]:
    """How the encoders were compared with each other, as sentences."""
    return [found.describe() for found in scoring.crossed.values()]


def prompts_of(scoring: Scoring, class_names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Every text that was embedded, by class."""
    return {
        name: tuple(text for text, k in zip(scoring.texts, scoring.class_index, strict=True) if k == c)
        for c, name in enumerate(class_names)
    }


def encoder_of(encoder: Encoder) -> dict[str, Any]:
    """An encoder, its licence and its weights; plain values."""
    spec = encoder.spec
    return {
        "name": spec.name,
        "title": spec.title,
        "role": spec.role,
        "licence": spec.licence,
        "weights_sha256": encoder.weights_hash,
        "preprocessing": encoder.preprocessing,
        "notice": spec.notice,
        "citation": spec.citation,
    }
