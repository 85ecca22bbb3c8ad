"""Result layers on a viewer model: what appears, what is updated, what is left to the person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from napari_histoalign.plugin.levels import slide_levels
from napari_histoalign.plugin.rasters import Rasters
from napari_histoalign.plugin.result_layers import CLASSES_LAYER, ResultLayers
from napari_histoalign.plugin.result_plan import CLASSES, LayerKey
from napari_histoalign.results import ProbabilityMap

NAMES = ("malignant", "benign", "glass")
COLORS = ("#d62728", "#2ca02c", "#999999")
BACKGROUND = (False, False, True)


def a_map(seed=0, *, names=NAMES, colors=COLORS, rows=4, columns=6, origin=(10.0, 20.0), step=100.0):
    data = np.random.default_rng(seed).dirichlet(np.ones(len(names)), (rows, columns)).astype(np.float32)
    data[0, 0] = np.nan
    return ProbabilityMap(np.moveaxis(data, -1, 0).copy(), origin, step, names, colors)


def compared(seed=0, **options):
    """Rasters with everything there is to show; the other alignment's are those of the next seed."""
    shown, other = a_map(seed, **options), a_map(seed + 1, **options)
    unsure = np.where(np.isnan(shown.data[0]), np.nan, 0.25).astype(np.float32)
    return replace(
        Rasters.of_map(shown),
        uncertainty=unsure,
        disagreement=unsure * 2,
        other=other,
        difference=shown.data - other.data,
    )


class Later:
    """Calls when told to."""

    def __init__(self):
        self.calls = []

    def __call__(self, call):
        self.calls.append(call)

    def step(self):
        self.calls.pop(0)()


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


def show(results, shown, **options):
    classes = shown.shown if isinstance(shown, Rasters) else shown
    background = BACKGROUND[: len(classes.class_names)]
    defaults = {"background": background, "overlay": "malignant", "threshold": 0.5}
    results.show(shown, **(defaults | options))


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


def test_everything_there_is_to_show_has_a_layer_in_its_own_colours(viewer, results):
    rasters = compared()
    show(results, rasters)
    assert {layer.name for layer in viewer.layers} == {
        *("slide", "malignant", "benign", "glass", "classes", "uncertainty", "disagreement"),
        *("other: malignant", "other: benign", "difference: malignant", "difference: benign"),
    }, "background takes no part in comparing"
    np.testing.assert_array_equal(viewer.layers["uncertainty"].data, rasters.uncertainty)
    np.testing.assert_array_equal(viewer.layers["other: benign"].data, rasters.other.data[1])
    np.testing.assert_array_equal(viewer.layers["difference: benign"].data, rasters.difference[1])
    assert tuple(viewer.layers["difference: benign"].contrast_limits) == (-1, 1)
    for name in ("uncertainty", "disagreement", "other: benign", "difference: malignant"):
        layer, reference = viewer.layers[name], viewer.layers["malignant"]
        np.testing.assert_array_equal(layer.scale, reference.scale)
        np.testing.assert_array_equal(layer.translate, reference.translate)
        assert layer.units == reference.units


def test_the_end_of_comparing_takes_its_layers_away_and_what_was_looked_at_falls_back(viewer, results):
    show(results, compared())
    results.choose(LayerKey("difference", "benign"))
    show(results, replace(compared(), other=None, difference=None))
    assert not any(layer.name.startswith(("other", "difference")) for layer in viewer.layers)
    assert {layer.name for layer in viewer.layers if layer.visible} == {"slide", "malignant"}


def test_a_class_looks_alike_in_both_alignments_and_is_seen_apart(viewer, results):
    show(results, compared())
    this, other = viewer.layers["malignant"], viewer.layers["other: malignant"]
    this.opacity, other.contrast_limits = 0.2, (0.5, 1)
    assert other.opacity == 0.2 and tuple(this.contrast_limits) == (0.5, 1)
    assert viewer.layers["other: benign"].opacity != 0.2, "another class keeps its own"
    results.choose(LayerKey("other", "malignant"))
    assert other.visible and not this.visible


