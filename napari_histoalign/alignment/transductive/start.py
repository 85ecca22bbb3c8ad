"""What every transductive method starts from: tiles that may be judged together, and which look alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.alignment.arrays import as_logits, check_features
from napari_histoalign.alignment.transductive.neighbours import (
    blocks_of,
    check_counts,
    graph,
    most_alike,
    spread,
)
from napari_histoalign.alignment.transductive.result import Refused, TransductiveResult, share_changed
from napari_histoalign.alignment.transductive.signal import signal_strength

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

    from napari_histoalign.alignment.transductive.signal import SignalStrength

    Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Start:
    """Tiles of which some are solved together, and the others from those.

    Attributes
    ----------
    features
        Of each encoder, as they were given, shape (n, width).
    logits
        Zero-shot, shape (n, classes).
    signal
        How strong zero-shot was found to be: strong enough.
    neighbours
        How many were asked for.
    sample
        Tiles that are solved together, ascending, shape (m,).
    rows
        Their unit rows, of each encoder.
    directed
        Weights of each one's most similar others, shape (m, m).
    """

    features: Sequence[NDArray[np.floating]]
    logits: Rows
    signal: SignalStrength
    neighbours: int
    sample: NDArray[np.int64]
    rows: list[Rows]
    directed: csr_array

    @property
    def joined(self) -> int:
        """Neighbours that each solved tile has: those asked for, or all there are."""
        return min(self.neighbours, len(self.sample) - 1)

    def others(self) -> Iterator[tuple[NDArray[np.int64], list[Rows], NDArray[np.int64], Rows]]:
        """The tiles that are not solved, in blocks.

        Yields
        ------
        tuple
            Their positions, unit rows of each encoder, and their most similar solved tiles: positions among
            those and cosines, both of shape (block, neighbours).
        """
        rest = np.setdiff1d(np.arange(len(self.logits)), self.sample, assume_unique=True)
        for at, block in blocks_of(self.features, rest):
            yield at, block, *most_alike(block, self.rows, self.neighbours)

    def result(self, method: str, probabilities: Rows, iterations: int, **details: Any) -> TransductiveResult:
        """What a method found, with what it started from."""
        found = {
            "method": method,
            "neighbours": self.neighbours,
            **details,
            "tiles_solved": len(self.sample),
            "encoders": len(self.features),
            "kappa": self.signal.kappa,
        }
        changed = share_changed(self.logits, probabilities)
        return TransductiveResult(probabilities, changed, iterations, self.signal, found)


def begin(
    features: Sequence[NDArray[np.floating]],
    logits: ArrayLike,
    raters: Sequence[ArrayLike],
    neighbours: int,
    most: int,
) -> Start | Refused:
    """Check what was given, measure the signal, and find which tiles look alike.

    Parameters
    ----------
    features
        Of each encoder, shape (n, width); rows are brought to length 1. Cosines are averaged over encoders.
    logits
        Zero-shot, shape (n, classes).
    raters
        Independent opinions: see `signal_strength`.
    neighbours
        Most similar tiles that each is joined to.
    most
        Tiles that are solved together; of more, so many are taken, evenly over the zero-shot logits.

    Returns
    -------
    Start or Refused
        Refused where zero-shot is too weak (`SignalStrength.weakness`).

    Raises
    ------
    AlignmentError
        Shapes disagree, numbers are not finite, or a count makes no sense.
    """
    check_counts(neighbours=neighbours, most=most)
    z = as_logits(logits)
    check_features(features, len(z))
    signal = signal_strength(z, raters)
    if signal.weakness:
        return Refused(signal.weakness, signal)
    sample = spread(z, most)
    rows = [np.concatenate(parts) for parts in zip(*(b for _, b in blocks_of(features, sample)), strict=True)]
    directed = graph(*most_alike(rows, rows, neighbours, own=True), len(sample))
    return Start(features, z, signal, neighbours, sample, rows, directed)
