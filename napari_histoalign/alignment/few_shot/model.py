"""Few-shot without training: examples that a person marked, added to zero-shot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_histoalign.alignment.arrays import as_logits, unit_rows
from napari_histoalign.alignment.few_shot import gda, prototype, tip_adapter
from napari_histoalign.alignment.few_shot.choice import ALPHAS, choose, joined
from napari_histoalign.alignment.few_shot.mixing import centred, mix, spread_of
from napari_histoalign.alignment.few_shot.support import Support, support_of
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

METHODS = ("gda", "tip-adapter", "prototype")
LEAST, MOST = 1e-3, 1e3
"""Bounds of alpha and beta: wide of any use."""
BLOCK_ROWS = 4096


class Scorer(Protocol):
    """What one encoder's examples say of tiles."""

    def score(self, rows: Floats) -> Floats:
        """A score a class, NaN for one without examples; unit rows (n, width) to (n, classes)."""


@dataclass(frozen=True)
class FewShot:
    """A method and its parameters.

    Attributes
    ----------
    method
        ``gda``, ``tip-adapter`` or ``prototype``.
    alpha
        Weight of what the examples say against what the words say, 1 for equal voices; chosen on held-out
        examples where None.
    beta
        Sharpness of ``tip-adapter``, chosen likewise.
    """

    method: str = "gda"
    alpha: float | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise AlignmentError(f"There is no few-shot method {self.method!r}: {', '.join(METHODS)}.")
        for name, value in (("alpha", self.alpha), ("beta", self.beta)):
            if value is not None and not LEAST <= value <= MOST:
                raise AlignmentError(f"{name} must lie between {LEAST:g} and {MOST:g}; got {value}.")

    def fit(
        self,
        features: Sequence[NDArray[np.floating]],
        labels: ArrayLike,
        zero_shot: ArrayLike,
        *,
        groups: Sequence[str] | Sequence[int] | NDArray[np.generic] | None = None,
    ) -> FewShotModel:
        """Learn from examples, one or more of at least two classes.

        Each encoder's examples give a tile a score a class: see `gda`, `tip_adapter`, `prototype`. Scores
        less their mean over classes, in units of their spread on held-out examples, are averaged over
        encoders and brought to the spread of the zero-shot logits. That evidence is mixed with zero-shot:
        ``(zero_shot + alpha evidence) / (1 + alpha)``.

        alpha (and beta) are those with which most examples are judged right by all others, each left out
        in turn with its group; of equal ones the smallest. Examples whose class would vanish have no say.
        Where no two classes have an example that can be left out (one example a class), alpha is 1, and
        spreads are those on the examples themselves: larger than on other tiles, so that single examples
        speak softly.

        A class without examples keeps its zero-shot probability on every tile: examples only move what
        zero-shot gave to the classes that have some (`mix`).

        Parameters
        ----------
        features
            Of each encoder, shape (m, width); rows are brought to length 1.
        labels
            Classes of the examples, shape (m,).
        zero_shot
            Their zero-shot logits, shape (m, classes), as those of the tiles to be judged.
        groups
            Patient or slide of each example: what is alike because it is of one piece must be left out
            together, or held-out accuracy flatters. Each example on its own by default.

        Raises
        ------
        AlignmentError
            Shapes disagree, numbers are not finite, or fewer than two classes have an example.
        """
        support = support_of(features, labels, zero_shot, groups)
        if self.method == "gda" and not support.alone:
            support = support.folded(gda.MOST_FOLDS)
        # what examples say of classes that have none is not asked
        asked = np.where(support.seen, support.zero_shot, np.nan)
        unit = spread_of(centred(asked)) or 1.0  # words that say nothing have no units
        betas = [0.0] if self.method != "tip-adapter" else [self.beta] if self.beta else tip_adapter.BETAS
        held = self._held_out(support, betas)
        alphas = ALPHAS if self.alpha is None else (self.alpha,)
        choice = choose(support, held, unit, alphas, tip_adapter.DEFAULT_BETA)
        scorers = [self._scorer(x, support, choice.beta) for x in support.features]
        if support.judged.any():
            spreads = [spread_of(centred(s[support.judged])) for s in held[choice.beta]]
        else:
            pairs = zip(scorers, support.features, strict=True)
            spreads = [spread_of(centred(scorer.score(x))) for scorer, x in pairs]
        return FewShotModel(
            tuple(scorers),
            tuple(x.shape[1] for x in support.features),
            tuple(spreads),
            unit,
            choice.alpha,
            support.seen,
            choice.logits.astype(np.float32),
            self._details(support, choice.beta)
            | {
                "alpha": choice.alpha,
                "held_out_accuracy": choice.accuracy,
                "zero_shot_accuracy": choice.zero_shot_accuracy,
            },
        )

    def _held_out(self, support: Support, betas: Sequence[float]) -> dict[float, list[Floats]]:
        if self.method == "gda":
            return {0.0: [gda.held_out(x, support) for x in support.features]}
        if self.method == "prototype":
            return {0.0: [prototype.held_out(x, support) for x in support.features]}
        each = [tip_adapter.held_out(x, support, betas) for x in support.features]
        return {beta: [scores[b] for scores in each] for b, beta in enumerate(betas)}

    def _scorer(self, x: Floats, support: Support, beta: float) -> Scorer:
        if self.method == "gda":
            return gda.Gda.fit(x, support)
        if self.method == "prototype":
            return prototype.Prototypes.fit(x, support)
        return tip_adapter.Cache.fit(x, support, beta)

    def _details(self, support: Support, beta: float) -> dict[str, Any]:
        groups = int(support.groups.max()) + 1
        return {
            "method": self.method,
            "examples": support.counts.tolist(),
            "encoders": len(support.features),
            "held_out": int(support.judged.sum()),
            "held_out_parts": groups if support.judged.any() else 0,
            **({"beta": beta} if self.method == "tip-adapter" else {}),
        }


