"""Prompts that suit the tiles at hand count more, judged without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Floats = NDArray[np.float64]
    Cosines = NDArray[np.floating]

SCREENINGS: Mapping[str, str] = MappingProxyType(
    {
        "none": "All prompts of a class weigh alike.",
        "zpe": "Prompts that answer strongly where their class's other prompts find it weigh more.",
        "margin": "Prompts that set their class well apart from the others weigh more.",
    }
)


class Screening:
    """Scores of prompts, counted block by block of tiles.

    Published screenings rank whole classifiers: a template filled with every class's name (ZPE), or a set of
    one prompt a class (KEEP). Here each class has prompts of its own, so a prompt is judged in the classifier
    in which it stands for its class and the mean of their prompts for the others. With d_k(x) its similarity
    to a tile less its usual one, so that no prompt gains by being near to everything, and ``r_1 >= r_2`` the
    largest of the other classes' mean d:

    - ``margin``: ``score_k = mean over tiles of (first - second)`` among d_k and the other classes', as in
      KEEP (Zhou et al. 2024, whose ``first - second`` this is for any number of classes). Its public code
      takes off ``|first + second - 1|`` besides and compares bare cosines: the score is then the smaller of
      ``2 first - 1`` and ``1 - 2 second``, and where cosines are below 1/2 it is the best cosine that counts,
      not the margin. That part is meant for probabilities, and is left out. KEEP sums up the best 50 sets;
      here all prompts stay, with weights.
    - ``zpe``: ``score_k = mean of d_k over the tiles on which the class's other prompts exceed r_1``.
      Zero-shot prompt ensembling (Allingham et al., ICML 2023, and its public code) takes off half the mean
      logit over 20,000 images of the pretraining data (there are none here) and half that over the images at
      hand, and scores a template by the mean over images of its largest logit. Over hundreds of classes that
      tells templates apart; over two to ten, a maximum grows with the spread of d_k whether it knows
      anything or not. Here the class is chosen by the other prompts, so that a prompt does not vouch for
      itself and noise scores nothing.

    The weights are those of ZPE: the softmax of scores in units of logits.

    Parameters
    ----------
    how
        ``zpe`` or ``margin``.
    class_index
        Class of each prompt, in any order, shape (k,); classes are 0 to at least 1, none without a prompt.
    usual
        Mean similarity of each prompt over all tiles that are to be counted, shape (k,).
    scale
        Logit scale: weights are ``softmax(scale * score)`` within a class.

    Raises
    ------
    AlignmentError
        There is no such screening, or a class has no prompt.
    """

    def __init__(self, how: str, class_index: NDArray[np.integer], usual: Floats, scale: float) -> None:
        if how not in ("zpe", "margin"):
            raise AlignmentError(f"There is no screening {how!r}; there are zpe and margin.")
        self._how, self._index, self._usual, self._scale = how, np.asarray(class_index), usual, scale
        counts = np.bincount(self._index.clip(0))
        if (
            self._index.min(initial=0) < 0
            or len(counts) < 2
            or not counts.all()
            or len(usual) != len(self._index)
        ):
            raise AlignmentError(
                "Screening takes two classes or more, each with prompts, and one mean a prompt."
            )
        self._mean = (self._index == np.arange(len(counts))[:, None]) / counts[:, None]
        self._counts = counts[self._index]
        self._sums, self._seen = np.zeros(len(usual)), np.zeros(len(usual))

    def add(self, similarities: Cosines) -> None:
        """Count tiles: similarities of the prompts, shape (k, n)."""
        debiased = similarities - self._usual[:, None]
        means = self._mean @ debiased
        rivals = np.stack([np.sort(np.delete(means, c, axis=0), axis=0) for c in range(len(means))])
        best = rivals[self._index, -1]
        if self._how == "zpe":
            counts = self._counts[:, None]
            others = (counts * means[self._index] - debiased) / np.maximum(counts - 1, 1)
            mine = others > best
            self._sums += (debiased * mine).sum(axis=1)
            self._seen += mine.sum(axis=1)
        else:
            if rivals.shape[1] > 1:
                debiased = np.maximum(debiased, rivals[self._index, -2])
            self._sums += np.abs(debiased - best).sum(axis=1)
            self._seen += similarities.shape[1]

    def scores(self) -> Floats:
        """In the units of the similarities, shape (k,); 0 where no tile counted."""
        return self._sums / np.maximum(self._seen, 1)

    def weights(self) -> NDArray[np.float32]:
        """``softmax(scale * score)`` within each class, shape (k,): bounded, and each class's sum is 1."""
        scores = self._scale * self.scores()
        weights = np.empty(len(scores), np.float32)
        for c in range(len(self._mean)):
            own = self._index == c
            odds = np.exp(scores[own] - scores[own].max())
            weights[own] = odds / odds.sum()
        return weights


def screened(tensor: SimilarityTensor, how: str) -> SimilarityTensor:
    """A tensor whose prompts weigh as `Screening` says, in each pair.

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
    counted = Screening(how, tensor.class_index, total / count, tensor.scale(pair))
    for block in _reference(tensor, pair):
        counted.add(block)
    return counted.weights()


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
