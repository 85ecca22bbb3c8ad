"""A damaged place is an error, never blank, and costs nothing but itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from patterns import SIZE, write_ome, write_pyramid

from napari_histoalign.errors import SlideError
from napari_histoalign.slides import open_slide

if TYPE_CHECKING:
    from pathlib import Path


def spoil_tile(path: Path, column: int, row: int) -> None:
    """Overwrite one tile of level 0 with nonsense."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        index = row * -(-SIZE[0] // 256) + column
        offset, count = page.dataoffsets[index], page.databytecounts[index]
    with path.open("rb+") as file:
        file.seek(offset)
        file.write(b"\xaa" * count)


@pytest.fixture(params=["openslide", "tifffile"])
def spoilt(request: pytest.FixtureRequest, tmp_path: Path, levels) -> Path:
    if request.param == "openslide":
        path = write_pyramid(tmp_path / "spoilt.tif", levels)
    else:
        path = write_ome(tmp_path / "spoilt.ome.tif", levels)
    spoil_tile(path, 2, 1)
    return path


def test_the_error_names_file_and_place(spoilt: Path) -> None:
    with open_slide(spoilt) as slide:
        with pytest.raises(SlideError, match="x 520, y 300") as caught:
            slide.read_region((520, 300), 0, (50, 50))
        assert str(spoilt) in str(caught.value)
        assert caught.value.__cause__ is not None
        with pytest.raises(SlideError):
            slide.read_area(500.5, 250.5, 300, 300, (300, 300))


def test_the_rest_is_still_read(spoilt: Path, levels) -> None:
    with open_slide(spoilt) as slide:
        for _ in range(2):
            with pytest.raises(SlideError):
                slide.read_region((520, 300), 0, (50, 50))
            np.testing.assert_array_equal(slide.read_region((0, 0), 0, (400, 200)), levels[0][:200, :400])


def test_threads_do_not_lose_good_tiles_to_a_bad_one(spoilt: Path, levels) -> None:
    places = [(x, y) for x in range(0, 1280, 128) for y in range(0, 1024, 128)] * 3

    def read(place: tuple[int, int]) -> np.ndarray | None:
        try:
            return slide.read_region(place, 0, (128, 128))
        except SlideError:
            return None

    with open_slide(spoilt) as slide, ThreadPoolExecutor(8) as pool:
        tiles = list(pool.map(read, places))
    for (x, y), tile in zip(places, tiles, strict=True):
        if x // 256 == 2 and y // 256 == 1:
            assert tile is None
        else:
            assert tile is not None, (x, y)
            np.testing.assert_array_equal(tile, levels[0][y : y + 128, x : x + 128])


@pytest.mark.parametrize("cut", [1, 1000, 200_000])
@pytest.mark.parametrize("kind", ["pyramid", "ome", "piece", "bigtiff"])
def test_a_cut_tiff_is_refused(tmp_path: Path, levels, kind: str, cut: int) -> None:
    path = tmp_path / "cut.tif"
    if kind == "ome":
        write_ome(path, levels, compression=None)
    elif kind == "pyramid":
        write_pyramid(path, levels, compression=None)
    else:
        tifffile.imwrite(path, levels[0], photometric="rgb", bigtiff=kind == "bigtiff")
    with open_slide(path):
        pass
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(SlideError, match="cut short"):
        open_slide(path)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.97])
def test_a_real_slide_cut_short_is_refused(real_slide: Path, tmp_path: Path, share: float) -> None:
    data = real_slide.read_bytes()
    cut = tmp_path / "cut.svs"
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SlideError, match="cut short"):
        open_slide(cut)


def test_a_file_that_vanishes_is_an_error_for_the_fingerprint(tmp_path: Path, levels) -> None:
    path = write_pyramid(tmp_path / "gone.tif", levels)
    with open_slide(path) as slide:
        path.unlink()
        with pytest.raises(SlideError, match="cannot be read any more"):
            _ = slide.fingerprint
