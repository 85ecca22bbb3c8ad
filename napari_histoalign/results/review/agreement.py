"""How far two answers agree: percent agreement, Cohen's kappa, and the table they come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.errors import ResultError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Z = 1.959963984540054
"""Quantile of the normal distribution that leaves 2.5 % on either side."""
LEAST = 1e-6
"""A smaller standard error is rounding, and none."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement of two answers on the same things.

    Attributes
    ----------
    labels
        Categories.
    table
        Counts, int64, shape (labels, labels): first answer down, second across.
    observed
        Share of equal answers; NaN without any.
    observed_low, observed_high
        Its 95 % interval (Wilson 1927).
    expected
        Share of equal answers to be expected if they had nothing to do with each other.
    kappa
        Cohen's kappa, unweighted (Cohen 1960); NaN where both always give one and the same category.
    error
        Its standard error (Fleiss, Cohen, Everitt 1969, for large samples); NaN without kappa.
    low, high
        Its 95 % interval, kappa -+ 1.96 standard errors within -1..1; NaN where the error is 0 or
        unknown, since the formula then says nothing.
    """

    labels: tuple[str, ...]
    table: NDArray[np.int64]
    observed: float
    observed_low: float
    observed_high: float
    expected: float
    kappa: float
    error: float
    low: float
    high: float

    @property
    def n(self) -> int:
        """Things answered by both."""
        return int(self.table.sum())


def agreement(first: Sequence[str], second: Sequence[str], labels: Sequence[str] = ()) -> Agreement:
    """Agreement of two lists of answers.

    Parameters
    ----------
    first, second
        Answers to the same things in the same order.
    labels
        Categories in the order wanted; others that occur follow, sorted.

    Raises
    ------
    ResultError
        The lists differ in length.
    """
    if len(first) != len(second):
        raise ResultError(f"{len(first)} answers cannot be compared with {len(second)}.")
    found = dict.fromkeys([*labels, *sorted({*first, *second})])
    order = {name: i for i, name in enumerate(found)}
    table = np.zeros((len(order), len(order)), np.int64)
    np.add.at(table, ([order[a] for a in first], [order[b] for b in second]), 1)
    return agreement_of(table, tuple(order))


def agreement_of(table: ArrayLike, labels: Sequence[str]) -> Agreement:
    """Agreement from a table of counts.

    Parameters
    ----------
    table
        Shape (labels, labels): first answer down, second across.
    labels
        Categories.

    Raises
    ------
    ResultError
        The table does not fit the categories, or holds what are no counts.
    """
    given = np.asarray(table)
    counts: NDArray[np.int64] = given.astype(np.int64)
    if counts.shape != (len(labels), len(labels)) or (counts < 0).any() or (counts != given).any():
        raise ResultError(f"A table of agreement of {len(labels)} categories holds that many squared counts.")
    n = int(counts.sum())
    if not n:
        return Agreement(tuple(labels), counts, *[math.nan] * 8)
    p = counts / n
    down, across = p.sum(axis=1), p.sum(axis=0)
    observed, expected = float(np.trace(p)), float(down @ across)
    low, high = wilson(int(np.trace(counts)), n)
    # told by counts: rounding must not decide whether chance alone would agree always
    always = int(counts.sum(axis=1) @ counts.sum(axis=0)) == n * n
    kappa = error = math.nan
    if not always:
        kappa = (observed - expected) / (1 - expected)
        error = math.sqrt(max(_variance(p, down, across, kappa, expected), 0.0) / n) / (1 - expected)
    if error < LEAST:
        error = 0.0
    known = error > 0
    return Agreement(
        labels=tuple(labels),
        table=counts,
        observed=observed,
        observed_low=low,
        observed_high=high,
        expected=expected,
        kappa=kappa,
        error=error,
        low=max(kappa - Z * error, -1.0) if known else math.nan,
        high=min(kappa + Z * error, 1.0) if known else math.nan,
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, JASA 22, 1927); NaN for none of none."""
    if not n:
        return math.nan, math.nan
    share, z2 = hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _variance(
    p: NDArray[Any], down: NDArray[Any], across: NDArray[Any], kappa: float, expected: float
) -> float:
    """Variance of kappa times n and (1 - expected)^2.

    Fleiss, Cohen, Everitt, "Large sample standard errors of kappa and weighted kappa", Psychological
    Bulletin 72 (1969), 323-327, with the weights of unweighted kappa.
    """
    diagonal = np.diag(p)
    same = float(diagonal @ (1 - (down + across) * (1 - kappa)) ** 2)
    # an answer i by the first counts together with how often the second answers i
    sums = (across[:, None] + down[None, :]) ** 2
    other = float((p * sums).sum() - diagonal @ np.diag(sums))
    return same + (1 - kappa) ** 2 * other - (kappa - expected * (1 - kappa)) ** 2
