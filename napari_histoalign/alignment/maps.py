"""Linear maps from one text space into another, learned from phrases that both have embedded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

RANK_TOLERANCE = 1e-6
"""Directions with a smaller share of the largest one's covariance are not determined by the phrases."""
PENALTIES = np.logspace(-6, 3, 19)
"""Ridge penalties that are tried, as multiples of the mean square of the singular values."""


class Anchors:
    """The same phrases in two spaces, less their means.

    Parameters
    ----------
    a, b
        One row a phrase, shapes (phrases, width of A) and (phrases, width of B).
    """

    def __init__(self, a: NDArray[np.floating], b: NDArray[np.floating]) -> None:
        wide_a, wide_b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        self.a_mean: Doubles = wide_a.mean(axis=0)
        self.b_mean: Doubles = wide_b.mean(axis=0)
        self.a: Doubles = wide_a - self.a_mean
        self.b: Doubles = wide_b - self.b_mean

    @cached_property
    def a_svd(self) -> tuple[Doubles, Doubles, Doubles]:
        """Singular value decomposition of `a`."""
        return _svd(self.a)

    @cached_property
    def b_svd(self) -> tuple[Doubles, Doubles, Doubles]:
        """Singular value decomposition of `b`."""
        return _svd(self.b)


def procrustes(anchors: Anchors) -> Doubles:
    """The rotation that brings B's phrases closest to A's.

    Orthogonal Procrustes (Schoenemann 1966), between text spaces as in Maiorca et al. 2023 (2311.00664):
    ``W = U V'`` from the singular value decomposition ``U S V' = B'A``, without directions that the phrases
    leave open: the rank is at most the smaller width, and at most one less than the number of phrases.
    For different widths W turns what B and A have in common and drops the rest.

    Returns
    -------
    ndarray
        Shape (width of B, width of A).
    """
    left_a, sizes_a, right_a = anchors.a_svd
    left_b, sizes_b, right_b = anchors.b_svd
    # B'A between its own axes: as many rows as phrases at most, however wide the encoders are
    left, sizes, right = _svd((left_b * sizes_b).T @ (left_a * sizes_a))
    kept = sizes > RANK_TOLERANCE * sizes.max(initial=0)
    turned: Doubles = right_b.T @ left[:, kept] @ right[kept] @ right_a
    return turned


def ridge(anchors: Anchors) -> Doubles:
    """Least squares with a penalty chosen by leaving each phrase out: ``W = (B'B + p I)^-1 B'A``.

    Returns
    -------
    ndarray
        Shape (width of B, width of A).
    """
    left, sizes, right = anchors.b_svd
    if not sizes.any():
        return np.zeros((anchors.b.shape[1], anchors.a.shape[1]))
    penalties = PENALTIES * np.square(sizes).mean()
    errors = [left_out_error(anchors, penalty) for penalty in penalties]
    penalty = penalties[int(np.argmin(errors))]
    mapped: Doubles = (right.T * (sizes / (np.square(sizes) + penalty))) @ (left.T @ anchors.a)
    return mapped


def left_out_error(anchors: Anchors, penalty: float) -> float:
    """Mean squared error on phrases that a ridge regression with intercept has not seen, in closed form.

    The error of a phrase that was left out is its residual over ``1 - h``, h its place in the diagonal
    of the hat matrix (Allen 1974); the intercept's part of h is one over the number of phrases.
    """
    left, sizes, _ = anchors.b_svd
    shares = np.square(sizes) / (np.square(sizes) + penalty)
    hat = np.square(left) @ shares + 1 / len(left)
    residuals = anchors.a - (left * shares) @ (left.T @ anchors.a)
    return float(np.mean(np.square(residuals / (1 - hat)[:, None])))


def relative(anchors: Anchors) -> Doubles:
    """Relative representations (Moschella et al. 2023, 2209.15430) as one linear map.

    An image x of A and a text t of B are each described by their cosines with the anchors, which need no
    common space: ``r_A(x)_k = <x, a_k>`` and ``r_B(t)_k = <t, b_k>``. The text's are standardised,
    ``z_k = (r_B(t)_k - m_k) / s_k`` with the mean and deviation of column k over the phrases themselves;
    the image's are centred over the reference tiles and over the anchors. Their inner product is

        sum_k z_k <x - mean x, a_k - mean a> = <x - mean x, t'>   with   t' = sum_k z_k (a_k - mean a),

    linear in the image, and t' is what this map makes of ``t - mean b``, since ``m_k = <mean b, b_k>``.
    (What cosine similarity would divide by, the length of an image's representation, moves no tile's
    most probable class.)

    Returns
    -------
    ndarray
        ``B' diag(1/s) A``, shape (width of B, width of A).
    """
    raw = anchors.b + anchors.b_mean
    deviations: Doubles = (anchors.b @ raw.T).std(axis=0)
    scaled = np.divide(raw.T, deviations, out=np.zeros_like(raw.T), where=deviations > 1e-9)
    described: Doubles = scaled @ anchors.a
    return described


METHODS: Mapping[str, Callable[[Anchors], Doubles]] = MappingProxyType(
    {"procrustes": procrustes, "ridge": ridge, "relative": relative}
)
"""Each map takes a text of B, less the mean of B's phrases, into A's space."""


def _svd(matrix: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    return left, sizes, right
