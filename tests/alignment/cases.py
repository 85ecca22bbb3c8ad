"""Random bags of unit vectors, and scores by plain loops to compare with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from napari_histoalign.alignment import CrossTexts


@dataclass
class Case:
    """Two encoders' embeddings of tiles and prompts."""

    images: list[np.ndarray]
    texts: list[np.ndarray]
    class_index: np.ndarray
    n_classes: int
    scales: list[float] = field(default_factory=lambda: [30.0, 15.0])

    def arguments(self) -> tuple:
        return self.images, self.texts, self.class_index, self.n_classes, self.scales


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    x = rng.normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def make_case(
    seed: int = 0,
    n: int = 50,
    views: int = 2,
    width: int = 16,
    classes: tuple[int, ...] = (3, 2, 4),
    encoders: int = 2,
) -> Case:
    rng = np.random.default_rng(seed)
    k = sum(classes)
    return Case(
        [unit(rng, n, views, width) for _ in range(encoders)],
        [unit(rng, k, width) for _ in range(encoders)],
        np.repeat(np.arange(len(classes)), classes),
        len(classes),
        [30.0, 15.0][:encoders],
    )


def two_widths(n: int = 50, seed: int = 0) -> tuple[Case, dict[tuple[int, int], CrossTexts]]:
    """Encoders 16 and 24 wide, with centred texts of each for the other."""
    case = make_case(seed, n=n)
    rng = np.random.default_rng(seed + 1)
    k = len(case.class_index)
    shift = np.full(24, 0.3)
    images = unit(rng, n, 2, 24) + shift
    wide = (images / np.linalg.norm(images, axis=-1, keepdims=True)).astype(np.float32)
    case = replace(case, images=[case.images[0], wide], texts=[case.texts[0], unit(rng, k, 24)])
    cross = {(0, 1): CrossTexts(unit(rng, k, 16), True), (1, 0): CrossTexts(unit(rng, k, 24), True)}
    return case, cross


def dot(a: np.ndarray, b: np.ndarray) -> float:
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def prototype(texts: np.ndarray, members: list[int]) -> list[float]:
    mean = [sum(float(texts[k][d]) for k in members) / len(members) for d in range(texts.shape[1])]
    length = math.sqrt(sum(x * x for x in mean))
    return [x / length for x in mean]


def members(case: Case, c: int) -> list[int]:
    return [k for k in range(len(case.class_index)) if case.class_index[k] == c]


def mean_cosine(case: Case, i: int, j: int, tile: int, c: int) -> float:
    """Mean over views of the cosine with the class's prototype, by loops."""
    t = prototype(case.texts[j], members(case, c))
    views = case.images[i][tile]
    return sum(dot(v, t) for v in views) / len(views)


def soft(logits: list[float]) -> list[float]:
    top = max(logits)
    e = [math.exp(x - top) for x in logits]
    return [x / sum(e) for x in e]
