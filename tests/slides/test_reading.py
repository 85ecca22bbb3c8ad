"""Pixels in the right place, whatever reads them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from patterns import ODD_LEVEL, SIZE, pattern_mean, write_ome, write_pyramid
from PIL import Image

from napari_histoalign.errors import SlideError
from napari_histoalign.slides import open_slide, sampling

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["pyramid", "ome", "picture"])
def any_slide(request: pytest.FixtureRequest):
    with open_slide(request.getfixturevalue(request.param)) as slide:
        yield slide


def test_each_file_goes_to_the_library_that_sees_all_of_it(pyramid, ome, picture) -> None:
    found = {}
    for path in (pyramid, ome, picture):
        with open_slide(path) as slide:
            found[path.name] = (slide.backend, slide.level_dimensions, slide.level_downsamples)

    whole = ((1501, 1103), (750, 551), (375, 275))
    assert found == {
        "pyramid.tif": ("openslide", whole, (1.0, 2.0, 4.0)),
        "pyramid.ome.tif": ("tifffile", whole, (1.0, 2.0, 4.0)),
        "picture.png": ("image", whole[:1], (1.0,)),
    }


def test_a_pyramid_in_subifds_without_ome_is_seen_as_well(tmp_path: Path, levels) -> None:
    path = write_ome(tmp_path / "subifds.tif", levels, metadata={}, resolution=(2e4, 2e4), resolutionunit=3)
    with open_slide(path) as slide:
        assert (slide.backend, slide.level_count) == ("tifffile", 3)
        assert slide.mpp == pytest.approx((0.5, 0.5))


def test_level_0_is_what_was_written(any_slide, levels) -> None:
    np.testing.assert_array_equal(any_slide.read_region((0, 0), 0, SIZE), levels[0])
    np.testing.assert_array_equal(any_slide.read_region((255, 511), 0, (3, 70)), levels[0][511:581, 255:258])


@pytest.mark.parametrize("name", ["pyramid", "ome"])
def test_coarse_levels_are_what_was_written(name, request, levels) -> None:
    with open_slide(request.getfixturevalue(name)) as slide:
        for level in (1, 2):
            height, width = levels[level].shape[:2]
            whole = slide.read_region((0, 0), level, (width, height))
            np.testing.assert_array_equal(whole, levels[level])
            part = slide.read_region((400, 600), level, (70, 50))
            x, y = 400 >> level, 600 >> level
            error = np.abs(part.astype(int) - levels[level][y : y + 50, x : x + 70])
            # openslide's own downsample is 2.0015 here: between two pixels it interpolates
            assert error.max() <= (2 if name == "pyramid" else 0)


def test_outside_is_white(any_slide, levels) -> None:
    region = any_slide.read_region((-20, 1000), 0, (60, 200))

    np.testing.assert_array_equal(region[:103, 20:], levels[0][1000:, :40])
    assert (region[:, :20] == 255).all() and (region[103:] == 255).all()
    assert (any_slide.read_region((5000, 5000), 0, (7, 5)) == np.full((5, 7, 3), 255)).all()
    assert (any_slide.read_area(-300, -300, 299, 299, (20, 20)) == 255).all()


def test_an_edge_within_a_pixel_is_mixed_with_white_by_its_share(any_slide, levels) -> None:
    area = any_slide.read_area(SIZE[0] - 1.5, 40, 2, 2, (2, 2))

    np.testing.assert_allclose(area[:, 1], 0.5 * levels[0][40:42, -1] + 0.5 * 255, atol=1)


def test_at_scale_one_and_whole_offsets_an_area_is_the_region(any_slide) -> None:
    np.testing.assert_array_equal(
        any_slide.read_area(1400, 37, 224, 224, (224, 224)), any_slide.read_region((1400, 37), 0, (224, 224))
    )
    # through the resampler: an offset too small to see leaves the pixels as they are
    near = any_slide.read_area(700 + 1e-9, 37, 224, 224, (224, 224))
    np.testing.assert_array_equal(near, any_slide.read_region((700, 37), 0, (224, 224)))


def displacement(area: np.ndarray, rectangle: tuple[float, float, float, float]) -> tuple[float, float]:
    """By how many level-0 pixels an area lies beside its place (least squares on the gradient)."""
    x, y, width, height = rectangle
    out = (area.shape[1], area.shape[0])
    want = pattern_mean(*rectangle, out)
    step = 0.5
    gx = (pattern_mean(x + step, y, width, height, out) - pattern_mean(x - step, y, width, height, out)) / (
        2 * step
    )
    gy = (pattern_mean(x, y + step, width, height, out) - pattern_mean(x, y - step, width, height, out)) / (
        2 * step
    )
    # a constant for each colour as well: openslide's interpolation rounds down, which is no shift
    constants = np.tile(np.eye(3), (out[0] * out[1], 1))
    basis = np.column_stack([gx.ravel(), gy.ravel(), constants])
    shift, *_ = np.linalg.lstsq(basis, (area.astype(float) - want).ravel(), rcond=None)
    return float(shift[0]), float(shift[1])


RECTANGLES = [
    (100.0, 100.0, 448.0, 448.0),
    (100.37, 211.81, 448.0, 448.0),
    (61.5, 300.25, 900.7, 700.3),
    (333.3, 77.7, 301.9, 500.5),
    (1100.2, 700.9, 399.0, 400.0),
    (410.6, 500.1, 100.0, 100.0),
]


@pytest.mark.parametrize("rectangle", RECTANGLES)
@pytest.mark.parametrize("name", ["pyramid", "ome", "picture", "odd openslide", "odd tifffile"])
def test_areas_lie_where_they_should(name, rectangle, request) -> None:
    path = (
        request.getfixturevalue("odd_pyramids")[name.split()[1]]
        if name.startswith("odd")
        else request.getfixturevalue(name)
    )
    with open_slide(path) as slide:
        for out in ((224, 224), (97, 131), (40, 40)):
            area = slide.read_area(*rectangle, out)
            dx, dy = displacement(area, rectangle)
            assert abs(dx) < 0.1 and abs(dy) < 0.1, (out, dx, dy)
            scale = max(rectangle[2] / out[0], rectangle[3] / out[1])
            error = np.abs(area - pattern_mean(*rectangle, out))
            assert error.max() < 2.0 + 0.3 * scale  # the kernel is no box; waves are long


def test_the_displacement_test_sees_a_quarter_of_a_pixel() -> None:
    rectangle = (100.37, 211.81, 448.0, 448.0)
    moved = pattern_mean(100.62, 211.81, 448.0, 448.0, (97, 97))

    assert displacement(moved, rectangle) == pytest.approx((0.25, 0.0), abs=0.02)


@pytest.mark.parametrize("name", ["openslide", "tifffile"])
def test_whole_regions_of_an_odd_level_lie_where_they_should(name, odd_pyramids) -> None:
    with open_slide(odd_pyramids[name]) as slide:
        assert slide.level_dimensions[1] == ODD_LEVEL
        fx, fy = SIZE[0] / ODD_LEVEL[0], SIZE[1] / ODD_LEVEL[1]
        region = slide.read_region((803, 411), 1, (100, 90))
        column, row = round(803 / fx), round(411 / fy)
        want = pattern_mean(column * fx, row * fy, 100 * fx, 90 * fy, (100, 90))
        assert np.abs(region - want).mean() < 1.0


def test_backends_agree(pyramid, ome, picture) -> None:
    slides = [open_slide(path) for path in (pyramid, ome, picture)]
    for x, y, side, out in [
        (3, 5, 300, 150),
        (700.25, 300.75, 448, 224),
        (-50, 900, 448, 224),
        (0, 0, 1500, 90),
    ]:
        areas = [slide.read_area(x, y, side, side, (out, out)).astype(int) for slide in slides]
        # the PNG has no coarse level to read from, hence the latitude
        assert np.abs(areas[0] - areas[1]).max() <= 2
        assert np.abs(areas[0] - areas[2]).max() <= 4
    for slide in slides:
        slide.close()


def test_reduction_is_antialiased(tmp_path: Path) -> None:
    checks = np.indices((512, 512)).sum(axis=0) % 2 * 255
    path = tmp_path / "checks.png"
    Image.fromarray(np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)).save(path)
    with open_slide(path) as slide:
        for out in (100, 37, 10):
            area = slide.read_area(3, 3, 500, 500, (out, out)).astype(int)
            assert np.abs(area - 127.5).max() < 4


@pytest.mark.parametrize("name", ["pyramid", "ome", "picture"])
def test_eight_threads_read_what_one_reads(name, request) -> None:
    rng = np.random.default_rng(3)
    jobs = [(*rng.uniform(-100, 1400, 2), *rng.uniform(20, 600, 2)) for _ in range(120)]
    with open_slide(request.getfixturevalue(name)) as slide:
        serial = [slide.read_area(*job, (64, 48)) for job in jobs]
    with open_slide(request.getfixturevalue(name)) as slide, ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(lambda job: slide.read_area(*job, (64, 48)), jobs))
    for a, b in zip(serial, threaded, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_large_single_level_is_read_in_blocks_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sampling, "DIRECT_PX", 100_000)
    monkeypatch.setattr(sampling, "BLOCK_PX", 300)
    monkeypatch.setattr("napari_histoalign.slides.pyramid.DIRECT_PX", 100_000)
    level = np.rint(pattern_mean(0, 0, *SIZE, SIZE)).astype(np.uint8)
    with open_slide(write_pyramid(tmp_path / "single.tif", [level])) as slide:
        reads = []
        read = slide._read_block
        monkeypatch.setattr(slide, "_read_block", lambda *a: reads.append(a[3] * a[4]) or read(*a))
        first = slide.thumbnail(120)
        assert max(reads) <= 300**2
        assert sum(reads) < 1.2 * SIZE[0] * SIZE[1]
        reads.clear()
        np.testing.assert_array_equal(slide.thumbnail(120), first)
        assert sum(reads) == 0
        dx, dy = displacement(slide.read_area(11.3, 20.9, 1400, 1000, (70, 50)), (11.3, 20.9, 1400, 1000))
        assert abs(dx) < 0.1 and abs(dy) < 0.1


def test_a_thumbnail_has_the_slides_shape_and_is_never_enlarged(any_slide) -> None:
    assert any_slide.thumbnail(300).shape == (round(300 * 1103 / 1501), 300, 3)
    assert any_slide.thumbnail(9999).shape == (1103, 1501, 3)


@pytest.mark.parametrize(
    "bad", [(0, 0, 0, 5), (0, 0, 5, -1), (float("nan"), 0, 5, 5), (0, float("inf"), 5, 5)]
)
def test_an_area_that_makes_no_sense_is_refused(any_slide, bad) -> None:
    with pytest.raises(SlideError, match="empty"):
        any_slide.read_area(*bad, (10, 10))


def test_a_level_that_does_not_exist_is_refused(any_slide) -> None:
    with pytest.raises(SlideError, match="there is no 7"):
        any_slide.read_region((0, 0), 7, (10, 10))


def test_a_closed_slide_says_so(any_slide) -> None:
    any_slide.close()
    with pytest.raises(SlideError, match="closed"):
        any_slide.read_region((0, 0), 0, (10, 10))
