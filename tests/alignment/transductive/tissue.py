"""Tiles in clusters, and judges that see them through noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Tissue:
    """Features of two encoders, the truth, two independent judges, and the first one's logits."""

    features: list[np.ndarray]
    labels: np.ndarray
    logits: np.ndarray
    raters: list[np.ndarray]

    def arguments(self) -> tuple:
        return self.features, self.logits, self.raters

    def accuracy(self, probabilities: np.ndarray) -> float:
        return float((probabilities.argmax(axis=1) == self.labels).mean())


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def make_tissue(
    seed: int = 0, n: int = 300, classes: int = 3, signal: float = 1.2, encoders: int = 2, width: int = 24
) -> Tissue:
    """Gaussian clusters; each judge's logits are the truth times `signal` plus noise of its own."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    features = []
    for e in range(encoders):
        d = width + 8 * e
        centres = rng.normal(size=(classes, d)) + 1.0  # a direction in common, as real embeddings have
        features.append(unit(centres[labels] + 0.7 * rng.normal(size=(n, d))))
    raters = [
        (signal * np.eye(classes)[labels] + rng.normal(size=(n, classes))).astype(np.float32)
        for _ in range(2)
    ]
    return Tissue(features, labels, raters[0], raters)


def near_tie(tissue: Tissue, rows: np.ndarray, k: int) -> bool:
    """Whether rounding may decide who a tile's k-th neighbour among some tiles is."""
    n = len(tissue.labels)
    cosines = np.mean([f.astype(np.float64) @ f.T.astype(np.float64) for f in tissue.features], axis=0)
    ranked = -np.sort(-(cosines - 9 * np.eye(n))[:, rows], axis=1)
    return bool((ranked[:, k - 1] - ranked[:, k]).min() < 1e-6)
