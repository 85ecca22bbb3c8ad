"""Optimal transport between a tile's views and a class's prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.scores import softmax
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SMOOTHING = 0.1
"""Strength of the entropy, in units of the cost (1 - cosine)."""
SHARPNESS = 0.5
"""Temperature of the weights that entropies give."""
MOST_STEPS = 100
CLOSE = 1e-2
"""A tile whose views' weights are met within this share of an even one is done; numbers as published."""
LEAST_SMOOTHING = 0.01
"""Cosines may lie 2 apart: ``exp(-2 / 0.01)`` and scalings as large are well within double precision."""
DOUBLE_BELOW = 0.05
"""From this smoothing on single precision will do: it holds ``exp(-2 / 0.05)``, and scalings as large."""
AT_ONCE = 2**20
"""Similarities that `transport_pool` transports at a time."""


def transport_pool(
    cosines: Floats,
    views: Floats | None = None,
    prompts: Floats | None = None,
    *,
    smoothing: float = SMOOTHING,
) -> Floats:
    """A class's similarity to tiles by optimal transport: ``sum_kv T_kv s_kv`` with the plan T.

    AWT (Zhu et al., NeurIPS 2024) sums logits so; here the sum is in the units of the cosines. What is added
    to all cosines of a tile is added to its sum. AWT's steps end when an image's scalings move by less than
    1/100 on average; here when its weights are met. Its views are random crops and flips of an image.

    Parameters
    ----------
    cosines
        Of one class's prompts with the views of tiles, shape (prompts, views, n).
    views
        Weights of each tile's views, shape (views, n), each tile's sum 1 (`view_weights`); even by default.
    prompts
        Weights of the prompts, shape (prompts,) or for each tile (prompts, n), their sum 1
        (`prompt_weights`); even by default.
    smoothing
        Strength of the entropy in units of the cost, at least `LEAST_SMOOTHING`. The larger it is, the
        nearer the plan is to the product of both weights (a weighted mean); the smaller, the nearer to the
        best match.

    Returns
    -------
    ndarray
        float32, shape (n,).

    Raises
    ------
    AlignmentError
        The arrays do not fit together, or hold numbers that are no weights or no cosines.
    """
    s = np.asarray(cosines, np.float32)
    if s.ndim != 3 or 0 in s.shape[:2]:
        raise AlignmentError(f"Cosines have the shape (prompts, views, tiles); got {s.shape}.")
    if not np.isfinite(s).all():
        raise AlignmentError("A cosine is not a finite number.")
    k, v, n = s.shape
    a = np.full((v, n), 1 / v, np.float32) if views is None else _checked(views, (v, n), "views")
    even = np.full(k, 1 / k, np.float32) if prompts is None else np.asarray(prompts)
    b = _checked(even, (k,) if even.ndim < 2 else (k, n), "prompts")
    b = np.broadcast_to(b if b.ndim == 2 else b[:, None], (k, n))
    pooled = np.empty(n, np.float32)
    step = max(AT_ONCE // (k * v), 1)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        plan = transport_plan(s[:, :, rows], a[:, rows], b[:, rows], smoothing=smoothing)
        pooled[rows] = np.einsum("kvn,kvn->n", plan, s[:, :, rows])
    return pooled


def transport_plan(
    cosines: Floats, views: Floats, prompts: Floats, *, smoothing: float = SMOOTHING
) -> Floats:
    """How much of each view goes to each prompt of a class: the entropic optimal plan.

    ``T = argmin_T sum_kv T_kv (1 - s_kv) - e H(T)`` with the sum over prompts equal to the views' weights and
    that over views equal to the prompts', by Sinkhorn's scaling of ``exp(-(1 - s) / e)``. AWT (Zhu et al.,
    NeurIPS 2024) aligns image crops with descriptions so, with e = 0.1. With one view or one
    prompt there is but one plan, which is returned as it is.

    Parameters
    ----------
    cosines
        Shape (prompts, views, n), float32.
    views
        Weights of each tile's views, shape (views, n); each tile's sum to 1.
    prompts
        Weights of the prompts, shape (prompts,) or for each tile (prompts, n); they sum to 1.
    smoothing
        e, in units of the cost, at least `LEAST_SMOOTHING`. With little of it the steps may run out before
        both weights are met.

    Returns
    -------
    ndarray
        float32, shape (prompts, views, n); each tile's sum to 1.

    Raises
    ------
    AlignmentError
        There is too little smoothing.
    """
    if not LEAST_SMOOTHING <= smoothing < np.inf:
        raise AlignmentError(f"Smoothing is a number of at least {LEAST_SMOOTHING:g}; got {smoothing!r}.")
    prompts = prompts if prompts.ndim == 2 else prompts[:, None]
    if 1 in cosines.shape[:2]:
        only: Floats = prompts[:, None].astype(np.float32) * views.astype(np.float32)
        return only
    kind = np.float64 if smoothing < DOUBLE_BELOW else np.float32
    # less each tile's best: a constant that scaling takes out again, and no exponent overflows
    kernel = np.exp((cosines - cosines.max(axis=(0, 1))).astype(kind) / kind(smoothing))
    rows = prompts.astype(kind)
    left = np.ones((cosines.shape[0], cosines.shape[2]), kind)
    right = np.ones((cosines.shape[1], cosines.shape[2]), kind)
    for _ in range(MOST_STEPS):
        left = rows / np.einsum("kvn,vn->kn", kernel, right)
        met = np.einsum("kvn,kn->vn", kernel, left)
        # each tile stops for itself: its plan depends on no other
        apart = np.abs(right * met - views).max(axis=0) * len(views) >= CLOSE
        if not apart.any():
            break
        right[:, apart] = (views / met)[:, apart]
    whole = kernel * left[:, None] * right[None]
    whole /= whole.sum(axis=(0, 1))
    plan: Floats = whole.astype(np.float32, copy=False)
    return plan


def entropy_weights(logits: Floats) -> Floats:
    """Weights of views or prompts by how sure they are of a class: ``softmax(-H / 0.5)`` (AWT).

    Parameters
    ----------
    logits
        Logits of classes, shape (classes, members, ...).

    Returns
    -------
    ndarray
        float32, shape (members, ...); they sum to 1 over members.
    """
    return softmax(-_entropy(logits) / np.float32(SHARPNESS), axis=0)


def view_weights(class_cosines: Floats, scale: float) -> Floats:
    """Weights of views: those that are sure of a class count more.

    ``a_v = softmax(-H_v / 0.5)`` with H the entropy of ``softmax(scale * cosines)`` over classes (AWT).

    Parameters
    ----------
    class_cosines
        Mean cosine of each class's prompts, shape (classes, views, n).
    scale
        Logit scale.

    Returns
    -------
    ndarray
        float32, shape (views, n).
    """
    return entropy_weights(class_cosines * np.float32(scale))


def prompt_weights(cosines: Floats, weights: Floats, classes: Sequence[slice], scale: float) -> Floats:
    """Weights of prompts for each tile: those that leave it sure of a class count more.

    ``b_k = softmax(-H_k / 0.5)`` within the prompt's class, H the entropy over classes of the tile's logits
    in which the prompt's own stands for its class and the mean of their prompts for the others (AWT, which
    takes the first view, the whole image, for it).

    Parameters
    ----------
    cosines
        Of all prompts with the first view of tiles, shape (k, n).
    weights
        Prior weights of the prompts, which the means are taken with, shape (k,); each class's sum to 1.
    classes
        Where each class's prompts stand.
    scale
        Logit scale.

    Returns
    -------
    ndarray
        float32, shape (k, n); each class's sum to 1 for every tile, and are the prior weights where all
        prompts answer alike.
    """
    means = np.stack([weights[c] @ cosines[c] for c in classes])
    out = np.empty(cosines.shape, np.float32)
    for c, prompts in enumerate(classes):
        logits = np.repeat(means[:, None], prompts.stop - prompts.start, axis=1)
        logits[c] = cosines[prompts]
        out[prompts] = weights[prompts, None] * entropy_weights(logits * np.float32(scale))
        out[prompts] /= np.maximum(out[prompts].sum(axis=0), np.finfo(np.float32).tiny)
    return out


def _checked(weights: Floats, shape: tuple[int, ...], what: str) -> Floats:
    """Weights that sum to 1 over the first axis."""
    w = np.asarray(weights, np.float32)
    if w.shape != shape:
        raise AlignmentError(f"Weights of {what} have the shape {shape} here; got {w.shape}.")
    if not ((w >= 0).all() and (np.abs(w.sum(axis=0) - 1) < 1e-3).all()):
        raise AlignmentError(f"Weights of {what} are numbers of at least 0 with the sum 1.")
    return w


def _entropy(logits: Floats) -> Floats:
    """Entropy of the softmax over the first axis."""
    p = softmax(logits, axis=0)
    entropy: Floats = -(p * np.log(np.maximum(p, np.finfo(np.float32).tiny))).sum(axis=0)
    return entropy
