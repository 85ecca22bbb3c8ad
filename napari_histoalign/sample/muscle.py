"""Smooth muscle: bundles of fibres, each running its own way, and the frame to draw them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.sample.noise import Field
    from napari_histoalign.sample.zones import Zone

WAVE_UM = 6.0
"""How far the fibres of a bundle sway from a straight line."""

LENGTH = 3.5
"""How many times longer than wide a bundle is."""


@dataclass(frozen=True)
class Bundle:
    """One bundle of smooth muscle, in slide pixels and radians.

    Attributes
    ----------
    x, y
        Its middle.
    axis
        Direction in which it is long; the same in all bundles of a zone.
    turn
        Direction of its fibres.
    """

    x: float
    y: float
    axis: float
    turn: float


@dataclass(frozen=True)
class Frame:
    """Where points lie in their bundles; every field of the points' shape.

    Attributes
    ----------
    along, across
        Pixels along and across the fibres.
    turn
        Direction of the bundle's fibres (radians).
    border
        Pixels to the border with the next bundle.
    """

    along: Field
    across: Field
    turn: Field
    border: Field


def lay_bundles(rng: np.random.Generator, zones: list[Zone], mpp: float) -> list[Bundle]:
    """Fill each zone of muscle with long bundles side by side."""
    bundles = []
    for zone in zones:
        if zone.growth != "muscle":
            continue
        axis, width = rng.uniform(0, np.pi), rng.uniform(90, 170) / mpp
        rows = np.arange(-1.4 * zone.radius, 1.4 * zone.radius + width, width)
        for row in rows + rng.uniform(-0.5, 0.5) * width:
            start = rng.uniform(0, LENGTH) * width
            for place in np.arange(
                start - 1.4 * zone.radius - LENGTH * width, 1.4 * zone.radius, LENGTH * width
            ):
                v = row + rng.uniform(-0.22, 0.22) * width
                bundles.append(
                    Bundle(
                        float(zone.x + place * np.cos(axis) - v * np.sin(axis)),
                        float(zone.y + place * np.sin(axis) + v * np.cos(axis)),
                        float(axis), float(axis + rng.normal(0, 0.16)),
                    )
                )  # fmt: skip
    return bundles


def frame(
    bundles: list[Bundle], x: NDArray[np.float32], y: NDArray[np.float32], sway: Field, mpp: float
) -> Frame:
    """Coordinates of points in the bundle each belongs to.

    Parameters
    ----------
    bundles
        All bundles of the slide, at least one.
    x, y
        Points, in slide pixels.
    sway
        Smooth noise at each point, which bends fibres and borders.
    mpp
        Micrometres per pixel.
    """
    nearest = np.full(x.shape, np.inf, dtype=np.float32)
    second = nearest.copy()
    along, across, turn = (np.zeros(x.shape, dtype=np.float32) for _ in range(3))
    for bundle in bundles:
        dx, dy = x - np.float32(bundle.x), y - np.float32(bundle.y)
        cos, sin = np.float32(np.cos(bundle.axis)), np.float32(np.sin(bundle.axis))
        u, v = dx * cos + dy * sin, dy * cos - dx * sin + np.float32(2 * WAVE_UM / mpp) * sway
        distance = np.hypot(u / np.float32(LENGTH), v)
        won = distance < nearest
        second = np.where(won, nearest, np.minimum(second, distance))
        nearest = np.where(won, distance, nearest)
        cos, sin = np.float32(np.cos(bundle.turn)), np.float32(np.sin(bundle.turn))
        # far apart in the noise tile, so that neighbours do not continue each other's fibrils
        shift = np.float32(0.37 * (bundle.x + bundle.y))
        along = np.where(won, dx * cos + dy * sin + shift, along)
        across = np.where(won, dy * cos - dx * sin + shift, across)
        turn = np.where(won, np.float32(bundle.turn), turn)
    across = across + np.float32(WAVE_UM / mpp) * sway
    return Frame(
        along, np.asarray(across, dtype=np.float32), turn, np.asarray((second - nearest) / 2, np.float32)
    )
