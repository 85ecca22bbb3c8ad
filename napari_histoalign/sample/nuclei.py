"""Stamp nuclei into the amount of hematoxylin, one small patch each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.sample.cells import MITOSIS, MUSCLE_CELL, Cells
from napari_histoalign.sample.noise import wrapped

if TYPE_CHECKING:
    from napari_histoalign.sample.noise import Field


def stamp(hematoxylin: Field, eosin: Field, cells: Cells, x0: int, y0: int, texture: Field) -> None:
    """Draw every cell that touches the block, in place.

    Parameters
    ----------
    hematoxylin, eosin
        Amounts of dye in the block, float32 (h, w); changed.
    cells
        Nuclei, with coordinates in slide pixels.
    x0, y0
        Slide pixel of the block's top-left corner.
    texture
        Periodic noise for the chromatin.
    """
    height, width = hematoxylin.shape
    reach = np.ceil(1.3 * np.maximum(cells.a, cells.b)) + 2
    near = (cells.x + reach > x0) & (cells.x - reach < x0 + width)
    near &= (cells.y + reach > y0) & (cells.y - reach < y0 + height)
    for i in np.flatnonzero(near):
        _one(hematoxylin, eosin, cells, int(i), int(reach[i]), x0, y0, texture)


def _one(
    hematoxylin: Field, eosin: Field, cells: Cells, i: int, reach: int, x0: int, y0: int, texture: Field
) -> None:
    """One nucleus: a wavy ellipse of clumped chromatin with a membrane and nucleoli."""
    cx, cy = float(cells.x[i]), float(cells.y[i])
    left, top = int(np.floor(cx)) - reach, int(np.floor(cy)) - reach
    side = 2 * reach + 1
    c0, c1 = max(left, x0), min(left + side, x0 + hematoxylin.shape[1])
    r0, r1 = max(top, y0), min(top + side, y0 + hematoxylin.shape[0])
    if c0 >= c1 or r0 >= r1:
        return
    a, b, angle = float(cells.a[i]), float(cells.b[i]), float(cells.angle[i])
    seed = float(cells.seed[i])
    dx = np.arange(c0, c1, dtype=np.float32)[None, :] + np.float32(0.5 - cx)
    dy = np.arange(r0, r1, dtype=np.float32)[:, None] + np.float32(0.5 - cy)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = (dx * cos + dy * sin) / np.float32(a), (dy * cos - dx * sin) / np.float32(b)
    rho = np.hypot(u, v)
    inverse = 1 / np.maximum(rho, np.float32(1e-3))
    p, q = u * inverse, v * inverse  # cosine and sine of the angle inside the nucleus
    if cells.kind[i] == MUSCLE_CELL:
        # a cigar: nearly straight sides, blunt ends, slightly bent
        bent = v * np.float32(b) + np.float32(0.5 * b * (2 * seed - 1)) * (u * u - np.float32(0.4))
        bent *= 1 + np.float32(0.22) * u * u
        rho = np.hypot(
            np.maximum(np.abs(u) * np.float32(a) - np.float32(max(a - b, 0)), 0), bent
        ) / np.float32(b)
    rough = float(cells.rough[i])
    second, third = p * p - q * q, p * (p * p - 3 * q * q)
    turn = 2 * np.pi * seed
    edge = 1 + rough * (
        np.float32(np.cos(7 * turn)) * second
        + np.float32(np.sin(5 * turn)) * 2 * p * q
        + np.float32(np.cos(11 * turn)) * third
        + np.float32(np.sin(13 * turn)) * q * (3 * p * p - q * q)
    )
    inside = edge - rho
    cover = np.clip(inside * np.float32(min(a, b) / 1.3) + np.float32(0.5), 0, 1)
    # counted from the nucleus, not from the block, so that a nucleus on a border is the same from both sides
    grain = wrapped(texture, int(seed * 99991) + c0 - left, int(seed * 9973) + r0 - top, c1 - c0, r1 - r0)
    if cells.kind[i] == MITOSIS:
        # condensed chromosomes: a ragged dark plate in a clear cell
        plate = np.clip(1.4 - np.hypot(u * 1.1, v * 2.6) + 0.5 * grain, 0, 1) * cover
        level = 0.12 + float(cells.dark[i]) * plate
    else:
        clumps = float(cells.clumps[i])
        membrane = np.maximum(1 - np.abs(inside) * np.float32(3.5), 0)
        level = float(cells.dark[i]) * (1 - 0.5 * clumps + clumps * grain + float(cells.rim[i]) * membrane)
        for k in range(int(cells.nucleoli[i])):
            place = turn * (17 + 6 * k)
            nu, nv = 0.38 * np.cos(place), 0.38 * np.sin(place)
            near = ((u - np.float32(nu)) * a) ** 2 + ((v - np.float32(nv)) * b) ** 2
            size = 2 * (0.16 * a * (0.8 + 0.5 * seed)) ** 2
            spot = np.exp(-near / np.float32(size))
            level = level + np.float32(0.4) * spot
            eosin[r0 - y0 : r1 - y0, c0 - x0 : c1 - x0] += np.float32(0.5) * spot
    part = hematoxylin[r0 - y0 : r1 - y0, c0 - x0 : c1 - x0]
    part += cover * (np.maximum(level, np.float32(0.05)) - part * np.float32(0.85))
    pink = eosin[r0 - y0 : r1 - y0, c0 - x0 : c1 - x0]
    pink *= 1 - np.float32(0.45) * cover
