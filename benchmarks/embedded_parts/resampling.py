"""Which cases a bootstrap draw takes, and how often: patients, slides or classes, always seeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS, SEED = 2000, 20240


def patient_weights(
    patient: NDArray[np.int64], positive: NDArray[np.bool_], draws: int = DRAWS
) -> NDArray[np.float64]:
    """Draw patients with replacement, as many as there are of each label, with all their images.

    Parameters
    ----------
    patient, positive
        One value an image, shape (n,). A patient has one label.
    draws
        How many.

    Returns
    -------
    float64 (draws, n)
        How often each image is in each draw.
    """
    rng = np.random.default_rng(SEED)
    weights = np.zeros((draws, len(patient)))
    for label in (True, False):
        there = np.unique(patient[positive == label])
        counts = rng.multinomial(len(there), np.full(len(there), 1 / len(there)), size=draws)
        for number, one in enumerate(there):
            weights[:, (patient == one) & (positive == label)] = counts[:, number : number + 1]
    return weights


def slide_weights(slide: NDArray[np.int64], draws: int = DRAWS) -> NDArray[np.float64]:
    """Draw slides with replacement, and within each slide drawn its tiles with replacement.

    Parameters
    ----------
    slide
        The slide of each tile, shape (n,).
    draws
        How many.

    Returns
    -------
    float64 (draws, n)
        How often each tile is in each draw.
    """
    rng = np.random.default_rng(SEED)
    there = np.unique(slide)
    weights = np.zeros((draws, len(slide)))
    for draw in range(draws):
        for one in rng.choice(there, size=len(there)):
            tiles = np.flatnonzero(slide == one)
            weights[draw, tiles] += rng.multinomial(len(tiles), np.full(len(tiles), 1 / len(tiles)))
    return weights


def means_of_draws(values: NDArray[np.float64], draws: int = DRAWS) -> NDArray[np.float64]:
    """Means of values drawn with replacement, shape (draws,)."""
    rng = np.random.default_rng(SEED)
    means: NDArray[np.float64] = rng.choice(values, size=(draws, len(values))).mean(axis=1)
    return means
