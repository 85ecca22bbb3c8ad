"""From a raster of components to their outlines, holes included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# An edge runs along a side of its cell with the cell on its right: east along the top,
# then south, west and north. (row, column) of the cell ahead and of the cell across.
AHEAD = ((0, 1), (1, 0), (0, -1), (-1, 0))
ACROSS = ((-1, 0), (0, 1), (1, 0), (0, -1))
START = ((0, 0), (0, 1), (1, 1), (1, 0))
"""Corner of the cell at which its edge starts, as (row, column) from the cell's top-left corner."""


def outlines(components: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[Any]:
    """Polygon of each 4-connected component of a raster.

    Edges between different components are linked to rings, turning towards the
    diagonal neighbour where one component meets itself in a corner. A ring then
    never touches itself, and holes may touch the shell in single points, which is
    what makes a polygon valid (OGC Simple Feature Access, 6.1.11).

    Parameters
    ----------
    components
        Shape (rows, columns): 0, 1, ... of a 4-connected component each, -1 for none.
    x, y
        Boundaries of columns and rows, shapes (columns + 1,) and (rows + 1,), strictly
        ascending over the cells that belong to a component.

    Returns
    -------
    ndarray
        One shapely Polygon a component, corners only, shells anticlockwise in x, y.
    """
    from shapely import linearrings, polygons

    if not (components >= 0).any():
        return np.empty(0, object)
    edge, following = _edges(components)
    order, ring = _rings(following)
    edge = edge[order]
    cell, direction = np.divmod(edge, 4)
    turns = direction != direction[_before(ring)]
    cell, direction, ring = cell[turns], direction[turns], ring[turns]
    row, column = np.divmod(cell, components.shape[1])
    start = np.asarray(START)[direction]
    corners = np.column_stack([x[column + start[:, 1]], y[row + start[:, 0]]])
    rings = linearrings(corners, indices=ring)
    owner = components.ravel()[cell[np.flatnonzero(np.diff(ring, prepend=-1))]]
    # the first ring met of a component holds the top of its topmost cell: its shell
    sequence = np.argsort(owner, kind="stable")
    found: NDArray[Any] = polygons(rings[sequence], indices=owner[sequence])
    return found


def _edges(components: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges between components as ``cell * 4 + direction``, ascending, and which edge follows each."""
    rows, columns = components.shape
    padded = np.pad(components, 1, constant_values=-1)

    def shifted(down: int, right: int) -> NDArray[np.int64]:
        return padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns].ravel()

    cells = components.ravel()
    index = np.arange(cells.size)
    exists = np.empty((cells.size, 4), bool)
    following = np.empty((cells.size, 4), np.int64)
    for d, (ahead, across) in enumerate(zip(AHEAD, ACROSS, strict=True)):
        diagonal = (ahead[0] + across[0], ahead[1] + across[1])
        exists[:, d] = (cells >= 0) & (shifted(*across) != cells)
        to_ahead = (index + ahead[0] * columns + ahead[1]) * 4 + d
        to_diagonal = (index + diagonal[0] * columns + diagonal[1]) * 4 + (d - 1) % 4
        stay = index * 4 + (d + 1) % 4
        following[:, d] = np.where(
            shifted(*diagonal) == cells, to_diagonal, np.where(shifted(*ahead) == cells, to_ahead, stay)
        )
    edge = np.flatnonzero(exists)
    return edge, np.searchsorted(edge, following.ravel()[edge])


def _rings(following: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges in the order in which rings run through them, and the number of the ring of each."""
    after = following.tolist()
    seen = bytearray(len(after))
    order: list[int] = []
    lengths: list[int] = []
    for first in range(len(after)):
        if seen[first]:
            continue
        before = len(order)
        at = first
        while not seen[at]:
            seen[at] = 1
            order.append(at)
            at = after[at]
        lengths.append(len(order) - before)
    return np.asarray(order), np.repeat(np.arange(len(lengths)), lengths)


def _before(ring: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of the edge before each one in its ring."""
    before = np.arange(len(ring)) - 1
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    before[first] = np.append(first[1:], len(ring)) - 1
    return before
