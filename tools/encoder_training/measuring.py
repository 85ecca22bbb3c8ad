"""Measure disturbed views of drawn tiles, once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from encoder_training.augment import augmented
from napari_histoalign.encoders.morphometry import NAMES, Morphometry
from napari_histoalign.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BATCH = 48


def fingerprint(dyes: NDArray[np.uint8]) -> str:
    """Names what was drawn, so that nothing is kept that was learned from another drawing."""
    return hashlib.sha256(dyes).hexdigest()[:12]


def measured_views(
    dyes: NDArray[np.uint8], views: int, folder: Path, *, seed: int, say: Callable[[str], None]
) -> NDArray[np.float32]:
    """Measures of `views` disturbed views of every tile, kept in a file a view.

    Parameters
    ----------
    dyes
        uint8 (n, 2, 304, 304).
    views
        How often each tile is seen, each time in another stain, scale, sharpness and noise.
    folder
        Where the files are.
    seed, say
        Where the randomness starts, and what to call with a line of progress.

    Returns
    -------
    float32 (views * n, len(NAMES))
        View by view.
    """
    tower = Morphometry()
    parts = []
    seen = fingerprint(dyes)
    for view in range(views):
        path = folder / f"measures-{seen}-{view}.npy"
        if not path.is_file():
            rows = np.empty((len(dyes), len(NAMES)), dtype=np.float32)
            for start in range(0, len(dyes), BATCH):
                rng = np.random.default_rng([seed, view, start])
                with torch.no_grad():
                    rows[start : start + BATCH] = tower(augmented(dyes[start : start + BATCH], rng)).numpy()
            with whole_file(path) as temporary, temporary.open("wb") as file:
                np.save(file, rows)
            say(f"view {view + 1}/{views} measured")
        parts.append(np.load(path))
    return np.concatenate(parts)
