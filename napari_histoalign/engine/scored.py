"""What scoring an analysis returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from napari_histoalign.results import TileScores


@dataclass(frozen=True)
class Scored:
    """Probabilities of tiles, and how they came about.

    Attributes
    ----------
    indices
        Tiles of the grid, shape (n,).
    tiles
        Their scores, one row a tile in that order.
    details
        What the alignment found on the way (temperatures, weights), for the provenance.
    notes
        What the person should know of how encoders were compared, as sentences.
    """

    indices: NDArray[np.int64]
    tiles: TileScores
    details: Mapping[str, Any]
    notes: tuple[str, ...] = ()
