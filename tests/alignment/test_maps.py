"""Maps between text spaces: exact cases and independent references."""

from __future__ import annotations

import numpy as np
import pytest
from cases import unit
from scipy.linalg import orthogonal_procrustes
from sklearn.linear_model import Ridge

from napari_histoalign.alignment.maps import (
    METHODS,
    PENALTIES,
    Anchors,
    left_out_error,
    procrustes,
    relative,
    ridge,
)


def rotation(rng: np.random.Generator, width: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(width, width)))[0]


def best_penalty(anchors: Anchors) -> float:
    sizes = np.linalg.svd(anchors.b, compute_uv=False)
    penalties = PENALTIES * np.mean(sizes**2)
    return float(penalties[np.argmin([left_out_error(anchors, p) for p in penalties])])


def test_procrustes_recovers_a_rotation() -> None:
    rng = np.random.default_rng(0)
    a, turn = unit(rng, 60, 16), rotation(rng, 16)

    found = procrustes(Anchors(a, a @ turn))

    np.testing.assert_allclose(found, turn.T, atol=1e-5)


def test_procrustes_is_scipys_where_the_phrases_determine_it() -> None:
    rng = np.random.default_rng(1)
    a, b = unit(rng, 80, 12), unit(rng, 80, 12)
    anchors = Anchors(a, b)

    np.testing.assert_allclose(procrustes(anchors), orthogonal_procrustes(anchors.b, anchors.a)[0], atol=1e-8)


@pytest.mark.parametrize(("phrases", "a_width", "b_width"), [(60, 8, 20), (60, 20, 8), (30, 64, 48)])
def test_procrustes_turns_without_stretching_and_its_rank_stays_below_the_phrases(
    phrases: int, a_width: int, b_width: int
) -> None:
    rng = np.random.default_rng(2)
    found = procrustes(Anchors(unit(rng, phrases, a_width), unit(rng, phrases, b_width)))

    sizes = np.linalg.svd(found, compute_uv=False)
    rank = min(a_width, b_width, phrases - 1)
    np.testing.assert_allclose(sizes[:rank], 1, atol=1e-8)
    np.testing.assert_allclose(sizes[rank:], 0, atol=1e-8)


def test_procrustes_finds_a_narrow_space_inside_a_wide_one() -> None:
    rng = np.random.default_rng(3)
    a = unit(rng, 60, 8)
    inside = rotation(rng, 20)[:8]

    np.testing.assert_allclose(procrustes(Anchors(a, a @ inside)), inside.T, atol=1e-5)


@pytest.mark.parametrize(("phrases", "a_width", "b_width"), [(60, 8, 20), (25, 12, 40)])
def test_ridge_is_scikit_learns_at_the_penalty_it_chose(phrases: int, a_width: int, b_width: int) -> None:
    rng = np.random.default_rng(4)
    b = unit(rng, phrases, b_width)
    a = np.tanh(b @ rng.normal(size=(b_width, a_width))) + 0.2 * rng.normal(size=(phrases, a_width))
    anchors = Anchors(a, b)

    theirs = Ridge(alpha=best_penalty(anchors), solver="svd").fit(b.astype(np.float64), a)

    np.testing.assert_allclose(ridge(anchors), theirs.coef_.T, atol=1e-6)


@pytest.mark.parametrize(("phrases", "width"), [(30, 6), (12, 20)])
@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10.0])
def test_leaving_one_out_in_closed_form_is_leaving_each_one_out(
    phrases: int, width: int, penalty: float
) -> None:
    rng = np.random.default_rng(5)
    b, a = rng.normal(size=(phrases, width)), rng.normal(size=(phrases, 4))

    errors = []
    for k in range(phrases):
        rest = np.arange(phrases) != k
        model = Ridge(alpha=penalty, solver="svd").fit(b[rest], a[rest])
        errors.append(np.mean((a[k] - model.predict(b[k : k + 1])[0]) ** 2))

    assert left_out_error(Anchors(a, b), penalty) == pytest.approx(np.mean(errors), rel=1e-6)


def test_ridge_bends_to_noise_less_than_least_squares_would() -> None:
    """With noise in all directions the chosen penalty beats the smallest one on phrases never seen."""
    rng = np.random.default_rng(6)
    truth = rng.normal(size=(30, 10))

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        b = rng.normal(size=(n, 30))
        return b, b @ truth + 10 * rng.normal(size=(n, 10))

    (b, a), (new_b, new_a) = draw(40), draw(500)
    anchors = Anchors(a, b)
    plain = Ridge(alpha=1e-6 * best_penalty(anchors), solver="svd").fit(b, a)

    def error(predicted: np.ndarray) -> float:
        return float(np.mean((predicted - new_a) ** 2))

    ours = (new_b - anchors.b_mean) @ ridge(anchors) + anchors.a_mean
    assert error(ours) < 0.9 * error(plain.predict(new_b))


def test_the_relative_map_is_the_inner_product_of_relative_representations() -> None:
    """Cosines with the anchors on both sides, standardised and centred, multiplied: no map anywhere."""
    rng = np.random.default_rng(7)
    a, b = unit(rng, 50, 10), unit(rng, 50, 14)
    images, texts = unit(rng, 200, 10), unit(rng, 5, 14)

    image_side = np.array([[float(x @ p) for p in a] for x in images])
    image_side -= image_side.mean(axis=0)  # over tiles
    image_side -= image_side.mean(axis=1, keepdims=True)  # over anchors
    bank = np.array([[float(t @ p) for p in b] for t in b])
    text_side = np.array([[float(t @ p) for p in b] for t in texts])
    text_side = (text_side - bank.mean(axis=0)) / bank.std(axis=0)
    expected = image_side @ text_side.T

    carried = (texts - b.mean(axis=0, dtype=np.float64)) @ relative(Anchors(a, b))
    got = (images - images.mean(axis=0, dtype=np.float64)) @ carried.T

    np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("flat", ["a", "b"])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_tower_that_tells_no_phrase_apart_carries_nothing(method: str, flat: str) -> None:
    rng = np.random.default_rng(8)
    a, b = unit(rng, 60, 8), unit(rng, 60, 12)
    one = np.repeat(np.eye(12 if flat == "b" else 8)[:1], 60, axis=0)

    anchors = Anchors(one, b) if flat == "a" else Anchors(a, one)
    found = METHODS[method](anchors)

    np.testing.assert_allclose(anchors.b @ found, 0, atol=1e-9)
    assert found.shape == (12, 8)
