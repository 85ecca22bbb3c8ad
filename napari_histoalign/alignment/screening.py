"""Prompts that suit the tiles at hand count more, judged without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Floats = NDArray[np.float64]

SCREENINGS: Mapping[str, str] = MappingProxyType(
    {
        "none": "All prompts of a class weigh alike.",
        "zpe": "Prompts that answer strongly where their class is found weigh more.",
        "margin": "Prompts that set their class well apart from the others weigh more.",
    }
)


def screened(tensor: SimilarityTensor, how: str) -> SimilarityTensor:
    """A tensor whose prompts weigh ``softmax(scale * score)`` within their class, in each pair.

    With d_k(x) a prompt's similarity to a tile less its mean over the reference, so that no prompt gains by
    being near to everything, and m_c the mean of a class's d_k:

    - ``zpe``: ``score_k = mean of d_k over the tiles whose largest m is that of k's class``. Zero-shot prompt
      ensembling (Allingham et al., ICML 2023) scores a template by the largest of its debiased logits over
      classes, averaged over images; here prompts belong to one class each, so that the class is chosen
      by all prompts, and a class that no tile is nearest to keeps even weights.
    - ``margin``: ``score_k = mean of |d_k - largest m of the other classes|``: KEEP (Zhou et al. 2024) ranks
      prompts by the margin between the first and the second class on unlabelled tiles.

    Parameters
    ----------
    tensor
        Its reference tiles judge.
    how
        A key of `SCREENINGS`.

    Returns
    -------
    SimilarityTensor
        The same with `prompt_weights`; as it was for ``none`` and without a reference tile.
    """
    if how == "none" or not tensor.reference_tiles:
        return tensor
    return replace(tensor, prompt_weights={pair: _weights(tensor, pair, how) for pair in tensor.pairs})


def _weights(tensor: SimilarityTensor, pair: Pair, how: str) -> NDArray[np.float32]:
    total, count = np.zeros(len(tensor.class_index)), 0
    for block in _reference(tensor, pair):
        total += block.sum(axis=1)
        count += block.shape[1]
    usual = total / count
    classes, index = tensor.classes, tensor.class_index
    sums, seen = np.zeros(len(index)), np.zeros(len(index))
    for block in _reference(tensor, pair):
        debiased = block - usual[:, None]
        means = np.stack([debiased[prompts].mean(axis=0) for prompts in classes])
        if how == "zpe":
            mine = means.argmax(axis=0)[None] == index[:, None]
            sums += (debiased * mine).sum(axis=1)
            seen += mine.sum(axis=1)
        else:
            others = np.stack([np.delete(means, c, axis=0).max(axis=0) for c in range(len(classes))])
            sums += np.abs(debiased - others[index]).sum(axis=1)
            seen += block.shape[1]
    scores = tensor.scale(pair) * sums / np.maximum(seen, 1)
    weights = np.empty(len(index), np.float32)
    for prompts in classes:
        odds = np.exp(scores[prompts] - scores[prompts].max())
        weights[prompts] = odds / odds.sum()
    return weights


def _reference(tensor: SimilarityTensor, pair: Pair) -> Iterator[Floats]:
    """Similarities of the reference tiles, meaned over views, shape (k, tiles) a block."""
    referred = np.ones(tensor.tiles, bool)
    if tensor.reference is not None:
        referred[:] = False
        referred[tensor.reference] = True
    for rows in tensor.rows():
        if referred[rows].any():
            block = tensor.cosines([pair], rows)[0].mean(axis=1, dtype=np.float64)
            yield block[:, referred[rows]]