@dataclass(frozen=True, eq=False)
class FewShotModel:
    """What examples taught.

    Attributes
    ----------
    scorers, widths, spreads
        Of each encoder: its scores, the width of its features, and the spread its scores are divided by.
    unit
        Spread of the zero-shot logits.
    alpha
        Weight of the examples.
    seen
        Which classes have an example, shape (classes,).
    held_out
        Logits of the examples, each judged by the others alone, float32, shape (m, classes); NaN for those
        that could not be. What a temperature may be fitted to.
    details
        Plain values for the provenance: method, alpha, beta, examples a class, how many could be held out and
        in how many parts, mean recall on those (NaN for none) with the others' help and without.
    """

    scorers: tuple[Scorer, ...]
    widths: tuple[int, ...]
    spreads: tuple[float, ...]
    unit: float
    alpha: float
    seen: NDArray[np.bool_]
    held_out: NDArray[np.float32]
    details: Mapping[str, Any] = field(default_factory=dict)

    def logits(self, features: Sequence[NDArray[np.floating]], zero_shot: ArrayLike) -> NDArray[np.float32]:
        """Judge tiles; each on its own, in blocks.

        Parameters
        ----------
        features
            Of the same encoders (a memory map will do), shape (n, width); rows are brought to length 1.
        zero_shot
            Shape (n, classes).

        Returns
        -------
        ndarray
            float32, shape (n, classes).

        Raises
        ------
        AlignmentError
            Shapes disagree or numbers are not finite.
        """
        words = as_logits(zero_shot, "Zero-shot logits")
        n = len(words)
        wanted = [(n, width) for width in self.widths]
        if words.shape[1] != len(self.seen) or [f.shape for f in features] != wanted:
            raise AlignmentError(
                f"The examples have {len(self.seen)} classes and features as wide as "
                f"{', '.join(map(str, self.widths))}; got logits of shape {words.shape} and features of "
                f"{', '.join(str(f.shape) for f in features) or 'no encoder'}."
            )
        out = np.empty_like(words)
        for start in range(0, n, BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            scores = [
                scorer.score(unit_rows(f[rows]).astype(np.float64))
                for scorer, f in zip(self.scorers, features, strict=True)
            ]
            evidence = self.unit * joined(list(zip(scores, self.spreads, strict=True)))
            out[rows] = mix(words[rows].astype(np.float64), evidence, self.alpha)
        return out
