"""Which tiles a gallery shows: extremes of a measure, spread over the slide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.plugin.jobs import Snapshot

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "certain": "Most certain: highest probability",
        "uncertain": "Most uncertain: highest entropy",
        "contested": "Most contested: pairs of encoders contradict each other",
    }
)
MANY = 12
APART = 5
"""Tiles shown lie at least so many sides of a tile apart, where the slide has room for that."""


@dataclass(frozen=True)
class Wish:
    """What a gallery is to show.

    Attributes
    ----------
    kind
        A key of `KINDS`.
    chosen
        A class, or None for all.
    """

    kind: str = "certain"
    chosen: int | None = None


@dataclass(frozen=True, eq=False)
class Picked:
    """Tiles of a gallery.

    Attributes
    ----------
    indices
        Tiles of the grid, the most extreme first, shape (k,).
    values
        Their measure, 0 to 1, shape (k,).
    """

    indices: NDArray[np.int64]
    values: NDArray[np.float32]


def pick(snapshot: Snapshot, wish: Wish, many: int = MANY) -> Picked:
    """Tiles for a gallery.

    Parameters
    ----------
    snapshot
        Scores. Certain and uncertain are of what is shown; contested of the tiles judged for themselves.
    wish
        Which. Of a class, those tiles are taken in which it is the most probable.
    many
        How many; fewer where there are fewer, and none that contradict each other where there is one pair.
    """
    shown, tiles = snapshot.shown, snapshot.shown.tiles
    if wish.kind == "certain":
        values = tiles.probabilities.max(axis=1)
    elif wish.kind == "uncertain":
        values = tiles.entropy
    else:
        values = snapshot.scored.disagreement()
    allowed = np.ones(len(tiles), bool) if wish.chosen is None else tiles.label == wish.chosen
    if wish.kind == "contested":
        allowed &= values > 0
    at = spread(values, tiles.xy, np.flatnonzero(allowed), many, tiles.tile_px)
    return Picked(shown.indices[at], values[at].astype(np.float32))


def spread(
    values: NDArray[np.floating],
    xy: NDArray[np.int64],
    candidates: NDArray[np.int64],
    many: int,
    tile_px: int,
) -> NDArray[np.int64]:
    """The highest values that lie apart from each other.

    Greedy: the highest, then the highest that is far enough from those taken, and so on. Where that gives too
    few, the distance is halved, down to one tile; tiles that overlap are never taken together.

    Parameters
    ----------
    values
        Of all tiles, shape (n,).
    xy
        Their corners in level-0 pixels, shape (n, 2).
    candidates
        Positions that may be taken, shape (m,).
    many
        How many are wanted.
    tile_px
        Side of a tile in level-0 pixels.

    Returns
    -------
    ndarray
        Positions, highest value first (the first of equals), shape (k,).
    """
    apart = float(APART)
    taken: NDArray[np.int64] = np.empty(0, np.int64)
    while True:
        taken = _greedy(values, xy, candidates, many, apart * tile_px)
        if len(taken) == min(many, len(candidates)) or apart <= 1:
            return taken
        apart = max(apart / 2, 1.0)


def _greedy(
    values: NDArray[np.floating],
    xy: NDArray[np.int64],
    candidates: NDArray[np.int64],
    many: int,
    apart_px: float,
) -> NDArray[np.int64]:
    left = values[candidates].astype(np.float64)
    places = xy[candidates]
    taken: list[int] = []
    while len(taken) < min(many, len(candidates)):
        best = int(left.argmax())
        if left[best] == -np.inf:
            break
        taken.append(int(candidates[best]))
        left[np.abs(places - places[best]).max(axis=1) < apart_px] = -np.inf
    return np.asarray(taken, np.int64)
