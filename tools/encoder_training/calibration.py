"""Choose what cosines are multiplied by, so that probabilities on drawn tissue mean what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALES = np.exp(np.linspace(np.log(1.5), np.log(60), 120))


def best_scale(cosines: NDArray[np.float32], positive: NDArray[np.float32]) -> float:
    """The factor with the least cross entropy.

    Parameters
    ----------
    cosines
        (n, 2): of each tile with the negative and the positive class.
    positive
        (n,): how positive each tile is, 0 to 1.
    """
    difference = (cosines[:, 1] - cosines[:, 0]).astype(np.float64)
    losses = []
    for scale in SCALES:
        logit = scale * difference
        losses.append(float(np.mean(np.logaddexp(0, logit) - positive * logit)))
    return float(SCALES[int(np.argmin(losses))])
