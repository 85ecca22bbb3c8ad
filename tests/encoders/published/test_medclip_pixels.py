"""MedCLIP's grey pixels against the published steps, written down once more."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_histoalign.encoders import registry

MEAN, DEVIATION = 0.5862785803043838, 0.27950088968644304


def tiles(n: int, height: int, width: int) -> np.ndarray:
    """Tiles in colour with flat places and edges."""
    coarse = np.random.default_rng(4).integers(0, 256, (n, 11, 11, 3), dtype=np.uint8)
    return coarse.repeat(-(-height // 11), axis=1).repeat(-(-width // 11), axis=2)[:, :height, :width]


def restated(tile: np.ndarray, side: int) -> np.ndarray:
    """The published steps for one tile: grey, black to a square, bicubic, between 0 and 1, normalised."""
    red, green, blue = np.moveaxis(tile.astype(float), -1, 0)
    grey = np.round(0.299 * red + 0.587 * green + 0.114 * blue)
    height, width = grey.shape
    square = max(side, height, width)
    padded = np.zeros((square, square))
    top, left = int((square - height) / 2), int((square - width) / 2)
    padded[top : top + height, left : left + width] = grey
    small = bicubic(square, side) @ padded @ bicubic(square, side).T
    return (np.clip(small, 0, 255) / 255 - MEAN) / DEVIATION


def bicubic(size: int, target: int) -> np.ndarray:
    """Weights of pixels, (target, size): Keys' cubic with a = -0.5, widened when pixels shrink."""
    scale = max(size / target, 1)
    centre = (np.arange(target)[:, None] + 0.5) * size / target
    x = np.abs(np.arange(size) + 0.5 - centre) / scale
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize(
    "size", [(224, 224), (100, 91), (101, 300), (300, 101), (512, 512), (384, 512), (225, 225)]
)
def test_pixels_are_grey_padded_and_normalised_as_published(size: tuple[int, int]) -> None:
    prepare = registry()["medclip"].preprocessing
    tile = tiles(1, *size)
    pixels = prepare.normalise(torch.from_numpy(prepare.fit(tile))).numpy()
    reference = restated(tile[0], 224)

    assert pixels.shape == (1, 3, 224, 224)
    assert (pixels[:, :1] == pixels).all(), "one channel three times"
    # Pillow rounds to bytes after each direction
    assert np.abs(pixels[0, 0] - reference).max() * DEVIATION <= 1 / 255 + 1e-6
    assert np.abs(pixels[0, 0] - reference).mean() * DEVIATION < 0.3 / 255
    if max(size) < 224:
        assert pixels[0, 0, 0, 0] == pytest.approx(-MEAN / DEVIATION)
    assert prepare.key == "pad-grey-bicubic-224-chest-x-ray"
