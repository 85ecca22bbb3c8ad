"""Gaussian discriminant analysis: classes as Gaussians that share one covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.few_shot.support import Support

    Floats = NDArray[np.float64]

MOST_FOLDS = 25
"""Groups that are left out one by one; more are put together, since each costs a fit of its own."""
NOTHING = 1e-10
"""Mean square within classes below which examples of a class are the same example: rounding."""


@dataclass(frozen=True, eq=False)
class Gda:
    """A linear classifier: ``x W + b``, W (width, classes), b (classes,); NaN for a class without any."""

    weights: Floats
    offsets: Floats

    @classmethod
    def fit(cls, x: Floats, support: Support) -> Gda:
        """Fit means and the shared covariance (Wang et al. 2024, "A hard-to-beat baseline").

        With S the scatter of the m examples around their class means, the shrunk inverse covariance is
        ``P = (S + tau I)^-1``, ``tau = tr(S) / (m - 1)`` (Kubokawa & Srivastava 2008); the published factor
        d in front is left to the mixing weight. ``W_c = P mu_c``, ``b_c = -mu_c' P mu_c / 2``, with all
        classes equally likely beforehand. Where no class has two different examples, S is 0 and P is taken
        for I: the nearest mean.
        """
        basis, inside = _reduced(x)
        means, lifted = _fit(*_totals(inside, support.labels, support.n_classes))
        return cls(basis @ lifted, -np.einsum("cr,rc->c", means, lifted) / 2)

    def score(self, rows: Floats) -> Floats:
        """Discriminants, shape (n, classes)."""
        return rows @ self.weights + self.offsets


def held_out(x: Floats, support: Support) -> Floats:
    """Each example's discriminants by all other groups, NaN where a class has none left, shape (m, classes).

    In closed form where examples are left out one by one, else one fit a group.
    """
    inside = _reduced(x)[1]
    return _one_by_one(inside, support) if support.alone else _group_by_group(inside, support)


def _reduced(x: Floats) -> tuple[Floats, Floats]:
    """A basis of the space of the examples, and the examples in it.

    Means, and whatever P makes of them, stay in the span of the examples, so that with fewer examples than
    channels m x m matrices do for width x width ones (Woodbury).
    """
    if len(x) >= x.shape[1]:
        return np.eye(x.shape[1]), x
    basis, triangle = np.linalg.qr(x.T)
    inside: Floats = triangle.T
    return basis, inside


def _fit(squares: Floats, sums: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Class means (classes, r) and ``P mu_c`` (r, classes), NaN for a class without examples.

    From ``X'X``, the sum of each class's rows and their number: what changes little when a few are left out.
    """
    from scipy.linalg import solve

    some = counts > 0
    means = np.full(sums.shape, np.nan)  # of a class left out whole, sums are rounding
    means[some] = sums[some] / counts[some, None]
    scatter = squares - (counts[some, None] * means[some]).T @ means[some]
    trace = float(np.trace(scatter))
    if trace <= NOTHING * counts.sum():
        return means, means.T
    scatter[np.diag_indices_from(scatter)] += trace / (counts.sum() - 1)
    lifted = np.full(means.T.shape, np.nan)
    lifted[:, some] = solve(scatter, means[some].T, assume_a="pos", overwrite_a=True)
    return means, lifted


def _totals(x: Floats, labels: NDArray[np.int64], n_classes: int) -> tuple[Floats, Floats, Floats]:
    """``X'X``, the sum of each class's rows, and their number."""
    member = (labels[:, None] == np.arange(n_classes)).astype(np.float64)
    return x.T @ x, member.T @ x, member.sum(axis=0)


def _group_by_group(x: Floats, support: Support) -> Floats:
    out = np.full((support.examples, support.n_classes), np.nan)
    whole = _totals(x, support.labels, support.n_classes)
    for group in range(int(support.groups.max()) + 1):
        gone = support.groups == group
        taken = _totals(x[gone], support.labels[gone], support.n_classes)
        if gone.all():
            break
        means, lifted = _fit(*(w - t for w, t in zip(whole, taken, strict=True)))
        out[gone] = x[gone] @ lifted - np.einsum("cr,rc->c", means, lifted) / 2
    return out


def _one_by_one(x: Floats, support: Support) -> Floats:
    """Leave-one-out from one eigendecomposition.

    Without example i of class c, of which there are n, and with ``r = x_i - mu_c``:
    ``mu_c -> mu_c - r / (n - 1)`` and ``S -> S - n / (n - 1) r r'``, so that
    ``P_i = A + k A r r' A / (1 - k r' A r)`` with ``A = (S + tau_i I)^-1`` and ``k = n / (n - 1)``
    (Sherman-Morrison); in the eigenvectors of S, A is diagonal for every tau_i.
    """
    m, labels = support.examples, support.labels
    _, sums, counts = _totals(x, labels, support.n_classes)
    means = sums / np.maximum(counts, 1)[:, None]
    around = x - means[labels]
    scatter, vectors = np.linalg.eigh(around.T @ around)
    x, r, mu = x @ vectors, around @ vectors, means @ vectors
    others = np.maximum(support.counts[labels] - 1, 1).astype(np.float64)
    k = np.where(support.counts[labels] > 1, 1 + 1 / others, 0)  # r is 0 for the only one of its class

    trace = np.square(r).sum() - k * np.square(r).sum(axis=1)
    flat = trace <= NOTHING * (m - 1)  # without it no class has two different examples: P is I
    tau = np.where(flat, 1, trace / max(m - 2, 1))
    a = np.where(flat[:, None], 1, 1 / (np.maximum(scatter, 0) + tau[:, None]))
    k = np.where(flat, 0, k)

    def forms(left: Floats, right: Floats) -> Floats:
        """``left_i' A_i right_c``, shape (m, classes)."""
        return (left * a) @ right.T

    r_a_r, x_a_r = np.vecdot(r * a, r), np.vecdot(x * a, r)
    gain = k / (1 - k * r_a_r)
    # as if all means stayed where they are
    r_a_mu = forms(r, mu)
    x_p_mu = forms(x, mu) + (gain * x_a_r)[:, None] * r_a_mu
    mu_p_mu = a @ np.square(mu).T + gain[:, None] * np.square(r_a_mu)
    # the example's own class: mu - r / (n - 1)
    rows = np.arange(m)
    x_p_r, r_p_r = x_a_r * (1 + gain * r_a_r), r_a_r * (1 + gain * r_a_r)
    mu_p_r = r_a_mu[rows, labels] * (1 + gain * r_a_r)
    x_p_mu[rows, labels] -= x_p_r / others
    mu_p_mu[rows, labels] += (r_p_r / others - 2 * mu_p_r) / others
    return np.where(support.left > 0, x_p_mu - mu_p_mu / 2, np.nan)
