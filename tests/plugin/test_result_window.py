"""Result layers in a real window: each pixel over its own tile, and both alignments side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_histoalign.plugin.compare import SideBySide
from napari_histoalign.plugin.levels import slide_levels
from napari_histoalign.plugin.rasters import Rasters
from napari_histoalign.plugin.result_layers import ResultLayers
from napari_histoalign.plugin.result_plan import LayerKey
from napari_histoalign.results import ProbabilityMap

pytestmark = [pytest.mark.window, pytest.mark.usefixtures("display")]
STEP, ORIGIN, MPP = 449.5, (13.0, 7.5), 0.25
ROWS, COLUMNS = 11, 15
ROW, COLUMN = 4, 6


@pytest.fixture
def window(make_napari_viewer, gradient_slide):
    """A window on a slide of levels that divide nothing."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 800)
    options = {"scale": (MPP, MPP), "units": ("um", "um"), "name": "slide"}
    slide = viewer.add_image(slide_levels(gradient_slide), rgb=True, multiscale=True, **options)
    return viewer, ResultLayers(viewer, slide)


def one_cell(value):
    """A raster with one known pixel."""
    raster = np.full((ROWS, COLUMNS), np.nan, np.float32)
    raster[ROW, COLUMN] = value
    return raster


def rasters(shown=0.9, other=0.1):
    def a_map(first):
        data = np.stack([one_cell(first), one_cell(1 - first)])
        return ProbabilityMap(data, ORIGIN, STEP, ("tumour", "rest"), ("#d55e00", "#009e73"))

    one, two = a_map(shown), a_map(other)
    extra = {"uncertainty": one_cell(1.0), "disagreement": one_cell(1.0)}
    return replace(Rasters.of_map(one), other=two, difference=one.data - two.data, **extra)


def canvas(qtbot, viewer):
    """The canvas as it is on the screen, (h, w, 3)."""
    for _ in range(10):
        qtbot.wait(20)
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


@pytest.mark.parametrize(
    "key",
    [
        LayerKey("uncertainty"),
        LayerKey("disagreement"),
        LayerKey("difference", "tumour"),
        LayerKey("other", "rest"),
    ],
    ids=lambda key: key.kind,
)
def test_a_pixel_lies_over_its_own_tile_at_every_zoom(qtbot, window, gradient_slide, key):
    viewer, results = window
    results.show(rasters(1.0, 0.0), background=(False, False), overlay="tumour", threshold=0.5)
    results.choose(key)
    layer = results.layer(key)
    layer.opacity = 1.0
    left, top = ORIGIN[0] + COLUMN * STEP, ORIGIN[1] + ROW * STEP
    edges = {"x": (left, left + STEP), "y": (top, top + STEP)}
    levels = set()
    for zoom in (0.6, 1.0, 2.3, 7.0):
        viewer.reset_view()
        viewer.scene.camera.center = (0, (top + STEP / 2) * MPP, (left + STEP / 2) * MPP)
        viewer.scene.camera.zoom *= zoom
        layer.visible = True
        with_it = canvas(qtbot, viewer)
        layer.visible = False
        without = canvas(qtbot, viewer)
        levels.add(viewer.layers["slide"].data_level)
        lit = np.abs(with_it - without).sum(axis=-1) > 60
        px = (
            viewer.scene.camera.zoom * MPP * with_it.shape[0] / viewer.canvas.size[0]
        )  # screen per level-0 px
        for axis, across, channel in (("y", 1, 1), ("x", 0, 0)):
            found = np.flatnonzero(lit.mean(axis=across) > 0.5 * lit.mean(axis=across).max())
            middle = with_it.shape[1 - across] / 2
            assert abs(found.min() - (middle - STEP / 2 * px)) <= 1.5
            assert abs(found.max() + 1 - (middle + STEP / 2 * px)) <= 1.5
            # and by the slide's own pixels, whose colour tells where they are on the slide
            seen = without[..., channel][lit].astype(float)
            size = gradient_slide.dimensions[0 if axis == "x" else 1]
            one = size / 255 + 2 / px
            assert abs(seen.min() * size / 255 - edges[axis][0]) <= one
            assert abs(seen.max() * size / 255 - edges[axis][1]) <= one
    assert len(levels) > 1, "more than one level of the pyramid was looked at"


def test_side_by_side_each_half_shows_its_own_alignment_over_the_same_tissue(qtbot, window):
    viewer, results = window
    results.show(rasters(1.0, 0.0), background=(False, False), overlay="tumour", threshold=0.5)
    results.set_opacity(1.0)
    centre = ((ORIGIN[1] + (ROW + 0.5) * STEP) * MPP, (ORIGIN[0] + (COLUMN + 0.5) * STEP) * MPP)
    beside = SideBySide(viewer)
    beside.enter(results)
    canvas(qtbot, viewer)
    viewer.scene.camera.center = (0, *centre)
    viewer.scene.camera.zoom *= 1.5
    image = canvas(qtbot, viewer)
    height, width = image.shape[:2]
    y, half = height // 2, width // 2

    def around(x, y):
        return image[y - 4 : y + 5, x - 4 : x + 5].reshape(-1, 3).mean(axis=0)

    np.testing.assert_allclose(around(half // 2, y), (0xD5, 0x5E, 0x00), atol=8)
    there = around(half + half // 2, y)
    assert there[2] > 100 and there[0] < 180, "the other alignment finds nothing here: the slide is seen"
    away = half // 2 - 20
    np.testing.assert_allclose(
        around(half // 2 - away + 10, y), around(half + half // 2 - away + 10, y), atol=4
    )
    beside.leave()
    viewer.scene.camera.center = (0, *centre)
    image = canvas(qtbot, viewer)
    np.testing.assert_allclose(around(width // 2, y), (0xD5, 0x5E, 0x00), atol=8)
