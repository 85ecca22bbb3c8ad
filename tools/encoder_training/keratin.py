"""Tiles of keratin: thin wavy sheets of eosin, torn from each other over white, without nuclei."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from encoder_training.tiles import DYE_STEPS, MEASURES, STORED_PX
from napari_histoalign.sample.noise import smooth_noise, smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray


def keratin_tiles(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Tiles in the form of `tiles.load_tiles`.

    Parameters
    ----------
    count
        How many.
    seed
        Where the randomness starts.

    Returns
    -------
    dyes, measures
        uint8 (count, 2, 304, 304), and float32 (count, len(MEASURES)).
    """
    rng = np.random.default_rng([43, seed])
    dyes = np.zeros((count, 2, STORED_PX, STORED_PX), dtype=np.uint8)
    measures = np.zeros((count, len(MEASURES)), dtype=np.float32)
    shape = (STORED_PX, STORED_PX)
    rows, columns = np.mgrid[0:STORED_PX, 0:STORED_PX].astype(np.float32)
    for row in range(count):
        turn = rng.uniform(0, np.pi)
        across = rows * np.cos(turn) - columns * np.sin(turn)
        # from tight lamellae to loose flakes that curl
        spacing = float(np.exp(rng.uniform(np.log(8), np.log(55))))
        curl = rng.uniform(8, 22) + 0.5 * spacing
        across = across + curl * smooth_noise(rng, shape, 40) + 0.2 * spacing * smooth_noise(rng, shape, 9)
        wave = np.cos(2 * np.pi * across / spacing + 2.0 * smooth_noise(rng, shape, 30))
        thin = rng.uniform(-0.7, 0.9)
        sheet = smoothstep(wave.astype(np.float32), thin, thin + 0.15 + 1.5 / spacing)
        present = smoothstep(smooth_noise(rng, shape, 35) + rng.uniform(0.2, 1.6), 0.0, 0.1)
        grain = 1 + 0.12 * smooth_noise(rng, shape, 1.2)
        # pink, or purple to nearly black where it is thick or lies in folds
        fold = 1 + 0.5 * np.maximum(smooth_noise(rng, shape, 14), 0)
        eosin = rng.uniform(0.5, 1.4) * sheet * present * grain * fold
        hematoxylin = rng.uniform(0.02, 1.0) ** 1.5 * sheet * present * grain * fold
        dyes[row] = np.clip(np.stack([hematoxylin, eosin]) * DYE_STEPS + 0.5, 0, 255)
        found = dict.fromkeys(MEASURES, 0.0)
        found["keratin"] = float(np.clip(2.5 * (sheet * present).mean(), 0, 1))
        found["white"] = float((eosin + hematoxylin < 0.12).mean())
        found["glass"] = float(1 - present.mean())
        found["eosin"], found["hematoxylin"] = float(eosin.mean()), float(hematoxylin.mean())
        measures[row] = [found[name] for name in MEASURES]
    return dyes, measures
