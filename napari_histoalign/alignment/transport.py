"""Optimal transport between a tile's views and a class's prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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


def transport_plan(cosines: Floats, views: Floats, prompts: Floats) -> Floats:
    """How much of each view goes to each prompt of a class: the entropic optimal plan.

    ``T = argmin_T sum_kv T_kv (1 - s_kv) - e H(T)`` with the sum over prompts equal to the views' weights and
    that over views equal to the prompts', by Sinkhorn's scaling of ``exp(-(1 - s) / e)``. AWT (Zhu et al.,
    NeurIPS 2024) aligns image crops with descriptions so; e is `SMOOTHING`.

    Parameters
    ----------
    cosines
        Shape (prompts, views, n), float32.
    views
        Weights of each tile's views, shape (views, n); each tile's sum to 1.
    prompts
        Weights of the prompts, shape (prompts,); they sum to 1.

    Returns
    -------
    ndarray
        float32, shape (prompts, views, n); each tile's sum to 1.
    """
    # less each tile's best: a constant that scaling takes out again, and no exponent overflows
    kernel = np.exp((cosines - cosines.max(axis=(0, 1))) / np.float32(SMOOTHING))
    rows = prompts[:, None].astype(np.float32)
    left = np.ones((cosines.shape[0], cosines.shape[2]), np.float32)
    right = np.ones((cosines.shape[1], cosines.shape[2]), np.float32)
    for _ in range(MOST_STEPS):
        left = rows / np.einsum("kvn,vn->kn", kernel, right)
        met = np.einsum("kvn,kn->vn", kernel, left)
        # each tile stops for itself: its plan depends on no other
        apart = np.abs(right * met - views).max(axis=0) * len(views) >= CLOSE
        if not apart.any():
            break
        right[:, apart] = (views / met)[:, apart]
    plan: Floats = kernel * left[:, None] * right[None]
    plan /= plan.sum(axis=(0, 1))
    return plan


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
    return _softmax(-_entropy(class_cosines * np.float32(scale)) / np.float32(SHARPNESS))


def prompt_weights(texts: Floats, classes: Sequence[slice], scale: float) -> Floats:
    """Weights of prompts: those that mean one class more than the others count more.

    ``b_k = softmax(-H_k / 0.5)`` within the prompt's class, H the entropy over classes of
    ``softmax(scale * <t_k, mean of the class's other prompts>)``. AWT judges descriptions so by texts alone;
    leaving the prompt out of its own class's mean is ours, or it would vouch for itself.

    Parameters
    ----------
    texts
        Unit rows, sorted by class, shape (k, width).
    classes
        Where each class's prompts stand.
    scale
        Logit scale.

    Returns
    -------
    ndarray
        float32, shape (k,); each class's sum to 1.
    """
    sums = np.stack([texts[c].sum(axis=0) for c in classes])
    weights = np.empty(len(texts), np.float32)
    for c, prompts in enumerate(classes):
        count = prompts.stop - prompts.start
        if count == 1:
            weights[prompts] = 1
            continue
        means = np.repeat(sums[:, None], count, axis=1)
        means[c] -= texts[prompts]
        means /= np.maximum(np.linalg.norm(means, axis=2, keepdims=True), 1e-12)
        cosines = np.einsum("ckd,kd->ck", means, texts[prompts])
        weights[prompts] = _softmax(-_entropy(cosines * np.float32(scale)) / np.float32(SHARPNESS))
    return weights


def _entropy(logits: Floats) -> Floats:
    """Entropy of the softmax over the first axis."""
    p = _softmax(logits)
    entropy: Floats = -(p * np.log(np.maximum(p, np.finfo(np.float32).tiny))).sum(axis=0)
    return entropy


def _softmax(logits: Floats) -> Floats:
    odds = np.exp(logits - logits.max(axis=0))
    probabilities: Floats = odds / odds.sum(axis=0)
    return probabilities