def test_a_layer_by_the_other_alignment_that_is_made_later_looks_like_its_pair(viewer, results):
    show(results, a_map())
    viewer.layers["malignant"].gamma = 0.5
    viewer.layers["malignant"].opacity = 0.3
    show(results, compared())
    assert viewer.layers["other: malignant"].gamma == 0.5
    assert viewer.layers["other: malignant"].opacity == 0.3
    assert viewer.layers["malignant"].gamma == 0.5


def test_what_is_hidden_is_written_but_drawn_only_when_it_is_shown(viewer, results):
    show(results, compared(0))
    drawn = {layer.name: [] for layer in viewer.layers}
    for layer in viewer.layers:
        layer.events.set_data.connect(lambda event, seen=drawn[layer.name]: seen.append(event))
    show(results, compared(5))
    assert {name for name, seen in drawn.items() if seen} == {"malignant"}
    results.choose(LayerKey("difference", "benign"))
    np.testing.assert_array_equal(viewer.layers["difference: benign"].data, compared(5).difference[1])
    assert drawn["difference: benign"], "it is drawn with what came while it was hidden"


def test_layers_are_made_one_at_a_time_the_most_wanted_first(viewer, slide_layer):
    later = Later()
    results = ResultLayers(viewer, slide_layer, later)
    show(results, compared(0))
    assert [layer.name for layer in viewer.layers] == ["slide", "malignant"]
    show(results, compared(1))
    assert len(later.calls) == 1, "asked once, however often results come"
    later.step()
    assert viewer.layers[1].name == "classes" and len(viewer.layers) == 3
    results.choose(LayerKey("uncertainty"))
    assert viewer.layers["uncertainty"].visible, "what is chosen does not wait"
    while later.calls:
        later.step()
    assert len(viewer.layers) == 1 + len(results.keys)
    for key in results.keys:
        if key.kind == "probability":
            np.testing.assert_array_equal(
                results.layer(key).data, compared(1).shown.data[NAMES.index(key.class_name)]
            )
    assert {layer.name for layer in viewer.layers if layer.visible} == {"slide", "uncertainty"}


def test_nothing_is_made_for_a_slide_that_is_gone(viewer, slide_layer):
    later = Later()
    results = ResultLayers(viewer, slide_layer, later)
    show(results, compared())
    viewer.layers.remove(slide_layer)
    later.step()
    assert [layer.name for layer in viewer.layers] == ["malignant"] and not later.calls


def test_a_layer_that_was_deleted_comes_back_when_it_is_chosen(viewer, results):
    show(results, compared(0))
    viewer.layers.remove("uncertainty")
    show(results, compared(1))
    assert "uncertainty" not in viewer.layers
    results.choose(LayerKey("uncertainty"))
    assert viewer.layers["uncertainty"].visible


def test_classes_named_like_other_layers_are_told_apart(viewer, results):
    names = ("classes", "uncertainty", "other: classes")
    rasters = compared(names=names)
    show(results, rasters, overlay="classes")
    assert isinstance(results.layer(CLASSES), Labels)
    for i, name in enumerate(names):
        np.testing.assert_array_equal(
            results.layer(LayerKey("probability", name)).data, rasters.shown.data[i]
        )
    results.only_visible("classes")
    assert results.layer(LayerKey("probability", "classes")).visible


def test_a_colormap_of_the_persons_own_stays_until_the_class_gets_another_colour(viewer, results):
    show(results, a_map(0))
    viewer.layers["benign"].colormap = "magma"
    show(results, a_map(1))
    assert viewer.layers["benign"].colormap.name == "magma"
    show(results, a_map(1, colors=(COLORS[0], "#0000ff", COLORS[2])))
    np.testing.assert_allclose(viewer.layers["benign"].colormap.colors[1], (0, 0, 1, 1))


def test_opacity_holds_for_layers_to_come(viewer, results):
    show(results, a_map())
    results.set_opacity(0.35)
    show(results, compared())
    assert {layer.opacity for layer in viewer.layers if layer.name != "slide"} == {0.35}
