"""How much examples should count, tried on the examples themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.few_shot.mixing import centred, mix, spread_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.few_shot.support import Support

    Floats = NDArray[np.float64]

ALPHAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Weights that are tried: from hardly anything to nearly nothing else."""
DEFAULT_ALPHA = 1.0
"""Examples and words count alike: where nothing can be held out to choose by."""


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen, and how good it was on examples that were left out.

    Attributes
    ----------
    alpha
        Weight of the evidence against zero-shot's 1.
    beta
        Sharpness of the cache; 0 for methods without one.
    accuracy, zero_shot_accuracy
        Mean over classes of the share of held-out examples judged right, with the others' help and by
        zero-shot alone; NaN where none could be held out.
    logits
        Of the examples, each judged without its group; NaN where it could not be, shape (m, classes).
    """

    alpha: float
    beta: float
    accuracy: float
    zero_shot_accuracy: float
    logits: Floats


def choose(
    support: Support,
    held_out: Mapping[float, Sequence[Floats]],
    unit: float,
    alphas: Sequence[float],
    default_beta: float,
) -> Choice:
    """Take the weight with the best accuracy on held-out examples; of equal ones the smallest.

    Accuracy is the mean over classes, so that one that was marked more does not decide. Without an example
    that can be held out, `DEFAULT_ALPHA` and `default_beta` if they are allowed, else the first that are.

    Parameters
    ----------
    held_out
        By beta: the scores of each encoder, shape (m, classes).
    unit
        Spread of the zero-shot logits, to which that of evidence is brought.
    alphas
        Ascending.
    """
    rows = support.judged
    if not rows.any():
        alpha = DEFAULT_ALPHA if DEFAULT_ALPHA in alphas else alphas[0]
        beta = default_beta if default_beta in held_out else next(iter(held_out))
        nothing = np.full(support.zero_shot.shape, np.nan)
        return Choice(alpha, beta, float("nan"), float("nan"), nothing)
    before = balanced_accuracy(support.zero_shot[rows], support.labels[rows])
    evidence = {
        beta: unit * joined([(s[rows], spread_of(centred(s[rows]))) for s in held_out[beta]])
        for beta in sorted(held_out)
    }
    tried = [
        (balanced_accuracy(mix(support.zero_shot[rows], found, alpha), support.labels[rows]), alpha, beta)
        for alpha in alphas
        for beta, found in evidence.items()
    ]
    most = max(accuracy for accuracy, _, _ in tried)
    accuracy, alpha, beta = next(t for t in tried if t[0] > most - 1e-9)
    logits = np.full(support.zero_shot.shape, np.nan)
    logits[rows] = mix(support.zero_shot[rows], evidence[beta], alpha)
    return Choice(alpha, beta, accuracy, before, logits)


def joined(scores: Sequence[tuple[Floats, float]]) -> Floats:
    """The mean over encoders of centred scores in units of their spread; one without spread says nothing."""
    mean: Floats = np.mean([centred(s) / spread if spread else 0 * s for s, spread in scores], axis=0)
    return mean


def balanced_accuracy(logits: Floats, labels: NDArray[np.int64]) -> float:
    """Mean over the classes there are of the share of their tiles judged right."""
    right = (logits.argmax(axis=1) == labels).astype(np.float64)
    counts = np.bincount(labels)
    return float((np.bincount(labels, right)[counts > 0] / counts[counts > 0]).mean())
