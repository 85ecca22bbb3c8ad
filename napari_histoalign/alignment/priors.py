"""Corrections of the shares in which classes are predicted: one number a class is added to every logit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.assignment import exact_shift
from napari_histoalign.alignment.confidence import spread_sample
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PRIORS: Mapping[str, str] = MappingProxyType(
    {
        "none": "Logits stay as they are.",
        "content-free": "What classes get from inputs without content is taken off; no tile is looked at.",
        "frolic": "What the encoders expect of any tissue is estimated from their own answers and taken off.",
        "otter": "Classes are found in given shares, even ones unless said otherwise.",
    }
)
TRANSDUCTIVE_PRIORS = ("frolic", "otter")
"""These look at all tiles before they judge one."""
STEPS = 1000
COOLING = tuple(np.geomspace(1.0, 1e-3, 7))
"""Widths of the soft maximum, in units of the logits' spread, while the shift is looked for on some tiles."""
LAST_WIDTH = 3e-3
"""Width at which all tiles are looked at."""
MOST_MOVES = 500
"""Moves of tiles from class to class that may follow; as a rule some ten do."""


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
        ``frolic``, ``content-free``: the bias that is taken off; ``otter``: the shares that were asked for.
    tiles
        How many tiles it was found from.
    note
        A sentence: what was assumed.
    """

    method: str
    shift: Floats
    prior: Floats
    tiles: int
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the provenance, with the prior by name."""
        return {
            "method": self.method,
            "shift": self.shift.tolist(),
            "prior": self.prior.tolist(),
            "tiles": self.tiles,
            "note": self.note,
        }


def content_free(class_logits: NDArray[np.floating]) -> PriorShift:
    """Take off what classes get from an input without content: ``shift = -logits``.

    The contextual calibration of Zhao et al. (ICML 2021), with images or texts such as "an H&E image."
    in place of an empty prompt. They average the probabilities of several such inputs and divide by them;
    here logits are averaged, so that the shift is the mean of the single ones. No tile is looked at.

    Parameters
    ----------
    class_logits
        Logits of the input without content (of several, their mean), on the scale of those that are to be
        shifted, shape (classes,).

    Raises
    ------
    AlignmentError
        There is not one finite number a class.
    """
    logits = np.asarray(class_logits, np.float64)
    if logits.ndim != 1 or not logits.size or not np.isfinite(logits).all():
        raise AlignmentError(f"An input without content has one finite logit a class; got {logits.tolist()}.")
    note = "An input without content is assumed to favour no class; no share of classes is assumed."
    prior = softmax(logits.astype(np.float32)).astype(np.float64)
    return PriorShift("content-free", logits.mean() - logits, prior, 0, note)


def frolic(logits: NDArray[np.float32]) -> PriorShift:
    """Take off the classes' prior as the encoders' own answers tell it: ``shift = -log prior``.

    With ``S_jc`` the mean probability of class c over tiles of which j is the most probable class (even odds
    where there is none), the prior is what S leaves as it is, ``prior = prior S``, found by power iteration
    (Frolic, Zhu et al., NeurIPS 2024, section on label-free bias correction). It is done once here; its code
    does so eleven times over, each time without tiles whose two best logits are less than 1/classes apart.

    Parameters
    ----------
    logits
        Shape (n, classes), n > 0.

    Raises
    ------
    AlignmentError
        There is no tile, or a logit that is not finite.
    """
    probabilities = softmax(_checked(logits).astype(np.float32)).astype(np.float64)
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
    note = "The prior is estimated from the tiles' own answers; no share of classes is assumed."
    return PriorShift("frolic", shift - shift.mean(), prior, n, note)


def otter(logits: NDArray[np.float32], target: Sequence[float] | None = None) -> PriorShift:
    """Shift logits so that classes are the most probable ones in given shares.

    OTTER (Shin et al., NeurIPS 2024) assigns classes by optimal transport with cost ``-log p`` between tiles
    (1/n each) and classes (the target). Its dual has one number a class: the shift u that minimises ``mean
    over tiles of max_c (log p_c + u_c) - sum_c target_c u_c``, and the plan gives each tile to its argmax.
    The maximum is softened while u is looked for, and hardened step by step, at first on some tiles, then on
    all; at last single tiles change class until each class has its share to within one tile
    (`napari_histoalign.alignment.assignment`). The assignment is then the best there is for the numbers of
    tiles that classes have. Tiles that tie all go to one of their classes, and shares are missed by as much.

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
        The shares are none, or there is no tile, or a logit that is not finite.
    """
    from scipy.optimize import minimize

    checked = _checked(logits)
    n, classes = checked.shape
    wanted = np.full(classes, 1 / classes) if target is None else np.asarray(target, np.float64)
    if wanted.shape != (classes,) or not (wanted > 0).all() or abs(wanted.sum() - 1) > 1e-6:
        raise AlignmentError(
            f"Shares of {classes} classes have to be numbers above 0 with the sum 1; got {wanted.tolist()}."
        )
    every = checked - checked.max(axis=1, keepdims=True)
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

    stages = [(some, share, 1e-4) for share in COOLING]
    if len(some) < n:
        stages.append((every, LAST_WIDTH, 1e-5))
    for tiles, share, enough in stages:
        options = {"gtol": enough}
        found = minimize(dual, shift, (tiles, share * spread), jac=True, method="BFGS", options=options)
        shift = found.x - found.x.mean()
    shift = exact_shift(every, shift, wanted, MOST_MOVES)
    assumed = "even shares" if target is None else "the given shares"
    note = f"Classes are assumed to have {assumed}; that is an assumption and was not measured."
    return PriorShift("otter", shift - shift.mean(), wanted, n, note)


def _checked(logits: NDArray[np.floating]) -> Floats:
    """Logits of at least one tile, in double precision."""
    z = np.asarray(logits, np.float64)
    if z.ndim != 2 or not z.size or not np.isfinite(z).all():
        raise AlignmentError(f"A prior takes finite logits of at least one tile; got the shape {z.shape}.")
    return z
