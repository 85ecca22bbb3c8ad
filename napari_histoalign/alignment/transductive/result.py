"""What a transductive method returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.alignment.transductive.signal import SignalStrength


@dataclass(frozen=True)
class Refused:
    """Why zero-shot is too weak a start for a transductive method.

    Attributes
    ----------
    reason
        One or more sentences for the person.
    signal
        What was measured.
    """

    reason: str
    signal: SignalStrength


@dataclass(frozen=True, eq=False)
class TransductiveResult:
    """Class probabilities of tiles that were judged together.

    Attributes
    ----------
    probabilities
        float32, shape (n, classes); rows sum to 1.
    changed
        Share of tiles whose most probable class is another than in zero-shot.
    iterations
        Steps until nothing moved any more, or all that were allowed.
    signal
        How strong zero-shot was found to be.
    details
        Parameters and what was found, as plain values for the provenance.
    """

    probabilities: NDArray[np.float32]
    changed: float
    iterations: int
    signal: SignalStrength
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def logits(self) -> NDArray[np.float32]:
        """Logarithms of the probabilities: their softmax is the probabilities again."""
        return np.log(np.maximum(self.probabilities, np.finfo(np.float32).tiny))


def share_changed(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Share of tiles whose most probable class moved, both of shape (n, classes)."""
    return float(np.mean(before.argmax(axis=1) != after.argmax(axis=1)))
