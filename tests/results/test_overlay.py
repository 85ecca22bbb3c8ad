"""Overlays: the wash pixel by pixel, the legend by what it must show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from napari_histoalign.errors import ResultError
from napari_histoalign.results import ProbabilityMap, write_overlay
from napari_histoalign.results.legend import scale_bar
from napari_histoalign.results.lettering import Lettering
from napari_histoalign.results.overlay import OPACITY, rgb, wash

Painter = Callable[..., ProbabilityMap]
GREY = 200


def thumbnail(width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((height, width, 3), GREY, np.uint8)


def test_each_pixel_takes_the_probability_under_its_centre(painted: Painter) -> None:
    map = painted("ts.", "gts", origin=(-4.0, 6.0), step=10.0)
    washed = wash(thumbnail(15, 20), map, 0, slide_size=(30, 40))  # 2 level-0 px a pixel

    for row, column in np.ndindex(20, 15):
        x, y = column * 2 + 1, row * 2 + 1
        cell = int((y - 6) // 10), int((x + 4) // 10)
        inside = 0 <= cell[0] < 2 and 0 <= cell[1] < 3
        p = float(map.data[0][cell]) if inside and not np.isnan(map.data[0][cell]) else 0.0
        expected = [round(GREY + (c - GREY) * OPACITY * p) for c in (0xD6, 0x27, 0x28)]
        np.testing.assert_allclose(washed[row, column], expected, atol=1)
        if p == 0:
            assert (washed[row, column] == GREY).all()


def test_the_picture_is_the_wash_with_a_legend_below(painted: Painter, tmp_path: Path) -> None:
    map = painted("ts", "..", step=400.0)
    write_overlay(tmp_path / "o.png", thumbnail(800, 600), map, 1, slide_size=(800, 600), mpp=(0.5, 0.5))
    with Image.open(tmp_path / "o.png") as opened:
        picture = np.asarray(opened.convert("RGB")).astype(int)
        assert opened.format == "PNG"

    assert picture.shape[1] == 800 and 620 < picture.shape[0] < 750
    np.testing.assert_array_equal(
        picture[:600], wash(thumbnail(800, 600), map, 1, slide_size=(800, 600)).astype(int)
    )
    legend = picture[600:]
    most = np.rint(255 + (np.asarray(rgb("#2ca02c")) - 255) * OPACITY).astype(int)
    row, column = np.argwhere((abs(legend - most) <= 1).all(axis=2)).max(axis=0)  # end of the colour bar
    bar = legend[row - 1, :column, 0]
    assert (np.diff(bar[20:]) <= 0).all() and bar[20:].max() > 250  # from paper to full colour
    dark = (legend < 60).all(axis=2)
    runs = ["".join("#" if d else " " for d in line).split() for line in dark]
    assert max(len(run) for line in runs for run in line) == 100  # 50 um, the round length below a quarter


def test_a_notice_makes_room_for_itself_and_small_pictures_keep_their_pixels(
    painted: Painter, tmp_path: Path
) -> None:
    map, sizes = painted("t", step=50.0), {}
    for notice in (None, "Research use only.", "Research use only. " * 12):
        write_overlay(
            tmp_path / "o.png", thumbnail(50, 40), map, 0, slide_size=(50, 40), mpp=None, notice=notice
        )
        with Image.open(tmp_path / "o.png") as opened:
            sizes[notice] = opened.size
            left = (opened.width - 50) // 2
            inner = np.asarray(opened)[:40, left : left + 50]
        np.testing.assert_array_equal(inner, wash(thumbnail(50, 40), map, 0, slide_size=(50, 40)))
    widths, heights = zip(*sizes.values(), strict=True)
    assert len(set(widths)) == 1
    assert heights[0] < heights[1] < heights[2]


@pytest.mark.parametrize(
    ("pixel", "longest", "expected"),
    [
        ((0.5, "um"), 400, (400, "200 µm")),
        ((0.5, "um"), 399, (200, "100 µm")),
        ((8.0, "um"), 300, (250, "2 mm")),
        ((0.01, "um"), 100, (100, "1 µm")),
        ((0.25, "um"), 3, (2, "0.5 µm")),
        ((16.0, "px"), 400, (312, "5,000 px")),
    ],
)
def test_scale_bars_are_round(pixel: tuple[float, str], longest: float, expected: tuple[int, str]) -> None:
    assert scale_bar(pixel, longest) == expected


def test_lines_fit_and_nothing_is_lost() -> None:
    letters = Lettering.for_text("", 14)
    text = "Made with demonstration encoders, which know nothing of real tissue."
    lines = letters.wrapped(text, 200)
    assert len(lines) > 1 and " ".join(lines) == text
    assert all(letters.width(line) <= 200 for line in lines)
    short = letters.shortened(text, 200)
    assert short.endswith("...") and text.startswith(short[:-3]) and letters.width(short) <= 200


def test_without_any_system_font_the_letters_become_ascii(
    painted: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builtin = ImageFont.load_default

    def absent(*_: object) -> None:
        raise OSError("cannot open resource")

    letters = Lettering(builtin(14), 14, plain=True)
    assert letters.text("Drüsen: 200 µm") == "Drusen: 200 um"
    monkeypatch.setattr("PIL.ImageFont.truetype", absent)
    monkeypatch.setattr("PIL.ImageFont.load_default", lambda size: letters.font)
    assert Lettering.for_text("Drüsen", 14).plain
    write_overlay(tmp_path / "o.png", thumbnail(99, 9), painted("t"), 1, slide_size=(99, 9), mpp=(1, 1))
    assert (tmp_path / "o.png").stat().st_size > 0


def test_bad_input_is_refused_and_a_fault_leaves_the_old_picture(
    painted: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "o.png"
    write_overlay(path, thumbnail(9, 9), painted("t"), 0, slide_size=(9, 9), mpp=None)
    before = path.read_bytes()
    with pytest.raises(ResultError, match="no class number 3"):
        write_overlay(path, thumbnail(9, 9), painted("t"), 3, slide_size=(9, 9), mpp=None)
    with pytest.raises(ResultError, match="RGB"):
        write_overlay(path, np.zeros((9, 9), np.uint8), painted("t"), 0, slide_size=(9, 9), mpp=None)

    def full_disk(self: Image.Image, target: Path, **options: object) -> None:
        Path(target).write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(ResultError, match="No space left"):
        write_overlay(path, thumbnail(9, 9), painted("s"), 0, slide_size=(9, 9), mpp=None)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["o.png"]


@pytest.mark.parametrize("color", ["red", "#12", "#zzzzzz"])
def test_colours_that_are_none_are_refused(color: str) -> None:
    with pytest.raises(ResultError, match="#rrggbb"):
        rgb(color)
