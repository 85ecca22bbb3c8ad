"""ZLaP: labels that spread from the words over the graph of tiles that look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.scores import softmax
from napari_histoalign.alignment.transductive.neighbours import MOST_TILES
from napari_histoalign.alignment.transductive.result import Refused
from napari_histoalign.alignment.transductive.start import begin
from napari_histoalign.errors import AlignmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

    from napari_histoalign.alignment.transductive.result import TransductiveResult

    Floats = NDArray[np.float64]

NEIGHBOURS = 5
ALPHA = 0.3
"""The published numbers."""
LARGEST_ALPHA = 0.95
"""Above, labels travel so far that the graph's shape counts for more than what the words say."""
LARGEST_GAMMA = 20.0
"""By then the most probable class is all that counts."""
STILL = 1e-9
"""Of the largest score: what moves less has arrived."""
MOST_STEPS = 1000
"""More than twice what the largest alpha takes."""


def zlap(
    features: Sequence[NDArray[np.floating]],
    logits: ArrayLike,
    raters: Sequence[ArrayLike],
    *,
    neighbours: int = NEIGHBOURS,
    alpha: float = ALPHA,
    gamma: float = 1.0,
    most: int = MOST_TILES,
) -> TransductiveResult | Refused:
    """Refine zero-shot labels of tiles by label propagation (ZLaP, Stojnic et al. 2024).

    Nodes are tiles and classes. Tiles are joined to their k most similar ones by their cosine, in both
    directions (mutual neighbours by twice that), and to the k most probable classes by ``p^gamma``. With W
    these weights, D their sums at each node, ``S = D^-1/2 W D^-1/2``, and Y one column a class that is 1
    at the class's own node::

        (I - alpha S) Z = Y

    and a tile's probabilities are its row of Z, over its sum. D at a class's node sums up how much of it
    was found, so that a class found everywhere counts for less.

    The paper joins tiles and classes by ``cosine^5``, since cosines with texts are small and close to each
    other. Here p is the softmax of the logits, which may come from any strategy and have no cosines; near the
    usual cosine of 0.25, ``cosine^5`` falls off as the softmax at a logit scale of 20 does. Its columns
    share a row sum of 1, as much as about one neighbour.

    Of more than `most` tiles, that many, spread evenly over the zero-shot logits, are solved; each of the
    others then gets the row that its own equation gives it, from its k most similar solved tiles and its
    classes.

    Parameters
    ----------
    features
        Of each encoder, shape (n, width); rows are brought to length 1. Cosines are averaged over encoders.
    logits
        Zero-shot, at the temperature whose softmax is meant, shape (n, classes).
    raters
        Independent opinions: see `signal_strength`.
    neighbours
        k, besides the tile itself.
    alpha
        How far labels spread, above 0 (not at all) to `LARGEST_ALPHA`.
    gamma
        Above 1 trusts the surest classes more, above 0 up to `LARGEST_GAMMA`.
    most
        Tiles that are solved together.

    Returns
    -------
    TransductiveResult or Refused
        Refused where zero-shot is too weak (`SignalStrength.weakness`).

    Raises
    ------
    AlignmentError
        Shapes disagree, numbers are not finite, or a parameter makes no sense.
    """
    if not 0 < alpha <= LARGEST_ALPHA or not 0 < gamma <= LARGEST_GAMMA:
        raise AlignmentError(
            f"alpha must lie above 0 and up to {LARGEST_ALPHA:g}, gamma above 0 and up to {LARGEST_GAMMA:g}; "
            f"got {alpha} and {gamma}."
        )
    begun = begin(features, logits, raters, neighbours, most)
    if isinstance(begun, Refused):
        return begun
    words = _class_edges(begun.logits, neighbours, gamma)
    solved = words[begun.sample]
    alike = (begun.directed + begun.directed.T).tocsr()
    at_tiles = 1 / np.sqrt(alike.sum(axis=1) + solved.sum(axis=1))
    at_classes = _inverse_root(solved.sum(axis=0))
    tiles, classes, done = _propagate(alike, solved, at_tiles, at_classes, alpha)

    scores = np.empty(begun.logits.shape)
    scores[begun.sample] = tiles
    sent, said = at_tiles[:, None] * tiles, at_classes[:, None] * classes
    for rows, _, at, weights in begun.others():
        scores[rows] = np.einsum("nk,nkc->nc", weights, sent[at]) + words[rows] @ said
    probabilities = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    return begun.result("zlap", probabilities, done, alpha=alpha, gamma=gamma)


def _class_edges(logits: NDArray[np.float32], k: int, gamma: float) -> Floats:
    """Weights between tiles and their k most probable classes, shape (n, classes)."""
    edges = np.power(softmax(logits).astype(np.float64), gamma)
    if k < edges.shape[1]:
        left_out = np.argsort(-logits, axis=1, kind="stable")[:, k:]
        np.put_along_axis(edges, left_out, 0, axis=1)
    return edges


def _propagate(
    alike: csr_array, words: Floats, at_tiles: Floats, at_classes: Floats, alpha: float
) -> tuple[Floats, Floats, int]:
    """Z at tiles (n, classes) and at classes (classes, classes), and the steps it took.

    By ``Z <- Y + alpha S Z``, whose error shrinks by alpha a step: no eigenvalue of S is above 1.
    """
    root = at_tiles[:, None]
    crossing = alpha * root * words * at_classes
    own = np.eye(len(at_classes))
    tiles, classes = np.zeros_like(words), own
    done, still = 0, False
    while not still and done < MOST_STEPS:
        done += 1
        moved = alpha * root * (alike @ (root * tiles)) + crossing @ classes
        classes = own + crossing.T @ moved
        still = np.abs(moved - tiles).max() <= STILL * moved.max()
        tiles = moved
    return tiles, classes, done


def _inverse_root(sums: Floats) -> Floats:
    """``1 / sqrt(sum)``; 0 for a class that no tile is joined to."""
    return np.where(sums > 0, 1 / np.sqrt(np.where(sums > 0, sums, 1)), 0)
