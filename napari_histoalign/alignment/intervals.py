"""How far a tile's probabilities hang on the very prompts and views that were taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.bag_draws import pooled_draws, prototype_draws
from napari_histoalign.alignment.centring import offsets_of
from napari_histoalign.alignment.pooling import Pooling, crop_weights
from napari_histoalign.alignment.scores import softmax
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.alignment import Alignment
    from napari_histoalign.alignment.scores import Scores
    from napari_histoalign.alignment.similarity import SimilarityTensor

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

DRAWS = 400
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Interval:
    """The middle part of a tile's probabilities under drawn bags.

    Attributes
    ----------
    low, high
        Of each class, shape (classes,).
    level
        Share of the draws between them.
    draws
        Number of draws.
    """

    low: Floats
    high: Floats
    level: float
    draws: int


def bag_interval(
    tensor: SimilarityTensor,
    alignment: Alignment,
    scores: Scores,
    tile: int,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """How far a tile's probabilities move when its bags are drawn anew.

    A bootstrap (Efron 1979) of the bags: each draw takes as many prompts as each class has, with replacement,
    and as many views as the tile has; the same ones in all pairs of encoders. What the reference tiles told
    (spreads, temperatures, weights of pairs, prompts and crops, centring, prior) stays. The bounds are
    percentiles of the draws. It tells how much the answer hangs on the choice of words and views. It does not
    tell how often such answers are right: encoders that are wrong whatever the words have narrow intervals.
    With one prompt in each class and one view there is nothing to draw, and the interval has no width.

    Parameters
    ----------
    tensor, alignment, scores
        As they were scored: ``scores = alignment.score_tensor(tensor)``.
    tile
        Position of the tile.
    draws
        Number of draws.
    level
        Share of them that lies between the bounds.
    seed
        Of the random numbers; the same seed gives the same interval.

    Raises
    ------
    AlignmentError
        There is no such tile, the scores are not of this tensor and alignment, or a number makes no sense.
    """
    if not (isinstance(draws, int) and draws >= 1 and 0 < level < 1):
        raise AlignmentError(
            f"An interval takes at least one draw and a level between 0 and 1; got {draws!r} and {level!r}."
        )
    rng = np.random.default_rng(seed)
    prompts = np.concatenate([_drawn(rng, s.stop - s.start, draws) for s in tensor.classes])
    views = _drawn(rng, tensor.images[0].shape[1], draws)
    found = drawn_probabilities(tensor, alignment, scores, tile, prompts, views)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Interval(low, high, level, draws)


def drawn_probabilities(
    tensor: SimilarityTensor,
    alignment: Alignment,
    scores: Scores,
    tile: int,
    prompts: Counts,
    views: Counts,
) -> Floats:
    """Probabilities of a tile whose bags hold each prompt and view so many times.

    Parameters
    ----------
    tensor, alignment, scores, tile
        As in `bag_interval`.
    prompts
        How often each prompt is in its bag, shape (k, draws); at least one of each class in each draw.
    views
        How often each view is, shape (views, draws); at least one in each draw.

    Returns
    -------
    ndarray
        float64, shape (draws, classes). With every prompt and view once, these are the tile's own.

    Raises
    ------
    AlignmentError
        See `bag_interval`.
    """
    if not 0 <= tile < tensor.tiles:
        raise AlignmentError(f"There is no tile {tile}; there are {tensor.tiles}.")
    if scores.fit is None or not scores.fit.is_of(tensor, alignment):
        raise AlignmentError("These scores are not of this tensor and alignment: score the tiles again.")
    ready = scores.fit.applied(tensor)
    details = scores.details
    pairs = [(i, j) for i, j in details["pairs"]]
    logits = np.zeros((tensor.n_classes, prompts.shape[1]))
    for place, pair in enumerate(pairs):
        cosines = ready.cosines([pair], slice(tile, tile + 1))[0][:, :, 0].astype(np.float64)
        cosines -= offsets_of(ready, [pair])[pair][:, None]
        if alignment.name == "many-to-many":
            how = Pooling.of(
                ready,
                pair,
                how=alignment.pooling,
                sharpness=alignment.sharpness,
                top_k=alignment.top_k,
            )
            crops = crop_weights(ready.images[pair[0]][tile : tile + 1], ready.scales[pair[0]])
            pooled = pooled_draws(how, cosines, crops[:, 0], prompts, views)
            factor = details["weights"][place] / details["temperatures"][place]
            logits += factor * (pooled - pooled.mean(axis=0))
        else:
            scale = details["scales"][place if len(details["scales"]) > 1 else 0] / len(pairs)
            texts, weights = ready.texts_for(pair), ready.weights_for(pair)
            logits += scale * prototype_draws(cosines, texts, weights, ready.classes, prompts, views)
    logits += np.asarray(details.get("prior", {}).get("shift", [0.0] * tensor.n_classes))[:, None]
    return softmax(logits.T / alignment.temperature)


def _drawn(rng: np.random.Generator, members: int, draws: int) -> Counts:
    """How often each member is drawn when as many as there are are drawn, shape (members, draws)."""
    counts: Counts = rng.multinomial(members, np.full(members, 1 / members), size=draws).T
    return counts
