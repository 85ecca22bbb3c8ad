"""An evaluation from images to what reports are written from."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import AlignmentError, DatasetError
from napari_histoalign.evaluation.comparing import compared
from napari_histoalign.evaluation.configurations import MAIN, Configuration, ours, table_iii
from napari_histoalign.evaluation.embedding import Embedded, embed_set
from napari_histoalign.evaluation.examples import examples_of
from napari_histoalign.evaluation.fold_rates import fold_rates
from napari_histoalign.evaluation.intervals import PatientBootstrap
from napari_histoalign.evaluation.leakage import leaks
from napari_histoalign.evaluation.leaving_out import with_check, without_leaks
from napari_histoalign.evaluation.outcome import Outcome, Row
from napari_histoalign.evaluation.protocols import PROTOCOLS, balanced
from napari_histoalign.evaluation.records import Fold, ImageSet
from napari_histoalign.evaluation.scoring import Scoring
from napari_histoalign.evaluation.slicing import Truth, slice_results
from napari_histoalign.evaluation.telling import (
    checks_of,
    dataset_of,
    encoder_of,
    notes_of,
    pairs_of,
    prompts_of,
)
from napari_histoalign.results.software import software_versions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_histoalign.alignment import PromptSet
    from napari_histoalign.encoders import Encoder
    from napari_histoalign.evaluation.leakage import ImageCheck
    from napari_histoalign.evaluation.plan import Plan


def evaluate(
    image_set: ImageSet,
    encoders: Sequence[Encoder],
    prompts: PromptSet,
    plan: Plan,
    *,
    check: ImageCheck | None = None,
    cache: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Score a labelled set in many ways, and measure each.

    Images are embedded once, or taken from the store; all rows are computed from the same embeddings.
    Labels choose nothing but the examples of few-shot rows, which are of other patients than those they
    judge, and the single encoder that rows are compared with, which the report says.

    Parameters
    ----------
    image_set, encoders, prompts, plan
        What is evaluated, and how.
    check
        What reading every image found, to be told, and needed where leaks are to be left out. Images that
        could not be read are left out; without a check they are found when they are embedded.
    cache
        Folder of the embeddings; the package's own by default.
    on_progress
        Told how many images are embedded, and of how many.

    Raises
    ------
    DatasetError
        No image can be read, the prompts lack a class, or leaks are to be left out without a check.
    HistoalignError
        An encoder or the store fails.
    """
    protocol = PROTOCOLS[plan.protocol]
    if plan.leave_out_leaks and check is None:
        raise DatasetError("Leaks are found by reading every image: leave them in, or let images be checked.")
    if check is not None:
        image_set = with_check(image_set, check)
        if plan.leave_out_leaks:
            image_set = without_leaks(image_set, check.hashes)
    if protocol.balanced:
        image_set = balanced(image_set, plan.seed)
    views = plan.views or protocol.views
    embedded = embed_set(
        image_set,
        encoders,
        views=views,
        scale=plan.scale,
        batch=plan.batch,
        cache=cache,
        on_progress=on_progress,
    )
    records = [image_set.records[i] for i in embedded.kept]
    labels = np.array([record.label for record in records], np.int64)
    patients = tuple(record.patient for record in records)
    truth = Truth(
        labels,
        tuple(record.magnification for record in records),
        image_set.class_names,
        image_set.positive,
        PatientBootstrap(patients, replicates=plan.replicates, seed=plan.seed),
    )
    scoring = Scoring(embedded.images, encoders, prompts, image_set.class_names, unscaled=protocol.unscaled)
    wanted = table_iii([encoder.spec.title for encoder in encoders])
    extra = ours(views=len(views), shots=plan.shots)
    wanted += extra if plan.ablation else extra[:1]
    folds = _kept_folds(image_set, embedded)
    rows, refused = _rows(wanted, scoring, truth, patients, folds, plan)
    rows = compared(rows, truth, plan.seed)
    shown = next((row for row in rows if row.key == MAIN), rows[0])
    found = leaks(image_set, None if check is None else check.hashes)
    problems = sorted((*image_set.problems, *embedded.problems, *found), key=lambda p: p.name)
    return Outcome(
        title=f"Evaluation on {image_set.name}",
        dataset=dataset_of(image_set, truth, patients, views, plan),
        class_names=image_set.class_names,
        positive=image_set.positive,
        names=tuple(record.name for record in records),
        labels=labels,
        patients=patients,
        magnifications=truth.magnifications,
        rows=tuple(rows),
        slices=truth.slices,
        prompts=prompts_of(scoring, image_set.class_names),
        encoders=tuple(encoder_of(encoder) for encoder in encoders),
        problems=tuple(problems),
        notes=(*notes_of(image_set, truth, plan), *protocol.notes, *refused, *pairs_of(scoring)),
        examples=examples_of(image_set, embedded.kept, labels, shown.probabilities) if plan.examples else {},
        example_row=shown.key,
        folds=tuple(fold.name for fold in folds),
        provenance={
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join(["histoalign", *sys.argv[1:]]),
            "python": platform.python_version(),
            "platform": platform.platform(),
            **software_versions(),
            "plan": {**vars(plan), "views": list(views)},
            "prompts": prompts.name,
            "checks of the labels": checks_of(truth, shown.probabilities, plan.seed),
        },
    )


def _rows(
    wanted: Sequence[Configuration],
    scoring: Scoring,
    truth: Truth,
    patients: Sequence[str],
    folds: Sequence[Fold],
    plan: Plan,
) -> tuple[list[Row], list[str]]:
    """Rows that can be scored, and why the others cannot."""
    rows, refused = [], []
    for configuration in wanted:
        try:
            answers = scoring.answer(
                configuration,
                labels=truth.labels,
                patients=patients,
                folds=folds,
                shots=plan.shots,
                seed=plan.seed,
            )
        except AlignmentError as err:
            refused.append(f"Left out: {configuration.title}. {err}")
            continue
        own = answers.probabilities if answers.by_fold is None else answers.by_fold
        rows.append(
            Row(
                key=configuration.key,
                title=configuration.title,
                group=configuration.group,
                kind=configuration.kind,
                slices=slice_results(truth, answers.probabilities),
                probabilities=answers.probabilities,
                fold_rates=fold_rates(truth, own, folds) if folds else {},
                settings=configuration.to_dict(),
                notes=answers.notes,
            )
        )
    return rows, refused


def _kept_folds(image_set: ImageSet, embedded: Embedded) -> list[Fold]:
    """Folds by the position among the images that could be read."""
    place = np.full(len(image_set.records), -1)
    place[embedded.kept] = np.arange(len(embedded.kept))
    return [
        Fold(fold.name, _there(place, fold.train), _there(place, fold.test), fold.official)
        for fold in image_set.folds
    ]


def _there(place: NDArray[np.int64], part: NDArray[np.int64]) -> NDArray[np.int64]:
    found = place[part]
    return found[found >= 0]
