"""TransCLIP: classes as Gaussians over the tiles, tied to the words and to the tiles that look alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.alignment.scores import softmax
from napari_histoalign.alignment.transductive.neighbours import MOST_TILES, check_counts
from napari_histoalign.alignment.transductive.result import Refused
from napari_histoalign.alignment.transductive.start import begin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

    from napari_histoalign.alignment.transductive.result import TransductiveResult

    Floats = NDArray[np.float64]
    Rows = NDArray[np.float32]

NEIGHBOURS = 3
OUTER, INNER = 10, 5
CONFIDENT = 8
"""The published numbers: neighbours, updates of the Gaussians, updates of the assignments for each, and tiles
that a class's first mean is taken from."""
LIKELIHOOD = 1 / 50
"""Weight of a Gaussian's log likelihood, as published: a sum over hundreds of channels that are not
independent, which unweighted would drown the words and the neighbours."""
NARROWEST = 1e-6
"""Of the mean variance: a channel that varies less is rounding."""
STILL = 1e-6
"""Assignments that move less have arrived."""
BLOCK_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Gaussians:
    """One encoder's classes: unit means (classes, width), and one variance a channel (width,)."""

    means: Floats
    variances: Floats

    def log_likelihood(self, x: Rows) -> Floats:
        """``-1/2 sum_d (x_d - mu_cd)^2 / sigma_d`` less what all classes share, shape (n, classes)."""
        scaled = self.means / self.variances
        offset = (self.means * scaled).sum(axis=1) / 2
        out = np.empty((len(x), len(offset)))
        for start in range(0, len(x), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            out[rows] = x[rows].astype(np.float64) @ scaled.T - offset
        return out


def transclip(
    features: Sequence[NDArray[np.floating]],
    logits: ArrayLike,
    raters: Sequence[ArrayLike],
    *,
    neighbours: int = NEIGHBOURS,
    iterations: int = OUTER,
    most: int = MOST_TILES,
) -> TransductiveResult | Refused:
    """Refine zero-shot labels of tiles by how the tiles lie (TransCLIP, Zanella et al. 2024).

    With ``y = softmax(logits)``, unit features x, and the symmetric graph of cosines W of each tile's k most
    similar ones, assignments z start at y and are updated in turn with class means and variances::

        z_i  ~  y_i exp(1/50 log N(x_i; mu_c, sigma) + 1/(2k) sum_j (W_ij + W_ji) z_j)     five times
        mu_c = unit length of sum_i z_ic x_i
        sigma_d = 1/n sum_i sum_c z_ic (x_id - mu_cd)^2

    mu starts at the mean of the eight tiles that are surest of a class, sigma at 1/width. Histo-TransCLIP
    (Zanella et al. 2024) is the same method on histology: it gains much with encoders that know the tissue
    and falls below zero-shot with those that do not. With several encoders, each has its own Gaussians;
    log likelihoods and cosines are averaged, and a tile has one z.

    Of more than `most` tiles, that many, spread evenly over the zero-shot logits, are solved; each of the
    others then gets the z that the first equation gives it, with its k most similar solved tiles.

    Parameters
    ----------
    features
        Of each encoder, shape (n, width); rows are brought to length 1.
    logits
        Zero-shot, at the temperature whose softmax is meant, shape (n, classes).
    raters
        Independent opinions: see `signal_strength`.
    neighbours
        k.
    iterations
        Updates of the Gaussians at most; fewer where nothing moves any more.
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
    check_counts(iterations=iterations)
    begun = begin(features, logits, raters, neighbours, most)
    if isinstance(begun, Refused):
        return begun
    words = _log_softmax(begun.logits.astype(np.float64))
    tied = ((begun.directed + begun.directed.T) / (2 * begun.joined)).tocsr()
    z, gaussians, done = _solve(begun.rows, words[begun.sample], tied, iterations)

    out = np.empty(begun.logits.shape, np.float32)
    out[begun.sample] = z
    for rows, block, at, alike in begun.others():
        near = np.einsum("nk,nkc->nc", alike / np.float32(at.shape[1]), z[at])
        out[rows] = softmax(words[rows] + LIKELIHOOD * _likelihood(gaussians, block) + near)
    return begun.result("transclip", out, done)


def _solve(
    x: list[Rows], words: Floats, tied: csr_array, iterations: int
) -> tuple[Floats, list[Gaussians], int]:
    """Assignments of the tiles, the Gaussians they were made with, and updates of those."""
    z = np.exp(words)
    gaussians = [_first(features, z) for features in x]
    squares = [_mean_squares(features) for features in x]
    done = 0
    while True:
        fixed = words + LIKELIHOOD * _likelihood(gaussians, x)
        before = z
        for _ in range(INNER):
            z = softmax(fixed + tied @ z)
        if done == iterations or np.abs(z - before).max() < STILL:
            return z, gaussians, done
        gaussians = [_update(g, f, s, z) for g, f, s in zip(gaussians, x, squares, strict=True)]
        done += 1


def _first(x: Rows, z: Floats) -> Gaussians:
    """Means of the tiles surest of each class, weighted by how sure; all variances alike."""
    surest = np.argsort(-z, axis=0, kind="stable")[:CONFIDENT]
    sure = np.maximum(np.take_along_axis(z, surest, axis=0), np.finfo(np.float32).tiny)
    sums = np.einsum("kc,kcd->cd", sure / sure.max(axis=0), x[surest].astype(np.float64))
    return Gaussians(_unit(sums, np.zeros_like(sums)), np.full(x.shape[1], 1 / x.shape[1]))


def _update(before: Gaussians, x: Rows, squares: Floats, z: Floats) -> Gaussians:
    sums = np.zeros_like(before.means)
    for start in range(0, len(x), BLOCK_ROWS):
        sums += z[start : start + BLOCK_ROWS].T @ x[start : start + BLOCK_ROWS].astype(np.float64)
    means = _unit(sums, before.means)
    # sum_c z_ic = 1, so that the square of x stands outside the sum over classes
    spread_of = squares + (z.sum(axis=0) @ np.square(means) - 2 * (means * sums).sum(axis=0)) / len(x)
    return Gaussians(means, np.maximum(spread_of, NARROWEST * spread_of.mean()))


def _unit(sums: Floats, otherwise: Floats) -> Floats:
    """Rows of length 1; a class without any tile keeps the mean it had."""
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1), otherwise)


def _mean_squares(x: Rows) -> Floats:
    total = np.zeros(x.shape[1])
    for start in range(0, len(x), BLOCK_ROWS):
        total += np.square(x[start : start + BLOCK_ROWS], dtype=np.float64).sum(axis=0)
    return total / len(x)


def _likelihood(gaussians: Sequence[Gaussians], x: Sequence[Rows]) -> Floats:
    """Log likelihoods, their mean over encoders, shape (n, classes)."""
    mean: Floats = np.mean([g.log_likelihood(f) for g, f in zip(gaussians, x, strict=True)], axis=0)
    return mean


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    out: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return out
