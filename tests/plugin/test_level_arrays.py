"""Slide levels as lazily read arrays: places, bounds, caching, errors. No Qt."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from gradient import GradientSlide

from napari_histoalign.errors import SlideError
from napari_histoalign.plugin.levels import CHUNK_PX, COARSEST_PX, slide_levels
from napari_histoalign.plugin.tile_cache import TileCache


def test_coarser_levels_are_added_until_the_last_is_small(gradient_slide):
    levels = slide_levels(gradient_slide)
    assert [level.shape for level in levels] == [(5003, 7001, 3), (1352, 1892, 3)]
    one_level = slide_levels(GradientSlide((9000, 3001)))
    assert [level.shape[:2] for level in one_level] == [(3001, 9000), (1500, 4500), (750, 2250), (375, 1125)]
    assert max(one_level[-1].shape) <= COARSEST_PX


@pytest.mark.parametrize("factors", [(1,), (1, 3.7), (1, 4, 16)])
def test_every_level_shows_the_same_place(factors):
    """Where napari puts a pixel (by the ratio of shapes) is where its colour comes from."""
    slide = GradientSlide((7001, 5003), factors)
    for level in slide_levels(slide):
        height, width = level.shape[:2]
        rows, columns = slice(height // 3, height, 97), slice(width // 4, width, 101)
        x = (np.arange(width)[columns] + 0.5) * 7001 / width
        y = (np.arange(height)[rows] + 0.5) * 5003 / height
        # one grey value is 27 level-0 px across and 20 down: more than a pixel of any level here
        assert np.abs(level[rows, columns].astype(int) - slide.colors(x, y)).max() <= 1


def test_a_block_across_chunks_is_seamless_and_like_numpy(gradient_slide):
    level = slide_levels(gradient_slide)[0]
    whole = np.asarray(level)
    assert whole.shape == level.shape and whole.dtype == np.uint8
    for key in [
        np.s_[500:530, 505:1100],
        np.s_[-3:, -700:, :],
        np.s_[600, 700],
        np.s_[..., 0],
        np.s_[10:20:3, 1023:1:-250, 1],
        np.s_[-1, ..., 2],
        np.s_[5:5],
        np.s_[4000:9999],
    ]:
        np.testing.assert_array_equal(level[key], whole[key])


@pytest.mark.parametrize("key", [(0, 0, 0, 0), "x", 1.5, 99999])
def test_an_index_that_makes_no_sense_is_refused(gradient_slide, key):
    with pytest.raises(IndexError):
        slide_levels(gradient_slide)[0][key]


def test_what_was_read_is_not_read_again(gradient_slide):
    level = slide_levels(gradient_slide)[0]
    level[0:1000, 0:1000]
    assert len(gradient_slide.reads) == 4
    level[100:900, 5:1000]
    assert len(gradient_slide.reads) == 4


def test_the_cache_keeps_its_bound_and_drops_the_oldest(gradient_slide):
    chunk_bytes = CHUNK_PX * CHUNK_PX * 3
    cache = TileCache(max_bytes=2 * chunk_bytes)
    level = slide_levels(gradient_slide, cache)[0]
    for column in (0, 600, 0, 1100):  # the second chunk is now the oldest
        level[0:10, column : column + 10]
    assert cache.nbytes == 2 * chunk_bytes
    before = len(gradient_slide.reads)
    level[0:10, 0:10]
    assert len(gradient_slide.reads) == before
    level[0:10, 600:610]
    assert len(gradient_slide.reads) == before + 1


def test_a_read_error_is_raised_each_time_and_mends_when_the_file_does(gradient_slide):
    level = slide_levels(gradient_slide)[0]
    gradient_slide.broken = True
    for _ in range(2):
        with pytest.raises(SlideError, match="damaged"):
            level[0:10, 0:10]
    gradient_slide.broken = False
    assert level[0:10, 0:10].shape == (10, 10, 3)


def test_threads_share_one_cache_and_see_the_same_pixels(gradient_slide):
    cache = TileCache(max_bytes=6 * CHUNK_PX * CHUNK_PX * 3)
    levels = slide_levels(gradient_slide, cache)
    expected = np.asarray(slide_levels(gradient_slide)[0])
    boxes = [(y, x) for y in range(0, 4500, 700) for x in range(0, 6500, 900)]

    def same(box):
        y, x = box
        return np.array_equal(levels[0][y : y + 500, x : x + 480], expected[y : y + 500, x : x + 480])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(same, boxes * 2))
    assert cache.nbytes <= 6 * CHUNK_PX * CHUNK_PX * 3
