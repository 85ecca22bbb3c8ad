"""What is read for a tile: the tile itself, more of what is around it, or less of it at a finer scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.engine import Analysis
from napari_histoalign.engine.reading import read_batches
from napari_histoalign.slides import TileGrid, open_slide

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import ColourEncoder

SIDE = 32


@pytest.fixture
def mosaic() -> np.ndarray:
    """Colours of the tiles, shape (5, 7, 3)."""
    return np.random.default_rng(3).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def read(mosaic: np.ndarray, folder: Path, tile: int, field: float) -> np.ndarray:
    Image.fromarray(mosaic.repeat(SIDE, axis=0).repeat(SIDE, axis=1)).save(folder / "mosaic.png")
    with open_slide(folder / "mosaic.png") as slide:
        grid = TileGrid.over(slide, tile=SIDE)
        (batch,) = read_batches(slide, grid, [np.array([tile])], fields=(field,))
    return batch.images[field][0]


def test_a_wide_field_holds_half_of_each_neighbour(mosaic: np.ndarray, tmp_path: Path) -> None:
    np.testing.assert_array_equal(
        read(mosaic, tmp_path, 2 * 7 + 4, 1.0), np.broadcast_to(mosaic[2, 4], (SIDE, SIDE, 3))
    )
    wide = read(mosaic, tmp_path, 2 * 7 + 4, 2.0).astype(int)
    # half a neighbour is 8 px wide, the tile 16; 4 px from where two meet, colours do not mix
    for row, y in ((1, 4), (2, 16), (3, 28)):
        for column, x in ((3, 4), (4, 16), (5, 28)):
            np.testing.assert_allclose(wide[y, x], mosaic[row, column], atol=1)


def test_outside_the_slide_is_white(mosaic: np.ndarray, tmp_path: Path) -> None:
    wide = read(mosaic, tmp_path, 0, 4.0).astype(int)

    # the corner tile's field begins one and a half tiles outside, which is 12 px
    np.testing.assert_array_equal(wide[:9], 255)
    np.testing.assert_array_equal(wide[:, :9], 255)
    np.testing.assert_allclose(wide[16, 16], mosaic[0, 0], atol=3)
    np.testing.assert_allclose(wide[24, 24], mosaic[1, 1], atol=3)


def test_a_zoom_shows_what_the_tile_cannot(tmp_path: Path) -> None:
    fine = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(fine).save(tmp_path / "fine.png")
    with open_slide(tmp_path / "fine.png", mpp=0.25) as slide:
        grid = TileGrid.over(slide, mpp=0.5, tile=16)
        (batch,) = read_batches(slide, grid, [np.array([3])], fields=(0.5, 1.0))

    assert grid.tile_px == 32
    np.testing.assert_array_equal(batch.images[0.5][0], fine[40:56, 40:56])
    assert batch.images[1.0][0].shape == (16, 16, 3)


@pytest.mark.parametrize("view", ["wide2", "wide4"])
def test_a_tile_is_judged_by_its_surroundings_in_a_wide_view(
    view: str, encoder: ColourEncoder, tmp_path: Path
) -> None:
    pixels = np.zeros((7 * SIDE, 7 * SIDE, 3), np.uint8)
    pixels[..., 2] = 255
    pixels[3 * SIDE : 4 * SIDE, 3 * SIDE : 4 * SIDE] = (255, 0, 0)  # one red tile in a field of blue
    Image.fromarray(pixels).save(tmp_path / "field.png")
    prompts = PromptSet.from_dict(
        {
            "name": "two",
            "classes": [{"name": "warm", "prompts": ["red"]}, {"name": "cold", "prompts": "blue"}],
        }
    )
    found = {}
    with open_slide(tmp_path / "field.png") as slide:
        grid = TileGrid.over(slide, tile=SIDE)
        for views in (("full",), (view,)):
            with Analysis(slide, [encoder], grid, views=views, cache=tmp_path) as analysis:
                list(analysis.embed(np.array([24])))
                scored = analysis.score(np.array([24]), prompts, Alignment("one-to-one"))
                found[views[0]] = float(scored.tiles.probabilities[0, 0])

    assert found["full"] > 0.99
    # a quarter, or a sixteenth, of what is seen is red: cosines 1/sqrt(10) and 1/sqrt(226), times 20
    red, blue = {"wide2": (1, 3), "wide4": (1, 15)}[view]
    expected = 1 / (1 + np.exp(20 * (blue - red) / np.hypot(red, blue)))
    assert found[view] == pytest.approx(expected, rel=0.15)
