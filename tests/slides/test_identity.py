"""What names a slide: its fingerprint, bounds and levels."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_histoalign.slides import open_slide
from napari_histoalign.slides.fingerprint import BLOCK, BLOCKS, file_fingerprint
from napari_histoalign.slides.levels import level_factors
from napari_histoalign.slides.openslide_backend import _bounds

if TYPE_CHECKING:
    from pathlib import Path


def test_a_rename_does_not_change_a_fingerprint(pyramid: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "another name.tiff"
    shutil.copy(pyramid, moved)
    with open_slide(pyramid) as a, open_slide(moved) as b:
        assert a.fingerprint == b.fingerprint
        assert len(bytes.fromhex(a.fingerprint)) == 32


def test_any_byte_of_a_small_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(path)
    data = path.read_bytes()
    prints = set()
    for i in range(0, len(data), 7):
        path.write_bytes(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :])
        prints.add(file_fingerprint(path, (50, 50)))
    assert len(prints) == len(range(0, len(data), 7))
    path.write_bytes(data)
    assert file_fingerprint(path, (50, 50)) != file_fingerprint(path, (50, 51))


def test_a_large_file_is_sampled(tmp_path: Path) -> None:
    path = tmp_path / "large.svs"
    size = 4 * BLOCK * BLOCKS + 12_345
    with path.open("wb") as file:
        file.truncate(size)
    first = file_fingerprint(path, (9, 9))
    prints = {first}
    for place in (0, size - 1, (size - BLOCK) * 20 // (BLOCKS - 1) + 100):
        with path.open("rb+") as file:
            file.seek(place)
            file.write(b"x")
        prints.add(file_fingerprint(path, (9, 9)))
    assert len(prints) == 4
    with path.open("ab") as file:
        file.write(b"x")
    assert file_fingerprint(path, (9, 9)) not in prints


def test_the_companion_folder_of_an_mrxs_counts(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.mrxs", tmp_path / "a"
    path.write_bytes(b"index")
    alone = file_fingerprint(path, (9, 9))
    folder.mkdir()
    (folder / "Slidedat.ini").write_bytes(b"one")
    (folder / "Data0000.dat").write_bytes(b"pixels")
    first = file_fingerprint(path, (9, 9))
    (folder / "Slidedat.ini").write_bytes(b"two")
    second = file_fingerprint(path, (9, 9))
    (folder / "Data0000.dat").write_bytes(b"more pixels")
    third = file_fingerprint(path, (9, 9))
    assert len({alone, first, second, third}) == 4

    path.rename(tmp_path / "b.mrxs")
    folder.rename(tmp_path / "b")
    assert file_fingerprint(tmp_path / "b.mrxs", (9, 9)) == third


def test_whole_factors_are_recognised_where_a_pixel_was_dropped_or_padded() -> None:
    assert level_factors([(4443, 3567), (2221, 1783)]) == [(1.0, 1.0), (2.0, 2.0)]
    assert level_factors([(57768, 26230), (14442, 6557), (3610, 1639)])[1:] == [(4.0, 4.0), (16.0, 16.0)]
    assert level_factors([(1501, 1103), (751, 552)])[1] == (2.0, 2.0)
    x, y = level_factors([(1501, 1103), (613, 457)])[1]
    assert (x, y) == pytest.approx((1501 / 613, 1103 / 457))


def test_bounds_are_the_scanned_part_within_the_slide() -> None:
    def given(x, y, width, height) -> dict[str, str]:
        names = ("x", "y", "width", "height")
        return {f"openslide.bounds-{n}": str(v) for n, v in zip(names, (x, y, width, height), strict=True)}

    assert _bounds(given(100, 50, 300, 200), (1000, 800)) == (100, 50, 300, 200)
    assert _bounds(given(900, -10, 300, 200), (1000, 800)) == (900, 0, 100, 190)
    assert _bounds(given(2000, 0, 300, 200), (1000, 800)) is None
    assert _bounds(given("a", 0, 300, 200), (1000, 800)) is None
    assert _bounds({}, (1000, 800)) is None


def test_a_slide_says_what_it_is(pyramid: Path) -> None:
    with open_slide(str(pyramid)) as slide:
        assert (slide.name, slide.path, slide.vendor) == ("pyramid", pyramid, "generic-tiff")
        assert (slide.dimensions, slide.level_count, slide.bounds) == ((1501, 1103), 3, (0, 0, 1501, 1103))
