"""Which tile a place on the canvas belongs to, and tiles as things that can be marked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.results.review import TileTarget

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.engine import Scored
    from napari_histoalign.slides import TileGrid

Point = tuple[float, float]


def cursor_xy(viewer: Any, layer: Any) -> Point:
    """Level-0 point under the cursor.

    Parameters
    ----------
    viewer
        A viewer or viewer model.
    layer
        The slide's image layer.
    """
    position = np.asarray(viewer.cursor.position, float)[-2:]
    world = viewer.layers.extent.units
    if world is not None:  # the viewer's unit is the smallest of all layers
        pairs = zip(world[-2:], layer.units[-2:], strict=True)
        position = position * [(1 * w).to(own).magnitude for w, own in pairs]
    y, x = np.asarray(layer.world_to_data(position))[-2:] + 0.5
    return float(x), float(y)


def tile_at(grid: TileGrid, xy: Point) -> int | None:
    """The tile whose middle is nearest to a point, or None beside the grid.

    Where tiles overlap or leave gaps, each has the square of one stride around its middle, as in the maps.
    """
    shift = (grid.tile_px - grid.stride_px) / 2
    cell = [math.floor((p - o - shift) / grid.stride_px) for p, o in zip(xy, grid.origin, strict=True)]
    # the outer half of an overlapping tile at the border is its own
    column, row = (
        min(max(c, 0), n - 1) if 0 <= p - o < (n - 1) * grid.stride_px + grid.tile_px else -1
        for c, n, p, o in zip(cell, (grid.columns, grid.rows), xy, grid.origin, strict=True)
    )
    return None if column < 0 or row < 0 else grid.index(column, row)


def tiles_along(grid: TileGrid, start: Point, end: Point) -> list[int]:
    """Tiles that a straight line passes, in its order, each once."""
    steps = max(1, math.ceil(math.dist(start, end) / (grid.stride_px / 4)))
    shares = np.linspace(0, 1, steps + 1)
    points = np.asarray(start) + shares[:, None] * (np.asarray(end) - np.asarray(start))
    found = (tile_at(grid, (float(x), float(y))) for x, y in points)
    return list(dict.fromkeys(tile for tile in found if tile is not None))


def targets(grid: TileGrid, indices: Iterable[int]) -> list[TileTarget]:
    """Tiles as the review log knows them."""
    chosen = [int(i) for i in indices]
    corners = grid.xy(chosen).tolist()
    return [TileTarget(grid.key, i, (x, y), grid.tile_px) for i, (x, y) in zip(chosen, corners, strict=True)]


def scored_only(scored: Scored, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of some tiles that were scored."""
    kept: NDArray[np.int64] = indices[np.isin(indices, scored.indices)]
    return kept


def model_says(scored: Scored, index: int) -> dict[str, Any] | None:
    """What the model says of a tile: its class and how probable that is; None if it was not scored."""
    at = scored.position(index)
    if at is None:
        return None
    tiles = scored.tiles
    best = int(tiles.label[at])
    return {"class": tiles.class_names[best], "probability": round(float(tiles.probabilities[at, best]), 6)}
