"""Why a tile has the probability it has: what each prompt, view and encoder pair added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.attribution import attributed
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.alignment import Alignment
    from napari_histoalign.alignment.cross_texts import Pair
    from napari_histoalign.alignment.scores import Scores
    from napari_histoalign.alignment.similarity import SimilarityTensor


@dataclass(frozen=True, eq=False)
class Explanation:
    """The logits of one tile, taken apart.

    Attributes
    ----------
    pairs
        Image encoder, text encoder.
    class_index
        Class of each prompt, in the order of `contributions`, shape (k,).
    prompts
        Where each of them stands among the prompts that were given, shape (k,).
    logits
        Of the tile, shape (classes,).
    contributions
        What each prompt, seen with each view in each pair, adds to the logit of each class; float64, shape
        (pairs, views, k, classes).
    shift
        What a prior correction adds to each class's logit, shape (classes,).
    """

    pairs: tuple[Pair, ...]
    class_index: NDArray[np.int64]
    prompts: NDArray[np.int64]
    logits: NDArray[np.float64]
    contributions: NDArray[np.float64]
    shift: NDArray[np.float64]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Softmax of the logits, shape (classes,)."""
        return softmax(self.logits)

    def by_prompt(self) -> NDArray[np.float64]:
        """Added by each prompt to each class's logit, over all views and pairs; shape (k, classes)."""
        summed: NDArray[np.float64] = self.contributions.sum(axis=(0, 1))
        return summed

    def by_pair(self) -> NDArray[np.float64]:
        """Added by each pair of encoders, shape (pairs, classes)."""
        summed: NDArray[np.float64] = self.contributions.sum(axis=(1, 2))
        return summed

    def by_view(self) -> NDArray[np.float64]:
        """Added by each view of the tile, shape (views, classes)."""
        summed: NDArray[np.float64] = self.contributions.sum(axis=(0, 2))
        return summed

    def moved(self, added: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far something moved the probabilities: as they are, less what they were without it.

        Parameters
        ----------
        added
            What it added to the logits, shape (..., classes): a row of `by_prompt`, or all of them.

        Returns
        -------
        ndarray
            Differences of probabilities, of the same shape. Unlike the logits' they do not add up.
        """
        moved: NDArray[np.float64] = self.probabilities - softmax(self.logits - added)
        return moved


def explain(tensor: SimilarityTensor, alignment: Alignment, scores: Scores, tile: int) -> Explanation:
    """Take a tile's logits apart.

    The pooled similarity a_c of a class is shared among its bag's members by integrated gradients
    (Sundararajan et al. 2017; Aumann & Shapley 1974) from the mean similarity m of all the tile's views and
    prompts: ``phi_vk = (s_vk - m) * integral over u in 0..1 of da_c/ds_vk at m + u (s - m)``. For the mean
    that is ``(s_vk - m) / size of the bag``; where the best fits count more, so do their shares; weights that
    transport or crops give are taken as they are. Shares add up to ``a_c - m``. A many-to-many logit is the
    difference from the mean over classes, which takes off m and gives each prompt a part in the others:
    ``logit_c = sum_pvk weight_p gain_p (1[k in c] - 1/classes) phi_pvk / temperature``. Logits of linear
    strategies are inner products, whose terms are taken as they are.

    Parameters
    ----------
    tensor, alignment, scores
        As they were scored: ``scores = alignment.score_tensor(tensor)``.
    tile
        Position of the tile.

    Returns
    -------
    Explanation
        ``contributions`` plus ``shift`` add up to the logits; that is checked.

    Raises
    ------
    AlignmentError
        There is no such tile, or the scores are not of this tensor and alignment.
    """
    if not 0 <= tile < tensor.tiles:
        raise AlignmentError(f"There is no tile {tile}; there are {tensor.tiles}.")
    if scores.fit is None or not scores.fit.is_of(tensor, alignment):
        raise AlignmentError("These scores are not of this tensor and alignment: score the tiles again.")
    as_scored = scores.fit.applied(tensor)
    pairs, contributions = attributed(as_scored, alignment, scores.details, tile)
    shift = np.asarray(scores.details.get("prior", {}).get("shift", [0.0] * tensor.n_classes))
    found = Explanation(
        pairs=tuple(pairs),
        class_index=tensor.class_index,
        prompts=tensor.positions,
        logits=scores.logits[tile].astype(np.float64),
        contributions=contributions / alignment.temperature,
        shift=shift / alignment.temperature,
    )
    rest = found.logits - found.by_prompt().sum(axis=0) - found.shift
    if np.abs(rest).max() > 1e-2 * max(1.0, np.abs(found.logits).max()):
        raise AlignmentError("These scores are not of this tensor and alignment: score the tiles again.")
    # single precision and the integral leave some thousandths; each contribution bears its share
    return replace(found, contributions=found.contributions + rest / found.contributions[..., 0].size)
