"""Benign ducts and lobules: round glands with a lumen and two layers of cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_histoalign.sample.zones import CELL_PX, Ground, Zone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_histoalign.sample.noise import Field

WAVES = (2, 3, 5)
"""How often the outline of a gland swings in one turn, for each of its three waves."""


@dataclass(frozen=True)
class Gland:
    """One duct or acinus, in slide pixels.

    Attributes
    ----------
    x, y, radius
        Centre and mean radius of the outer outline.
    swing, phase
        Amplitude (share of the radius) and phase of each wave of the outline.
    wall
        Thickness of the epithelium; the rest is lumen.
    layers
        Rows of luminal cells: one, or several in usual hyperplasia.
    """

    x: float
    y: float
    radius: float
    swing: tuple[float, float, float]
    phase: tuple[float, float, float]
    wall: float
    layers: int

    def outline(self, angle: Field | NDArray[np.float64]) -> NDArray[np.float64]:
        """Outer radius in pixels at each angle (radians)."""
        factor = 1.0 + sum(
            s * np.cos(k * angle + p) for k, s, p in zip(WAVES, self.swing, self.phase, strict=True)
        )
        return np.asarray(self.radius * factor, dtype=np.float64)

    def depth(self, x: int, y: int, width: int, height: int) -> Field:
        """Pixels inside the outline (negative outside) for a rectangle: float32 (height, width)."""
        dx = np.arange(x, x + width, dtype=np.float32)[None, :] + np.float32(0.5 - self.x)
        dy = np.arange(y, y + height, dtype=np.float32)[:, None] + np.float32(0.5 - self.y)
        return np.asarray(self.outline(np.arctan2(dy, dx)) - np.hypot(dx, dy), dtype=np.float32)


def place_glands(rng: np.random.Generator, zones: list[Zone], ground: Ground, mpp: float) -> list[Gland]:
    """Fill each lobule with acini around a duct, and scatter a few ducts through the stroma."""
    glands: list[Gland] = []
    for zone in zones:
        if zone.growth == "lobule":
            glands += [
                gland for gland in _lobule(rng, zone, mpp) if _covered(ground, gland.x, gland.y, gland.radius)
            ]
    side = ground.tissue.shape[0] * CELL_PX
    ducts = max(2, round((side * mpp / 1000) ** 2 * 0.8))
    for _ in range(40 * ducts):
        if ducts == 0:
            break
        radius = rng.uniform(38, 85) / mpp
        x, y = rng.uniform(0, side, 2)
        here = (int(y // CELL_PX), int(x // CELL_PX))
        busy = (
            ground.fat[here] > 0.1
            or ground.tumour_zone[here] > 0.02
            or ground.lobule[here] > 0.1
            or ground.sheet[here] > -0.5
            or not _calm(ground, x, y, radius)
        )
        if not _covered(ground, x, y, radius) or busy or not _free(glands, x, y, radius, 15 / mpp):
            continue
        glands.append(_gland(rng, x, y, radius, mpp, swing=0.09))
        ducts -= 1
    return glands


def _lobule(rng: np.random.Generator, zone: Zone, mpp: float) -> list[Gland]:
    """Acini of one terminal duct lobular unit."""
    found: list[Gland] = []
    typical = rng.uniform(19, 30)
    gap = rng.uniform(3.5, 9) / mpp
    tries = int(60 + 14 * (zone.radius * mpp / typical) ** 2)
    for _ in range(tries):
        radius = typical * rng.lognormal(0, 0.22) / mpp
        angle, distance = rng.uniform(0, 2 * np.pi), zone.radius * np.sqrt(rng.uniform(0, 0.98))
        x, y = zone.x + distance * np.cos(angle), zone.y + distance * np.sin(angle)
        if _free(found, x, y, radius, gap):
            found.append(_gland(rng, x, y, radius, mpp, swing=0.06))
    return found


def _gland(rng: np.random.Generator, x: float, y: float, radius: float, mpp: float, swing: float) -> Gland:
    """One gland; some larger ones with heaped-up layers, as in usual hyperplasia."""
    layers = int(rng.choice([2, 3])) if radius * mpp > 32 and rng.random() < 0.25 else 1
    if radius * mpp < 32 and rng.random() < 0.12:
        layers = 3  # cut at its edge: no lumen to see
    wall = (10.5 + 6.5 * (layers - 1)) / mpp
    amounts = rng.uniform(0.3, 1.0, 3) * swing * np.array([1.6, 1.0, 0.5])
    phases = rng.uniform(0, 2 * np.pi, 3)
    return Gland(
        float(x), float(y), float(radius),
        (float(amounts[0]), float(amounts[1]), float(amounts[2])),
        (float(phases[0]), float(phases[1]), float(phases[2])),
        float(wall if layers == 3 and radius * mpp < 32 else min(wall, 0.82 * radius)), layers,
    )  # fmt: skip


def _covered(ground: Ground, x: float, y: float, radius: float) -> bool:
    """Whether tissue lies under the whole gland."""
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    rows = ((y + 1.25 * radius * np.sin(turn)) // CELL_PX).astype(np.int64)
    columns = ((x + 1.25 * radius * np.cos(turn)) // CELL_PX).astype(np.int64)
    n = len(ground.tissue)
    if min(rows.min(), columns.min()) < 0 or max(rows.max(), columns.max()) >= n:
        return False
    return bool(ground.tissue[rows, columns].min() > 0.95)


def _calm(ground: Ground, x: float, y: float, radius: float) -> bool:
    """Whether neither muscle nor mucin lies under the gland."""
    reach = 1.25 * radius
    rows = slice(max(int((y - reach) // CELL_PX), 0), int((y + reach) // CELL_PX) + 1)
    columns = slice(max(int((x - reach) // CELL_PX), 0), int((x + reach) // CELL_PX) + 1)
    return bool(max(ground.muscle[rows, columns].max(), ground.mucin[rows, columns].max()) < 0.05)


def _free(glands: list[Gland], x: float, y: float, radius: float, gap: float) -> bool:
    """Whether a gland of this radius fits between those already there."""
    return all((g.x - x) ** 2 + (g.y - y) ** 2 > (g.radius + radius + gap) ** 2 for g in glands)
