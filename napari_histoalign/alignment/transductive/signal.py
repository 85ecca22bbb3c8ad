"""How strong zero-shot is, found without labels: what decides whether tiles may be judged together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.arrays import as_logits
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

MIN_TILES = 32
"""Fewer say too little about agreement, and leave a class too few tiles for a mean."""
MIN_KAPPA = 0.2
"""Agreement up to here is "slight" on the scale of Landis & Koch (1977). Clusters keep the names that
zero-shot gives them, however wrong: near chance, published results of TransCLIP fall below zero-shot."""
MIN_NOISES = 2.0
"""Standard errors by which kappa must lie above 0: with few tiles, chance alone can reach `MIN_KAPPA`."""
MIN_SHARE = 0.01
"""Share of tiles that a second class must have: a slide that zero-shot calls all one thing leaves the other
classes nothing to be modelled by, and they would be found in its least typical tiles."""


@dataclass(frozen=True)
class SignalStrength:
    """How far independent judges of the same tiles agree.

    Attributes
    ----------
    kappa
        Cohen's kappa of the raters' most probable classes, the mean over pairs of raters (Light 1971): 0 by
        chance, 1 in full.
    noise
        Its standard error if the raters knew nothing (Fleiss, Cohen & Everitt 1969), as if tiles were
        independent: those of a slide are less so, and the true one is larger.
    shares
        Of the classes among zero-shot's labels, by class.
    tiles, raters
        How many; raters that say exactly the same on every tile count once.
    """

    kappa: float
    noise: float
    shares: tuple[float, ...]
    tiles: int
    raters: int

    @property
    def weakness(self) -> str:
        """Why it is too weak to build on, in a sentence; empty if it is not."""
        if self.tiles < MIN_TILES:
            return f"Judging tiles together takes at least {MIN_TILES} of them; there are {self.tiles}."
        if self.raters < 2:
            return (
                "Judging tiles together takes two independent opinions to compare (two encoders, or two "
                "halves of the prompts), and there are not."
            )
        second = sorted(self.shares)[-2]
        if second < MIN_SHARE:
            return (
                f"Zero-shot puts {max(self.shares):.1%} of the tiles into one class, which leaves too few of "
                "another to judge tiles together by."
            )
        needed = max(MIN_KAPPA, MIN_NOISES * self.noise)
        if not self.kappa >= needed:
            return (
                f"Independent zero-shot opinions hardly agree on the tiles (Cohen's kappa {self.kappa:.2f}; "
                f"{needed:.2f} is needed): judged together, errors would spread rather than be mended."
            )
        return ""


def signal_strength(logits: ArrayLike, raters: Sequence[ArrayLike]) -> SignalStrength:
    """Measure how strong zero-shot is on these tiles, without labels.

    It is necessary, not sufficient: raters that share an image tower can agree on what is wrong. Two
    encoders' own pairs say more than halves of the prompts, and those more than halves of the views.

    Parameters
    ----------
    logits
        Of the strategy whose labels are to be refined, shape (n, classes).
    raters
        Logits or probabilities of judges that are as independent as can be had, each of shape (n, classes).

    Raises
    ------
    AlignmentError
        Shapes disagree or numbers are not finite.
    """
    labels = as_logits(logits).argmax(axis=1)
    n, classes = np.shape(logits)
    rated: dict[bytes, NDArray[np.int64]] = {}
    for rater in raters:
        array = as_logits(rater, "Logits of a rater")
        if array.shape != (n, classes):
            raise AlignmentError(
                f"Raters must judge the same tiles and classes, shape ({n}, {classes}); got {array.shape}."
            )
        rated[(array - array.max(axis=1, keepdims=True)).tobytes()] = array.argmax(axis=1)
    shares = np.bincount(labels, minlength=classes) / max(n, 1)
    pairs = [_kappa(a, b, classes) for a, b in combinations(rated.values(), 2)] if n else []
    kappa, noise = np.mean(pairs, axis=0).tolist() if pairs else (0.0, 0.0)
    return SignalStrength(kappa, noise, tuple(shares.tolist()), n, len(rated))


def _kappa(a: NDArray[np.int64], b: NDArray[np.int64], classes: int) -> tuple[float, float]:
    """Cohen's kappa of two lists of labels, and its standard error under independence; 0 for a lone class."""
    n = len(a)
    p, q = (np.bincount(labels, minlength=classes) / n for labels in (a, b))
    expected = float(p @ q)
    if expected >= 1:
        return 0.0, 0.0
    observed = float(np.mean(a == b))
    spread = expected + expected**2 - float((p * q * (p + q)).sum())
    return (observed - expected) / (1 - expected), float(np.sqrt(max(spread, 0) / n)) / (1 - expected)
