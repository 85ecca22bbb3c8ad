"""Prompts that suit the tiles at hand count more, judged without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.similarity import BLOCK_ROWS
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
        "zpe": "Prompts that answer strongly where their class is found weigh more.",
        "margin": "Prompts that set their class well apart from the others weigh more.",
    }
)


class Screening:
    """Scores of prompts, counted block by block of tiles.

    With d_k(x) a prompt's similarity to a tile less its usual one, so that no prompt gains by being near to
    everything, and m_c the mean of a class's d_k:

    - ``zpe``: ``score_k = mean of d_k over the tiles whose largest m is that of k's class``. Zero-shot prompt
      ensembling (Allingham et al., ICML 2023) scores a template by the largest of its debiased logits over
      classes, averaged over images; here prompts belong to one class each, so that the class is chosen
      by all prompts, and a class that no tile is nearest to keeps even weights.
    - ``margin``: ``score_k = mean of |d_k - largest m of the other classes|``: KEEP (Zhou et al. 2024) ranks
      whole prompt sets by the margin between the first and the second class on unlabelled tiles (its public
      code also takes off ``|first + second - 1|``). Here one prompt stands for its class, and its distance
      counts on tiles where that class is neither first nor second, too.

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
        self._sums, self._seen = np.zeros(len(usual)), np.zeros(len(usual))

    def add(self, similarities: Cosines) -> None:
        """Count tiles: similarities of the prompts, shape (k, n)."""
        debiased = similarities - self._usual[:, None]
        means = self._mean @ debiased
        if self._how == "zpe":
            mine = means.argmax(axis=0) == self._index[:, None]
            self._sums += (debiased * mine).sum(axis=1)
            self._seen += mine.sum(axis=1)
        else:
            others = np.stack([np.delete(means, c, axis=0).max(axis=0) for c in range(len(means))])
            self._sums += np.abs(debiased - others[self._index]).sum(axis=1)
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


def zpe_weights(cosines: Cosines, class_index: NDArray[np.integer], scale: float) -> NDArray[np.float32]:
    """Weights of prompts that answer strongly where their class is found; see `Screening`.

    Parameters
    ----------
    cosines
        Similarities of prompts with tiles (meaned over views), shape (k, n).
    class_index
        Class of each prompt, shape (k,).
    scale
        Logit scale.

    Returns
    -------
    ndarray
        float32, shape (k,); each class's sum to 1. Even within classes where there is no tile.

    Raises
    ------
    AlignmentError
        The arrays do not fit together, or a similarity is not finite.
    """
    return _of_arrays("zpe", cosines, class_index, scale)


def margin_weights(cosines: Cosines, class_index: NDArray[np.integer], scale: float) -> NDArray[np.float32]:
    """Weights of prompts that set their class well apart; as `zpe_weights`, see `Screening`."""
    return _of_arrays("margin", cosines, class_index, scale)


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


def _of_arrays(
    how: str, cosines: Cosines, class_index: NDArray[np.integer], scale: float
) -> NDArray[np.float32]:
    s = np.asarray(cosines)
    if s.ndim != 2 or len(s) != len(class_index) or not np.isfinite(s).all():
        raise AlignmentError(
            f"Screening takes finite similarities, one row a prompt; got the shape {s.shape}."
        )
    counted = Screening(how, class_index, s.sum(axis=1, dtype=np.float64) / max(s.shape[1], 1), scale)
    for start in range(0, s.shape[1], BLOCK_ROWS):
        counted.add(s[:, start : start + BLOCK_ROWS])
    return counted.weights()


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
