"""Few-shot answers: each fold's own, and one for each image."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histoalign.alignment import Alignment, PromptClass, PromptSet
from napari_histoalign.encoders import load_encoder
from napari_histoalign.evaluation.configurations import Configuration
from napari_histoalign.evaluation.fold_rates import fold_rates
from napari_histoalign.evaluation.intervals import PatientBootstrap
from napari_histoalign.evaluation.outcome import ALL
from napari_histoalign.evaluation.records import Fold
from napari_histoalign.evaluation.scoring import Answers, Scoring
from napari_histoalign.evaluation.slicing import Truth

GDA = Configuration("gda", "GDA", "few", "few-shot", Alignment(), few_shot="gda")
LABELS = np.arange(40) % 2
PATIENTS = tuple(f"p{i // 2}" for i in range(40))
EVERY = np.arange(40)


def fold(name: str, test: np.ndarray) -> Fold:
    return Fold(name, np.setdiff1d(EVERY, test), test, official=True)


@pytest.fixture(scope="module")
def scoring() -> Scoring:
    encoder = load_encoder("demo-path", device="cpu")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 1, encoder.dim)) + 0.3 * LABELS[:, None, None]
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    prompts = PromptSet(
        "two",
        (PromptClass("a", ("gland", "fat"), "#000000"), PromptClass("b", ("tumour", "nuclei"), "#ffffff")),
    )
    return Scoring([rows.astype(np.float16)], [encoder], prompts, ("a", "b"))


def answers(scoring: Scoring, folds: list[Fold]) -> Answers:
    return scoring.answer(GDA, labels=LABELS, patients=PATIENTS, folds=folds, shots=4, seed=0)


def test_the_content_free_prior_shifts_every_image_alike(scoring: Scoring) -> None:
    taken_off, plain = (
        scoring.answer(
            Configuration("a", "A", "ours", "inductive", Alignment("many-to-many", prior=prior)),
            labels=LABELS, patients=PATIENTS, folds=(), shots=0, seed=0,
        )
        for prior in ("content-free", "none")
    )  # fmt: skip

    odds = [np.log(p[:, 1].astype(float) / p[:, 0]) for p in (taken_off.probabilities, plain.probabilities)]

    shift = odds[0] - odds[1]
    assert abs(shift.mean()) > 1e-3
    np.testing.assert_allclose(shift, shift.mean(), atol=1e-4)
    assert "an H&E image." in taken_off.notes[-1] and plain.notes == ()


def test_images_of_several_folds_keep_each_folds_answer(scoring: Scoring) -> None:
    folds = [fold("fold 1", EVERY[:20]), fold("fold 2", EVERY[10:30])]

    found = answers(scoring, folds)
    own = [answers(scoring, folds[:1]).by_fold, found.by_fold]
    assert own[0] is not None and own[1] is not None

    assert found.by_fold.shape == (2, 40, 2)
    np.testing.assert_array_equal(own[0][0], own[1][0])
    for number, one in enumerate(folds):
        judged = np.isfinite(found.by_fold[number]).all(axis=1)
        np.testing.assert_array_equal(np.flatnonzero(judged), one.test)
    first, second = found.by_fold[:, 10:20]
    assert np.abs(first - second).max() > 1e-3  # two models
    np.testing.assert_allclose(found.probabilities[10:20], (first + second) / 2, atol=1e-6)
    np.testing.assert_array_equal(found.probabilities[:10], found.by_fold[0, :10])
    assert np.isnan(found.probabilities[30:]).all()
    assert [note.split(" ")[0] for note in found.notes] == ["Each", "10", "10"]
    assert "mean of those folds' models" in found.notes[1]
    assert "not judged" in found.notes[2]


def test_rates_by_fold_are_those_of_each_folds_own_model(scoring: Scoring) -> None:
    folds = [fold(f"fold {n + 1}", EVERY[10 * n : 10 * n + 20]) for n in range(3)]
    truth = Truth(LABELS, ("",) * 40, ("a", "b"), 1, PatientBootstrap(PATIENTS, replicates=10))
    found = answers(scoring, folds)

    rates = fold_rates(truth, found.by_fold, folds)[ALL]["image level"]

    own = [np.mean(found.by_fold[n, f.test].argmax(axis=1) == LABELS[f.test]) for n, f in enumerate(folds)]
    pooled = [np.mean(found.probabilities[f.test].argmax(axis=1) == LABELS[f.test]) for f in folds]
    assert rates.by_fold == pytest.approx(tuple(own))
    assert own != pooled  # the ensemble answers otherwise


def test_folds_that_share_nothing_are_pooled_as_they_are(scoring: Scoring) -> None:
    found = answers(scoring, [fold("fold 1", EVERY[:20]), fold("fold 2", EVERY[20:])])

    assert len(found.notes) == 1 and "pool the models" in found.notes[0]
    np.testing.assert_array_equal(
        found.probabilities, np.concatenate([found.by_fold[0, :20], found.by_fold[1, 20:]])
    )
