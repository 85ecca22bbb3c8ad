"""What an alignment returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.fit import Fit

Real = TypeVar("Real", np.float32, np.float64)


@dataclass(frozen=True, eq=False)
class Part:
    """What one pair of encoders says.

    Attributes
    ----------
    pair
        Image encoder, text encoder.
    weight
        Its share in the whole; weights sum to 1.
    logits
        float32, shape (n, classes): their weighted sum is what a strategy finds, before temperature and
        prior.
    """

    pair: tuple[int, int]
    weight: float
    logits: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scores:
    """Class probabilities of tiles.

    Attributes
    ----------
    logits
        What the softmax was taken of, float32, shape (n, classes).
    probabilities
        float32, shape (n, classes); rows sum to 1.
    details
        What was found on the way (scales, weights), as plain values for the provenance.
    parts
        What each pair of encoders says; empty for ``mean-fusion``, which sums before it compares.
    fit
        What the tiles told about how to score: other tiles can be scored with it.
    """

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    details: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    fit: Fit | None = None

    @property
    def label(self) -> NDArray[np.int64]:
        """Most probable class of each tile, shape (n,)."""
        label: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return label

    @property
    def margin(self) -> NDArray[np.float32]:
        """Probability of the best class above the second best, shape (n,)."""
        top = np.partition(self.probabilities, -2, axis=1)[:, -2:]
        return top[:, 1] - top[:, 0]

    @property
    def entropy(self) -> NDArray[np.float32]:
        """Entropy over its largest value, 0 (certain) to 1 (no idea), shape (n,)."""
        p = np.maximum(self.probabilities, np.finfo(np.float32).tiny)
        entropy: NDArray[np.float32] = -(p * np.log(p)).sum(axis=1) / np.float32(np.log(p.shape[1]))
        entropy = entropy.clip(0, 1)  # rounding leaves it a little outside
        return entropy


def softmax(logits: NDArray[Real], axis: int = -1) -> NDArray[Real]:
    """Softmax over an axis, without overflow, in the precision of the logits."""
    shifted = np.exp(logits - logits.max(axis=axis, keepdims=True, initial=-np.inf))
    probabilities: NDArray[Real] = shifted / shifted.sum(axis=axis, keepdims=True)
    return probabilities
