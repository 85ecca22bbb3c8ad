"""Marked tiles of clusters, and tiles to be judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_histoalign.alignment.few_shot.support import Support, support_of


@dataclass
class Marked:
    """Examples and queries of two encoders."""

    features: list[np.ndarray]
    labels: np.ndarray
    zero_shot: np.ndarray
    query_features: list[np.ndarray]
    query_labels: np.ndarray
    query_zero_shot: np.ndarray

    def examples(self) -> tuple:
        return self.features, self.labels, self.zero_shot

    def queries(self) -> tuple:
        return self.query_features, self.query_zero_shot

    def support(self, groups: object = None) -> Support:
        return support_of(*self.examples(), groups)

    def accuracy(self, logits: np.ndarray) -> float:
        return float((logits.argmax(axis=1) == self.query_labels).mean())


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def mark(
    seed: int = 0,
    counts: tuple[int, ...] = (8, 8, 8),
    n: int = 300,
    widths: tuple[int, ...] = (12, 20),
    signal: float = 0.7,
    noise: float = 0.5,
) -> Marked:
    """Gaussian clusters; zero-shot logits are the truth times `signal` plus noise, times 3."""
    rng = np.random.default_rng(seed)
    classes = len(counts)
    labels, queries = np.repeat(np.arange(classes), counts), rng.integers(0, classes, n)
    features, query_features = [], []
    for d in widths:
        centres = rng.normal(size=(classes, d)) + 1
        features.append(unit(centres[labels] + noise * rng.normal(size=(len(labels), d))))
        query_features.append(unit(centres[queries] + noise * rng.normal(size=(n, d))))

    def words(y: np.ndarray) -> np.ndarray:
        return (3 * (signal * np.eye(classes)[y] + rng.normal(size=(len(y), classes)))).astype(np.float32)

    return Marked(features, labels, words(labels), query_features, queries, words(queries))
