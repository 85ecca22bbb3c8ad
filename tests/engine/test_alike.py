"""The tiles most alike: against plain loops, and on a slide whose colours say who is like whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_histoalign.alignment import Alignment, PromptSet
from napari_histoalign.engine import Analysis, Scored
from napari_histoalign.engine.alike import mean_cosines, most_alike
from napari_histoalign.errors import AlignmentError
from napari_histoalign.slides import TileGrid

if TYPE_CHECKING:
    from pathlib import Path

    from napari_histoalign.slides import Slide

    from .conftest import ColourEncoder

PROMPTS = PromptSet.from_dict(
    {
        "name": "colours",
        "classes": [{"name": "warm", "prompts": ["red"]}, {"name": "cold", "prompts": ["blue"]}],
    }
)
TILES = np.arange(3, 57, 2)


def scored_on(slide: Slide, encoder: ColourEncoder, cache: Path, stride: int | None = None) -> Scored:
    grid = TileGrid.over(slide, tile=8, stride=stride)
    with Analysis(slide, [encoder], grid, views=("full", "hflip"), cache=cache) as analysis:
        tiles = TILES if stride is None else np.arange(grid.count)
        list(analysis.embed(tiles))
        return analysis.score(tiles, PROMPTS, Alignment("one-to-one"))


@pytest.mark.parametrize("views", [1, 2, 5])
def test_cosines_are_those_of_plain_loops(views: int) -> None:
    rng = np.random.default_rng(views)
    images = [rng.normal(size=(2500, views, width)).astype(np.float16) * 3 for width in (6, 9)]

    found = mean_cosines(images, 1234)

    for tile in (0, 1234, 1500, 2499):
        each = []
        for rows in images:
            a, b = (sum(np.float64(v) / np.linalg.norm(np.float64(v)) for v in rows[t]) for t in (1234, tile))
            each.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        assert found[tile] == pytest.approx(np.mean(each), abs=1e-5)
    assert found.argmax() == 1234


def test_the_likest_colours_come_first(
    slide: Slide, encoder: ColourEncoder, colours: np.ndarray, tmp_path: Path
) -> None:
    scored = scored_on(slide, encoder, tmp_path)

    found = most_alike(scored, 21, k=5)

    assert found is not None
    rows = colours.reshape(-1, 3)[TILES] + 1e-3
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    likeness = unit @ unit[TILES == 21][0]
    wanted = TILES[np.argsort(-likeness)][1:6]
    assert found.indices.tolist() == wanted.tolist()
    np.testing.assert_allclose(found.cosines, np.sort(likeness)[-2:-7:-1], atol=1e-3)


def test_tiles_that_share_pixels_are_left_out(slide: Slide, encoder: ColourEncoder, tmp_path: Path) -> None:
    scored = scored_on(slide, encoder, tmp_path, stride=4)
    at = 45

    found = most_alike(scored, at, k=10_000)

    assert found is not None
    near = np.abs(scored.tiles.xy - scored.tiles.xy[at]).max(axis=1) < 8
    assert near.sum() == 9
    assert set(found.indices.tolist()) == set(scored.indices[~near].tolist())


def test_a_tile_that_was_not_scored_has_none(slide: Slide, encoder: ColourEncoder, tmp_path: Path) -> None:
    assert most_alike(scored_on(slide, encoder, tmp_path), 4) is None


def test_a_damaged_embedding_is_told() -> None:
    images = np.ones((3, 1, 4), np.float16)
    images[2] = 0
    with pytest.raises(AlignmentError, match="zero or not finite"):
        mean_cosines([images], 0)
