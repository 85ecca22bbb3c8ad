"""From the canvas and from drawn shapes to level-0 pixels, on napari's models (no window)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Shapes

from napari_histoalign.plugin.areas import chosen_area
from napari_histoalign.plugin.geometry import RegionError, map_transform, shapes_geometry, visible_rect
from napari_histoalign.plugin.levels import slide_levels

MPP = 0.25


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def slide_layer(viewer, gradient_slide):
    layer = Image(
        slide_levels(gradient_slide),
        rgb=True,
        multiscale=True,
        scale=(MPP, MPP),
        units=("um", "um"),
        name="slide",
    )
    return viewer.add_layer(layer)


def look_at(viewer, x, y, zoom, canvas=(600, 800)):
    """Centre the camera on a level-0 point at `zoom` screen px per level-0 px."""
    viewer.canvas.size = canvas
    viewer.scene.camera.center = (0, (y - 0.5) * MPP, (x - 0.5) * MPP)
    viewer.scene.camera.zoom = zoom / MPP


def test_visible_rect_is_what_the_canvas_shows(viewer, slide_layer):
    look_at(viewer, 3000, 2000, zoom=0.5)
    assert visible_rect(viewer, slide_layer) == (3000 - 800, 2000 - 600, 1600, 1200)


def test_visible_rect_is_cut_at_the_border_of_the_slide(viewer, slide_layer):
    look_at(viewer, 7000, 0, zoom=1)
    assert visible_rect(viewer, slide_layer) == (6600, 0, 401, 300)


def test_visible_rect_follows_a_slide_that_was_moved(viewer, slide_layer):
    slide_layer.translate = (100 * MPP, -50 * MPP)
    look_at(viewer, 3000, 2000, zoom=0.5)
    assert visible_rect(viewer, slide_layer)[:2] == (3000 - 800 + 50, 2000 - 600 - 100)


def test_visible_rect_with_another_layer_in_nanometres(viewer, slide_layer):
    """The world is then in the smallest unit, while the layer stays in its own."""
    viewer.add_image(np.zeros((10, 10)), scale=(1, 1), units=("nm", "nm"))
    viewer.canvas.size = (600, 800)
    viewer.scene.camera.center = (0, 1999.5 * MPP * 1000, 2999.5 * MPP * 1000)
    viewer.scene.camera.zoom = 0.5 / MPP / 1000
    assert visible_rect(viewer, slide_layer) == (2200, 1400, 1600, 1200)


def test_looking_away_from_the_slide_is_said(viewer, slide_layer):
    look_at(viewer, -5000, 0, zoom=1)
    with pytest.raises(RegionError, match="shows no part of slide"):
        chosen_area(viewer, "view", slide_layer)
    assert chosen_area(viewer, "slide", slide_layer).centre is None


def test_rectangle_polygon_and_ellipse_become_level_0_regions(viewer, slide_layer):
    transform = {"scale": (MPP, MPP), "units": ("um", "um")}
    shapes = viewer.add_layer(Shapes(**transform))
    shapes.add_rectangles(np.array([[99.5, 199.5], [299.5, 599.5]]))
    assert shapes_geometry(shapes, slide_layer).bounds == pytest.approx((200, 100, 600, 300))
    shapes.add_ellipses(np.array([[1000, 1000], [1000, 1400], [1200, 1400], [1200, 1000]]))
    shapes.selected_data = {1}
    region = shapes_geometry(shapes, slide_layer)
    assert region.area == pytest.approx(np.pi * 200 * 100, rel=0.01)
    assert (region.centroid.x, region.centroid.y) == pytest.approx((1200.5, 1100.5))


def test_shapes_in_other_units_land_on_the_same_tissue(viewer, slide_layer):
    shapes = viewer.add_layer(Shapes(scale=(1, 1), units=("mm", "mm")))
    shapes.add_rectangles(np.array([[0.1, 0.2], [0.3, 0.6]]))
    expected = np.array([0.2, 0.1, 0.6, 0.3]) * 1000 / MPP + 0.5
    assert shapes_geometry(shapes, slide_layer).bounds == pytest.approx(tuple(expected))


def test_a_line_is_no_region(viewer, slide_layer):
    shapes = viewer.add_layer(Shapes(units=("um", "um")))
    shapes.add_lines(np.array([[0, 0], [50, 50]]))
    with pytest.raises(RegionError, match="holds no region"):
        shapes_geometry(shapes, slide_layer)


def test_the_shapes_layer_that_is_meant(viewer, slide_layer):
    with pytest.raises(RegionError, match="Draw a region"):
        chosen_area(viewer, "shapes", slide_layer)
    first, second = (viewer.add_layer(Shapes(units=("um", "um"), scale=(MPP, MPP))) for _ in range(2))
    for i, layer in enumerate((first, second)):
        layer.add_rectangles(np.array([[0, 0], [100, 100]]) + 1000 * i)
    viewer.layers.selection = {slide_layer}
    with pytest.raises(RegionError, match="several"):
        chosen_area(viewer, "shapes", slide_layer)
    viewer.layers.selection = {second}
    assert chosen_area(viewer, "shapes", slide_layer).place.roi.bounds[0] == pytest.approx(1000.5)


@pytest.mark.parametrize("step", [1, 224, 449])
def test_a_map_pixel_lies_over_its_tiles(viewer, slide_layer, step):
    """Edges of map pixel (row 2, column 3) against the slide's own transform, in world units."""
    slide_layer.translate = (3.0, -7.0)
    probability_map = SimpleNamespace(origin=(130.0, 45.0), step=step)
    layer = viewer.add_layer(Image(np.zeros((5, 5)), **map_transform(probability_map, slide_layer)))
    for corner in (0, 1):
        edge = layer.data_to_world((2 - 0.5 + corner, 3 - 0.5 + corner))
        y, x = 45 + (2 + corner) * step, 130 + (3 + corner) * step
        np.testing.assert_allclose(edge, slide_layer.data_to_world((y - 0.5, x - 0.5)), atol=1e-9)
    assert layer.units == slide_layer.units
    assert viewer.layers.extent.units is not None
