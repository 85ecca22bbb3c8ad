"""Corrections of the shares in which classes are predicted: one number a class is added to every logit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.confidence import spread_sample
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PRIORS: Mapping[str, str] = MappingProxyType(
    {
        "none": "Logits stay as they are.",
        "frolic": "What the encoders expect of any tissue is estimated from their own answers and taken off.",
        "otter": "Classes are found in given shares, even ones unless said otherwise.",
    }
)
"""All but ``none`` look at all tiles before they judge one: results with them are transductive."""
STEPS = 1000
COOLING = tuple(np.geomspace(1.0, 1e-3, 7))
"""Widths of the soft maximum, in units of the logits' spread, while the shift is looked for."""
WHOLE_BELOW = 0.02
"""Width from which on all tiles are looked at."""


@dataclass(frozen=True, eq=False)
class PriorShift:
    """What is added to the logits, and why.

    Attributes
    ----------
    method
        A key of `PRIORS`.
    shift
        One number a class, their mean 0, shape (classes,).
    prior
        ``frolic``: the estimated bias that is taken off; ``otter``: the shares that were asked for.
    tiles
        How many tiles it was found from.
    """

    method: str
    shift: Floats
    prior: Floats
    tiles: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the provenance, with the prior by name."""
        return {
            "method": self.method,
            "shift": self.shift.tolist(),
            "prior": self.prior.tolist(),
            "tiles": self.tiles,
        }


def frolic(logits: NDArray[np.float32]) -> PriorShift:
    """Take off the classes' prior as the encoders' own answers tell it: ``shift = -log prior``.

    With ``S_jc`` the mean probability of class c over tiles of which j is the most probable class (even odds
    where there is none), the prior is what S leaves as it is, ``prior = prior S``, found by power iteration
    (Frolic, Zhu et al., NeurIPS 2024, section on label-free bias correction).

    Parameters
    ----------
    logits
        Shape (n, classes), n > 0.
    """
    probabilities = softmax(np.asarray(logits, np.float32)).astype(np.float64)
    n, classes = probabilities.shape
    label = probabilities.argmax(axis=1)
    seen = np.full((classes, classes), 1 / classes)
    for j in np.unique(label):
        seen[j] = probabilities[label == j].mean(axis=0)
    prior = np.full(classes, 1 / classes)
    for _ in range(STEPS):
        after = prior @ seen
        after /= after.sum()
        if np.abs(after - prior).max() < 1e-12:
            break
        prior = after
    shift = -np.log(np.maximum(prior, 1e-12))
    return PriorShift("frolic", shift - shift.mean(), prior, n)


def otter(logits: NDArray[np.float32], target: Sequence[float] | None = None) -> PriorShift:
    """Shift logits so that classes are the most probable ones in given shares.

    OTTER (Shin et al., NeurIPS 2024) assigns classes by optimal transport with cost ``-log p`` between tiles
    (1/n each) and classes (the target). Its dual has one number a class: the shift u that minimises ``mean
    over tiles of max_c (log p_c + u_c) - sum_c target_c u_c``, and the plan gives each tile to its argmax.
    The maximum is softened while u is looked for, and hardened step by step, at first on some tiles, in the
    end on all. Where tiles tie, shares can be met by halves only, and are then missed by as much.

    Parameters
    ----------
    logits
        Shape (n, classes), n > 0.
    target
        Wanted share of each class, above 0, with the sum 1; even ones by default. Nothing here knows the
        truth: a result is named after the shares that were assumed.

    Raises
    ------
    AlignmentError
        The shares are none.
    """
    from scipy.optimize import minimize

    n, classes = logits.shape
    wanted = np.full(classes, 1 / classes) if target is None else np.asarray(target, np.float64)
    if wanted.shape != (classes,) or not (wanted > 0).all() or abs(wanted.sum() - 1) > 1e-6:
        raise AlignmentError(
            f"Shares of {classes} classes have to be numbers above 0 with the sum 1; got {wanted.tolist()}."
        )
    every = np.asarray(logits, np.float64) - logits.max(axis=1, keepdims=True)
    some = every[spread_sample(logits)]
    spread = max(float(every.std()), 1e-6)
    shift = np.zeros(classes)

    def dual(u: Floats, tiles: Floats, width: float) -> tuple[float, Floats]:
        z = (tiles + u) / width
        top = z.max(axis=1, keepdims=True)
        odds = np.exp(z - top)
        total = odds.sum(axis=1, keepdims=True)
        value = width * float((top[:, 0] + np.log(total[:, 0])).mean()) - float(wanted @ u)
        return value, (odds / total).mean(axis=0) - wanted

    for share in COOLING:
        tiles = some if share > WHOLE_BELOW else every
        options = {"gtol": 1e-5}
        found = minimize(dual, shift, (tiles, share * spread), jac=True, method="BFGS", options=options)
        shift = found.x - found.x.mean()
    return PriorShift("otter", shift, wanted, n)
