"""Patients whose images two rows judge."""

from __future__ import annotations

import numpy as np

from napari_histoalign.evaluation.intervals import PatientBootstrap
from napari_histoalign.evaluation.slicing import Truth


def world(seed: int = 0, patients: int = 24, each: int = 10, skill: float = 1.0, magnified: bool = True):
    """Patients differ; images of one are alike."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"p{i}" for i in range(patients)], each)
    labels = np.repeat(np.arange(patients) % 2, each)
    trouble = np.repeat(rng.normal(size=patients), each)
    logit = skill * (2 * labels - 1) + trouble + 0.3 * rng.normal(size=len(labels))
    p = 1 / (1 + np.exp(-logit))
    magnifications = tuple(np.tile(["40X", "100X"], len(labels) // 2)) if magnified else ("",) * len(labels)
    truth = Truth(labels, magnifications, ("benign", "malignant"), 1, PatientBootstrap(list(names)))
    return truth, np.stack([1 - p, p], axis=1).astype(np.float32)
