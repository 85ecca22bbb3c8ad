"""From nearly the right shift of classes to the right one: tiles change class along the cheapest ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TIE = 1e-9
"""Differences below this share of the logits' spread are rounding: such tiles move together."""


def exact_shift(logits: Floats, shift: Floats, shares: Floats, most: int) -> Floats:
    """The shift with which each class is the best of its share of tiles, to within one tile.

    Under any shift, the tiles' best classes are the best assignment (the largest sum of logits) for the
    numbers of tiles that classes then have. From there, tiles go from classes that have too many to
    classes that have too few, by way of others where that costs less: shortest paths keep an assignment the
    best for its numbers (successive shortest paths, Ahuja, Magnanti & Orlin 1993). A class may have its share
    of n rounded down or up. The shift follows from the assignment, midway between those at which a tile
    would change class.

    Parameters
    ----------
    logits
        Shape (n, classes), n > 0.
    shift
        Where to start; the nearer, the fewer moves.
    shares
        Wanted share of each class, with the sum 1.
    most
        Moves after which it ends, shares met or not.

    Returns
    -------
    ndarray
        Shape (classes,).
    """
    n, classes = logits.shape
    label = (logits + shift).argmax(axis=1)
    rounding = 1e-9 * n
    low, high = np.floor(n * shares + rounding), np.ceil(n * shares - rounding)
    tie = TIE * float(logits.std())
    losses = _losses(logits, label)
    for _ in range(most):
        counts = np.bincount(label, minlength=classes)
        many, few = counts > high, counts < low
        if not (many.any() or few.any()):
            break
        # what each can spare and take: down to its bounds where it breaks them, or else within them
        spare = counts - high if many.any() else counts - low
        room = low - counts if few.any() else high - counts
        costs, onward = _cheapest(losses)
        ways = np.where(np.outer(spare > 0, room > 0), costs, np.inf)
        start, end = divmod(int(ways.argmin()), classes)
        _move(logits, label, _way(onward, start, end), losses + tie, int(min(spare[start], room[end])))
        losses = _losses(logits, label)
    return _midway(losses, shift)


def _losses(logits: Floats, label: Ints) -> Floats:
    """The least that a tile of one class loses by going to another, shape (from, to); inf from empty ones."""
    classes = logits.shape[1]
    losses = np.full((classes, classes), np.inf)
    for c in range(classes):
        own = logits[label == c]
        if len(own):
            losses[c] = (own[:, c, None] - own).min(axis=0)
    return losses


def _cheapest(losses: Floats) -> tuple[Floats, Ints]:
    """Costs of the cheapest ways between classes, and the next class on each (Floyd & Warshall)."""
    costs = losses.copy()
    onward = np.tile(np.arange(len(losses)), (len(losses), 1))
    for by in range(len(losses)):
        via = costs[:, by, None] + costs[by]
        # no shorter way by rounding alone, or a way could go round in circles
        shorter = via < costs - 1e-12 * np.abs(np.where(np.isfinite(costs), costs, 0)) - 1e-12
        costs = np.where(shorter, via, costs)
        onward = np.where(shorter, onward[:, by, None], onward)
    return costs, onward


def _way(onward: Ints, start: int, end: int) -> list[tuple[int, int]]:
    """Steps from class to class."""
    way = []
    while start != end:
        way.append((start, int(onward[start, end])))
        start = way[-1][1]
    return way


def _move(logits: Floats, label: Ints, way: list[tuple[int, int]], allowed: Floats, most: int) -> None:
    """Let tiles go along a way, as many on each step: one, or more where they tie."""
    steps = []
    for here, there in way:
        tiles = np.flatnonzero(label == here)
        cheap = logits[tiles, here] - logits[tiles, there] <= allowed[here, there]
        steps.append((tiles[cheap], there))
    count = min(most, *(len(tiles) for tiles, _ in steps))
    for tiles, there in steps:
        label[tiles[:count]] = there


def _midway(losses: Floats, shift: Floats) -> Floats:
    """A shift with which no tile would rather be in another class: ``u_to - u_from <= losses``.

    Ways from and to each class give shifts at the bounds; their mean is within.
    """
    costs, _ = _cheapest(losses)
    has = np.isfinite(losses).all(axis=1)
    between = costs[np.ix_(has, has)]
    middle = shift.copy()
    middle[has] = (between.mean(axis=0) - between.mean(axis=1)) / 2
    # a class without a tile stays just short of the first it would get
    for c in np.flatnonzero(~has):
        bound = float((middle[has] + losses[has, c]).min())
        middle[c] = bound - 1e-6 * max(abs(bound), 1.0)
    return middle
