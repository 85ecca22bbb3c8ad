"""A synthetic outcome of an evaluation: seeded, of any size, with names as bad as wanted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.evaluation.outcome import (
    ALL,
    Comparison,
    Estimate,
    Example,
    FoldRate,
    Outcome,
    Row,
    SliceResult,
)
from napari_histoalign.evaluation.records import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEASURES = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "auroc",
    "auprc",
    "mcc",
    "ece",
    "brier",
)
FOLDS = 3
MAGNIFICATIONS = ("40X", "100X", "200X", "400X")
TITLES = (
    ("clip", "CLIP ViT-B/32, its own words", "HistoAlign's table III", "inductive"),
    ("plip", "PLIP ViT-B/32, its own words", "HistoAlign's table III", "inductive"),
    ("mean-fusion", "Mean fusion of four pairs", "HistoAlign's table III", "inductive"),
    ("conch", "CONCH ViT-B/16, prompt ensemble", "Ours, inductive", "inductive"),
    ("many-to-many", "M-to-M (log-mean-exp, reliability weights)", "Ours, inductive", "inductive"),
    ("transport", "M-to-M (entropic transport)", "Ours, inductive", "inductive"),
    ("transclip", "TransCLIP on M-to-M", "Ours, transductive", "transductive"),
    ("few-shot-8", "Gaussian discriminant, 8 images a class", "Ours, few-shot", "few-shot"),
)
SKILL = (0.3, 0.9, 0.8, 1.6, 1.9, 1.85, 2.3, 2.6)


def an_outcome(
    *,
    images: int = 240,
    classes: tuple[str, ...] = ("benign", "malignant"),
    magnifications: tuple[str, ...] = MAGNIFICATIONS,
    rows: int = len(TITLES),
    bad: str = "",
    seed: int = 3,
) -> Outcome:
    """An outcome whose figures follow from its probabilities.

    Parameters
    ----------
    images, classes, magnifications, rows
        Its size; no magnifications means one slice.
    bad
        Put into every text that other people write.
    seed
        Of everything.
    """
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.integers(0, len(classes), images)).astype(np.int64)
    classes = tuple(name + bad for name in classes)
    patient = [f"{bad}14-{1000 + i // 6}" for i in range(images)]
    magnification = [magnifications[i % len(magnifications)] if magnifications else "" for i in range(images)]
    slices = (*magnifications, ALL)
    names = tuple(f"{classes[label]}/SOB_{bad}{i:05d}.png" for i, label in enumerate(labels))
    positive = 1 if len(classes) == 2 else None
    made = tuple(
        _row(i, labels, np.array(magnification), np.array(patient), classes, slices, bad, rng)
        for i in range(rows)
    )
    example_row = made[min(4, rows - 1)]
    return Outcome(
        title=f"Benign or malignant{bad}",
        dataset={
            "name": f"breakhis{bad}",
            "root": f"BreaKHis_v1{bad}",
            "images": images,
            "patients": len(set(patient)),
            "citation": f"Spanhol et al., IEEE TBME 63(7):1455-1462, 2016, https://doi.org/10.1109/x {bad}",
            "official folds": None,
        },
        class_names=classes,
        positive=positive,
        names=names,
        labels=labels,
        patients=tuple(patient),
        magnifications=tuple(magnification),
        rows=made,
        slices=slices,
        prompts={name: tuple(f"an image of {name} {k}{bad}" for k in range(5)) for name in classes},
        encoders=(
            {
                "name": f"conch{bad}",
                "title": f"CONCH{bad}",
                "licence": "CC BY-NC-ND 4.0",
                "sha256": "9f" * 32,
            },
            {"name": "plip", "title": "PLIP", "licence": "not stated", "sha256": "a1" * 32},
        ),
        problems=(
            Problem("malformed name", f"benign/x{bad}.png", f"Its name{bad} says no magnification.", True),
            Problem("shared patient", "SOB_M_DC_14-13412", "Also found as SOB_M_LC_14-13412."),
        ),
        notes=(
            f"The images are a part of the data set, so these are not its published figures.{bad}",
            "Nothing here says how well the method does on slides of another hospital.",
        ),
        examples={name: _examples(name, i, classes, names, rng) for i, name in enumerate(classes)},
        example_row=example_row.key,
        folds=tuple(f"fold {number + 1}{bad}" for number in range(FOLDS)),
        provenance={
            "version": "0.1.0",
            "command": f"histoalign evaluate {bad}",
            "seeds": [1, 2],
            "bootstrap": {"draws": 1000, "seed": 7},
        },
    )


def _row(
    i: int,
    labels: NDArray[np.int64],
    magnification: NDArray[np.str_],
    patient: NDArray[np.str_],
    classes: tuple[str, ...],
    slices: tuple[str, ...],
    bad: str,
    rng: np.random.Generator,
) -> Row:
    key, title, group, kind = TITLES[i]
    logits = rng.normal(size=(len(labels), len(classes)))
    logits[np.arange(len(labels)), labels] += SKILL[i]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = p.astype(np.float32)
    if kind == "few-shot":
        p[:: len(labels) // 8] = np.nan
    judged = np.isfinite(p).all(axis=1)
    results = {}
    for name in slices:
        of = judged & ((magnification == name) | (name == ALL))
        results[name] = _slice(labels[of], p[of], len(set(patient[of])), classes, rng)
    comparisons: list[Comparison] = []
    if i >= 4:
        difference = results[ALL].measures["balanced_accuracy"].value - 0.8
        comparisons.append(
            Comparison(
                "conch", "balanced_accuracy", difference, difference - 0.05, difference + 0.05, 0.011, 0.044
            )
        )
    if i >= 3:
        comparisons.append(Comparison("plip", "auprc", 0.25, 0.125, 0.375, 0.001, 0.0125, 0.02))
    rates = {name: {rate: _rate(rng) for rate in ("image level", "patient level")} for name in slices}
    return Row(
        key=key,
        title=title + bad,
        group=group + bad,
        kind=kind,
        slices=results,
        probabilities=p,
        comparisons=tuple(comparisons),
        fold_rates=rates,
        settings={"strategy": key, "temperature": 0.01, "views": [1, 0.5], "note": bad},
        notes=(f"One prompt of 10 was left out{bad}.",) if i == 2 else (),
    )


def _rate(rng: np.random.Generator) -> FoldRate:
    of = rng.uniform(0.5, 1, FOLDS)
    return FoldRate(tuple(of.tolist()), float(of.mean()), float(of.std(ddof=1)))


def _slice(
    labels: NDArray[np.int64],
    p: NDArray[np.float32],
    patients: int,
    classes: tuple[str, ...],
    rng: np.random.Generator,
) -> SliceResult:
    c = len(classes)
    predicted = p.argmax(axis=1)
    confusion = np.zeros((c, c), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    right = np.diag(confusion)
    recall = right / np.maximum(confusion.sum(axis=1), 1)
    precision = right / np.maximum(confusion.sum(axis=0), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    values = dict.fromkeys(MEASURES, 0.0) | {
        "accuracy": right.sum() / max(confusion.sum(), 1),
        "balanced_accuracy": recall.mean(),
        "precision": precision.mean(),
        "recall": recall.mean(),
        "f1": f1.mean(),
        "auroc": math.nan,
        "auprc": rng.uniform(0.5, 1),
        "mcc": -0.125,
        "ece": rng.uniform(0.02, 0.2),
        "brier": rng.uniform(0.1, 0.3),
    }
    measures = {
        name: Estimate(float(v), max(float(v) - 0.04, -1.0), min(float(v) + 0.03, 1.0))
        for name, v in values.items()
    }
    measures["brier"] = Estimate(float(values["brier"]), math.nan, math.nan)
    measures["auprc"] = replace(measures["auprc"], undefined=0.25)
    measures["ece"] = replace(measures["ece"], undefined=0.01)
    per_class: dict[str, dict[str, float]] = {
        name: {
            "precision": float(precision[k]),
            "recall": float(recall[k]),
            "f1": float(f1[k]),
            "auroc": math.nan,
            "support": float(confusion[k].sum()),
        }
        for k, name in enumerate(classes)
    }
    return SliceResult(len(labels), patients, measures, per_class, confusion)


def _examples(
    name: str, label: int, classes: tuple[str, ...], names: tuple[str, ...], rng: np.random.Generator
) -> tuple[Example, ...]:
    made: list[Example] = []
    for right in (True, True, True, False, False, False):
        image = np.clip(rng.normal((200, 140, 190), 40, (154, 224, 3)), 0, 255).astype(np.uint8)
        predicted = name if right else classes[(label + 1) % len(classes)]
        made.append(Example(names[len(made)], image, name, predicted, 0.91))
    return tuple(made)
