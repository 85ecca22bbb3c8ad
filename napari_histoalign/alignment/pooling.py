"""From bags of similarities to one number a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.transport import prompt_weights, transport_pool, view_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Floats = NDArray[np.float32]

POOLINGS: Mapping[str, str] = MappingProxyType(
    {
        "log-mean-exp": "A soft maximum: what fits well counts more.",
        "mean": "All views and prompts count alike.",
        "max": "The best fit alone.",
        "top-k": "The mean of the best few.",
        "optimal-transport": "Views and prompts are matched at the least cost; sure ones weigh more (AWT).",
        "weighted-crops": "Views near the whole tile and prompts near their class weigh more (WCA).",
    }
)
LEAST_SHARE = 0.5
"""A member with less than this share of an even weight has no part in the best fits."""


@dataclass(frozen=True, eq=False)
class Pooling:
    """How one pair's similarities are pooled.

    Attributes
    ----------
    how
        A key of `POOLINGS`.
    classes
        Where each class's prompts stand.
    weights
        Of the prompts, shape (k,); each class's sum to 1.
    scale
        The pair's logit scale.
    sharpness
        ``log-mean-exp`` pools at ``beta = sharpness * scale``: ``1/beta log mean exp(beta s)``, the mean for
        beta towards 0 and the maximum for beta towards infinity.
    top_k
        Similarities that ``top-k`` averages, at most all of the bag.
    """

    how: str
    classes: Sequence[slice]
    weights: Floats
    scale: float
    sharpness: float = 1.0
    top_k: int = 3

    @classmethod
    def of(cls, tensor: SimilarityTensor, pair: Pair, *, how: str, sharpness: float, top_k: int) -> Pooling:
        """The pooling of a tensor's pair: ``weighted-crops`` weighs prompts anew (`label_weights`)."""
        weights = tensor.weights_for(pair)
        if how == "weighted-crops":
            of = pair[1]
            weights = weights * label_weights(tensor.texts[of], tensor.classes, tensor.scales[of])
            weights = _within(weights, tensor.classes)
        return cls(how, tensor.classes, weights, tensor.scale(pair), sharpness, top_k)

    @property
    def beta(self) -> float:
        """Sharpness of ``log-mean-exp``, in units of 1 over similarity."""
        return self.sharpness * self.scale

    def pool(self, cosines: Floats, crops: Floats | None = None) -> Floats:
        """Pool every class's bag: all views of a tile with all its prompts.

        Parameters
        ----------
        cosines
            Shape (k, views, n).
        crops
            For ``weighted-crops``: weights of the views, shape (views, n).

        Returns
        -------
        ndarray
            In the units of the similarities, float32, shape (classes, n).
        """
        views, weights = self.view_weights(cosines, crops), self.prompt_weights(cosines)
        pooled = np.empty((len(self.classes), cosines.shape[2]), np.float32)
        for c, prompts in enumerate(self.classes):
            pooled[c] = self._pool(cosines[prompts], weights[prompts], views)
        return pooled

    def prompt_weights(self, cosines: Floats) -> Floats:
        """Weights of the prompts, shape (k,), or for each tile where tiles weigh them, shape (k, n)."""
        if self.how != "optimal-transport":
            return self.weights
        return prompt_weights(cosines[:, 0], self.weights, self.classes, self.scale)

    def view_weights(self, cosines: Floats, crops: Floats | None) -> Floats | None:
        """Weights of the views where they are not all equal, shape (views, n)."""
        if self.how == "weighted-crops":
            return crops
        if self.how != "optimal-transport":
            return None
        means = np.stack([np.tensordot(self.weights[c], cosines[c], 1) for c in self.classes])
        return view_weights(means, self.scale)

    def _pool(self, bag: Floats, weights: Floats, views: Floats | None) -> Floats:
        """One class: cosines of shape (prompts, views, n) to (n,)."""
        pooled: Floats
        if self.how == "optimal-transport" and views is not None:
            return transport_pool(bag, views, weights)
        if self.how == "weighted-crops" and views is not None:
            pooled = np.einsum("k,vn,kvn->n", weights, views, bag, optimize=True)
            return pooled
        members = np.repeat(weights / bag.shape[1], bag.shape[1])
        flat = bag.reshape(-1, bag.shape[-1])
        even = bool(np.ptp(members) <= 1e-7 * members.max())
        if self.how in ("max", "top-k"):
            flat = flat[members >= LEAST_SHARE / len(members)]
            k = 1 if self.how == "max" else min(self.top_k, len(flat))
            pooled = (
                flat.max(axis=0) if k == 1 else np.partition(flat, len(flat) - k, axis=0)[-k:].mean(axis=0)
            )
        elif self.how == "log-mean-exp":
            # less the bag's own maximum, so that its largest term is 1 whatever beta is
            top = flat.max(axis=0)
            terms = flat - top
            terms *= np.float32(self.beta)
            np.exp(terms, out=terms)
            mean = terms.mean(axis=0) if even else members @ terms
            pooled = top + np.log(np.maximum(mean, np.finfo(np.float32).tiny)) / np.float32(self.beta)
        else:
            pooled = flat.mean(axis=0) if even else members @ flat
        return pooled


def crop_weights(images: NDArray[np.floating], scale: float) -> Floats:
    """Weights of views for ``weighted-crops``: ``softmax(scale * cos(view, first view))``.

    The first view is the whole tile; views that show something else count less (WCA, Li et al., ICML 2024).
    WCA draws 60 random crops and leaves the whole image out of their mean; here views are the few that were
    embedded, the whole tile among them, with the largest weight. Its scales are parameters (on ImageNet 55
    for crops and 7 for prompts); here they are the encoders' own. Its formula sums weighted cosines, as is
    done here; its public code brings the mean crop and the mean prompt to length 1 before they are compared.

    Parameters
    ----------
    images
        Embeddings, shape (n, views, width), of any length.
    scale
        Logit scale.

    Returns
    -------
    ndarray
        float32, shape (views, n).
    """
    rows = np.asarray(images, np.float32)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=2, keepdims=True), 1e-12)
    cosines = np.einsum("nvd,nd->vn", rows, rows[:, 0])
    odds = np.exp(np.float32(scale) * (cosines - cosines.max(axis=0)))
    weights: Floats = (odds / odds.sum(axis=0)).astype(np.float32)
    return weights


def label_weights(texts: Floats, classes: Sequence[slice], scale: float) -> Floats:
    """Weights of prompts for ``weighted-crops``: ``softmax(scale * cos(prompt, label))`` within a class.

    In WCA the label is the sentence "a photo of a <class>."; a class has no such prompt of its own here, and
    its mean prompt stands for it, whatever the prompts' order. They are compared in the text encoder's own
    space.

    Parameters
    ----------
    texts
        Unit rows, sorted by class, shape (k, width).
    classes
        Where each class's prompts stand.
    scale
        The text encoder's logit scale.

    Returns
    -------
    ndarray
        float32, shape (k,); each class's sum to 1.
    """
    near = np.empty(len(texts), np.float32)
    for prompts in classes:
        label = texts[prompts].sum(axis=0)
        near[prompts] = texts[prompts] @ (label / max(float(np.linalg.norm(label)), 1e-12))
        near[prompts] -= near[prompts].max()
    return _within(np.exp(np.float32(scale) * near), classes)


def _within(weights: Floats, classes: Sequence[slice]) -> Floats:
    """Weights brought to the sum 1 in each class."""
    out = np.empty(len(weights), np.float32)
    for prompts in classes:
        out[prompts] = weights[prompts] / max(float(weights[prompts].sum()), 1e-30)
    return out
