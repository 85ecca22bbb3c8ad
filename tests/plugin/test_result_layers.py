"""Result layers on a viewer model: what appears, what is updated, what is left to the person."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from napari_histoalign.plugin.coloring import class_labels
from napari_histoalign.plugin.levels import slide_levels
from napari_histoalign.plugin.result_layers import CLASSES_LAYER, ResultLayers
from napari_histoalign.results import ProbabilityMap

NAMES = ("malignant", "benign", "glass")
COLORS = ("#d62728", "#2ca02c", "#999999")
BACKGROUND = (False, False, True)


def a_map(seed=0, *, names=NAMES, colors=COLORS, rows=4, columns=6, origin=(10.0, 20.0), step=100.0):
    data = np.random.default_rng(seed).dirichlet(np.ones(len(names)), (rows, columns)).astype(np.float32)
    data[0, 0] = np.nan
    return ProbabilityMap(np.moveaxis(data, -1, 0).copy(), origin, step, names, colors)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def slide_layer(viewer, gradient_slide):
    options = {"rgb": True, "multiscale": True, "scale": (0.5, 0.5), "units": ("um", "um"), "name": "slide"}
    return viewer.add_layer(Image(slide_levels(gradient_slide), **options))


@pytest.fixture
def results(viewer, slide_layer):
    return ResultLayers(viewer, slide_layer)


def show(results, probability_map, **options):
    background = BACKGROUND[: len(probability_map.class_names)]
    defaults = {"background": background, "overlay": "malignant", "threshold": 0.5}
    results.show(probability_map, **(defaults | options))


def test_one_probability_layer_a_class_and_one_of_classes(viewer, results):
    probability_map = a_map()
    show(results, probability_map)
    assert [layer.name for layer in viewer.layers] == ["slide", "glass", "benign", "classes", "malignant"]
    for i, name in enumerate(NAMES):
        layer = viewer.layers[name]
        assert isinstance(layer, Image) and layer.data.dtype == np.float32
        np.testing.assert_array_equal(layer.data, probability_map.data[i])
        assert tuple(layer.contrast_limits) == (0, 1)
    assert isinstance(viewer.layers["classes"], Labels)
    assert viewer.layers.extent.units is not None, "all layers share their units"


def test_only_the_overlay_class_is_visible_at_first(viewer, results):
    show(results, a_map())
    assert {layer.name for layer in viewer.layers if layer.visible} == {"slide", "malignant"}
    results.only_visible(CLASSES_LAYER)
    assert {layer.name for layer in viewer.layers if layer.visible} == {"slide", "classes"}


def test_the_colormap_fades_from_nothing_to_the_class_colour(viewer, results):
    show(results, a_map())
    mapped = viewer.layers["malignant"].colormap.map(np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(mapped[:, 3], [0, 0.5, 1], atol=0.01)
    np.testing.assert_allclose(mapped[2, :3] * 255, (0xD6, 0x27, 0x28), atol=1)


def test_class_labels_know_the_threshold_and_what_was_not_scored():
    data = np.array([[[0.6, 0.45, np.nan]], [[0.3, 0.5, np.nan]], [[0.1, 0.05, np.nan]]], np.float32)
    assert class_labels(data, 0.0).tolist() == [[1, 2, 0]]
    assert class_labels(data, 0.55).tolist() == [[1, 0, 0]]


def test_background_classes_are_not_drawn(viewer, results):
    show(results, a_map())
    colors = viewer.layers["classes"].colormap.color_dict
    assert colors[3][3] == 0 and colors[0][3] == 0 and colors[1][3] == 1


def test_a_new_map_updates_the_same_layers_in_place(viewer, results):
    show(results, a_map(0))
    layers, arrays = list(viewer.layers), [viewer.layers[name].data for name in NAMES]
    events = []
    viewer.layers["malignant"].events.set_data.connect(lambda event: events.append(event))
    show(results, a_map(1))
    assert list(viewer.layers) == layers
    for i, (name, array) in enumerate(zip(NAMES, arrays, strict=True)):
        assert viewer.layers[name].data is array
        np.testing.assert_array_equal(array, a_map(1).data[i])
    assert events, "the canvas is told"


def test_what_the_person_restyled_stays(viewer, results):
    show(results, a_map(0))
    viewer.layers["malignant"].opacity = 0.11
    viewer.layers["malignant"].visible = False
    viewer.layers["benign"].name = "my benign"
    show(results, a_map(1))
    assert viewer.layers["malignant"].opacity == 0.11 and not viewer.layers["malignant"].visible
    assert "benign" not in viewer.layers and len(viewer.layers) == 5


def test_a_deleted_layer_stays_deleted_until_the_next_run(viewer, results):
    show(results, a_map(0))
    viewer.layers.remove("benign")
    show(results, a_map(1))
    assert "benign" not in viewer.layers
    results.forget_deleted()
    show(results, a_map(2))
    assert "benign" in viewer.layers


def test_classes_that_go_take_their_layer_with_them(viewer, results):
    show(results, a_map())
    show(results, a_map(names=("malignant", "fat"), colors=("#0000ff", "#ffff00")))
    assert {layer.name for layer in viewer.layers} == {"slide", "classes", "malignant", "fat"}
    np.testing.assert_allclose(viewer.layers["malignant"].colormap.colors[1], (0, 0, 1, 1))


def test_another_grid_moves_the_layers(viewer, results):
    show(results, a_map())
    show(results, a_map(rows=9, columns=11, origin=(0.0, 0.0), step=50.0))
    layer = viewer.layers["malignant"]
    assert layer.data.shape == (9, 11)
    np.testing.assert_allclose(layer.scale, (25, 25))
    np.testing.assert_allclose(layer.translate, (24.5 * 0.5, 24.5 * 0.5))


def test_the_selection_and_drawings_on_top_are_left_alone(viewer, results, slide_layer):
    drawn = viewer.add_layer(Shapes(name="region", units=("um", "um")))
    show(results, a_map())
    assert viewer.layers.selection.active is drawn
    assert viewer.layers[-1] is drawn
    assert viewer.layers[0] is slide_layer


def test_threshold_and_a_new_pixel_size_are_followed(viewer, results, slide_layer):
    show(results, a_map(), threshold=0.0)
    assert (viewer.layers["classes"].data > 0).sum() == 23
    results.apply_threshold(1.0)
    assert (viewer.layers["classes"].data > 0).sum() == 0
    slide_layer.scale = (0.25, 0.25)
    results.reposition()
    np.testing.assert_allclose(viewer.layers["malignant"].scale, (25, 25))
