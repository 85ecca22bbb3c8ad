"""Prior corrections against linear programming and hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from napari_histoalign.alignment.priors import frolic, otter
from napari_histoalign.errors import AlignmentError


def random_logits(seed: int = 0, n: int = 60, classes: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, classes)) * 3 + [2.0, 0.0, -1.0][:classes]).astype(np.float32)


@pytest.mark.parametrize("target", [None, (0.5, 0.3, 0.2)])
@pytest.mark.parametrize("seed", range(3))
def test_otter_assigns_as_optimal_transport_does(seed: int, target) -> None:
    logits = random_logits(seed).astype(np.float64)
    n, classes = logits.shape
    shares = np.full(classes, 1 / classes) if target is None else np.array(target)
    rows = np.kron(np.eye(n), np.ones(classes))
    columns = np.kron(np.ones(n), np.eye(classes))
    best = linprog(
        -logits.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([np.full(n, 1 / n), shares])
    )

    found = otter(logits, target)
    label = (logits + found.shift).argmax(axis=1)

    np.testing.assert_allclose(np.bincount(label, minlength=classes) / n, shares, atol=1.01 / n)
    dual = (logits + found.shift).max(axis=1).mean() - shares @ found.shift
    assert dual == pytest.approx(-best.fun, abs=2e-3)
    assert found.shift.sum() == pytest.approx(0, abs=1e-9)


def test_two_classes_are_cut_at_the_quantile() -> None:
    logits = np.stack([np.linspace(0, 10, 100), np.zeros(100)], axis=1).astype(np.float32)
    label = (logits + otter(logits, (0.25, 0.75)).shift).argmax(axis=1)
    np.testing.assert_array_equal(label, np.repeat([1, 0], [75, 25]))


def test_otter_is_quick_for_many_tiles_and_equivariant() -> None:
    logits = random_logits(1, 50_000)
    found = otter(logits)
    label = (logits + found.shift).argmax(axis=1)
    np.testing.assert_allclose(np.bincount(label) / len(label), 1 / 3, atol=0.01)
    order = [2, 0, 1]
    np.testing.assert_allclose(otter(logits[:, order]).shift, found.shift[order], atol=0.02)


@pytest.mark.parametrize("target", [(0.5, 0.5), (1.0, 0.0, 0.0), (0.5, 0.3, 0.3), (np.nan, 0.5, 0.5)])
def test_shares_that_are_none(target) -> None:
    with pytest.raises(AlignmentError, match="sum 1"):
        otter(random_logits(), target)


def test_frolics_prior_is_what_its_own_answers_leave_as_it_is() -> None:
    """Two classes: S = [[.9, .1], [.3, .7]] has the prior (.75, .25)."""
    p = np.array([[0.9, 0.1]] * 5 + [[0.3, 0.7]] * 2)
    found = frolic(np.log(p).astype(np.float32))
    np.testing.assert_allclose(found.prior, [0.75, 0.25], atol=1e-5)
    np.testing.assert_allclose(found.shift, [-np.log(3) / 2, np.log(3) / 2], atol=1e-5)


def test_frolic_leaves_even_answers_alone() -> None:
    p = np.array([[0.8, 0.2], [0.2, 0.8]])
    np.testing.assert_allclose(frolic(np.log(p).astype(np.float32)).shift, 0, atol=1e-6)
    assert np.isfinite(frolic(np.array([[50.0, -50.0]], np.float32)).shift).all()
