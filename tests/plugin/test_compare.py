"""Two alignments side by side: which layers stand in which half, and that all is as before afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points
from test_result_layers import Later, a_map, compared, show

from napari_histoalign.plugin.compare import SideBySide
from napari_histoalign.plugin.levels import slide_levels
from napari_histoalign.plugin.result_layers import ResultLayers
from napari_histoalign.plugin.result_plan import LayerKey
from napari_histoalign.plugin.slide_layers import slide_layers


@pytest.fixture
def viewer(gradient_slide):
    viewer = ViewerModel()
    options = {"rgb": True, "multiscale": True, "scale": (0.5, 0.5), "units": ("um", "um"), "name": "slide"}
    metadata = {"histoalign": {"path": "gradient.svs"}}
    viewer.add_layer(Image(slide_levels(gradient_slide), metadata=metadata, **options))
    return viewer


@pytest.fixture
def results(viewer):
    results = ResultLayers(viewer, viewer.layers["slide"])
    show(results, compared())
    return results


def halves(viewer):
    """Names of the visible layers in the left and in the right half."""
    grid = viewer.canvas.grid
    boxes = dict(grid.iter_viewboxes(viewer.layers))
    assert set(boxes) == {(0, 0), (0, 1)}
    return [{viewer.layers[i].name for i in boxes[0, column]} for column in (0, 1)]


def test_the_left_half_is_what_is_shown_and_the_right_one_the_other(viewer, results):
    SideBySide(viewer).enter(results)
    assert halves(viewer) == [{"slide", "malignant"}, {"slide (other)", "other: malignant"}]
    results.choose(LayerKey("probability", "benign"))
    assert halves(viewer) == [{"slide", "benign"}, {"slide (other)", "other: benign"}]
    results.choose(LayerKey("difference", "benign"))
    assert halves(viewer)[0] == {"slide", "difference: benign"}


def test_both_halves_show_the_same_pixels_at_the_same_place(viewer, results):
    SideBySide(viewer).enter(results)
    slide, twin = viewer.layers["slide"], viewer.layers["slide (other)"]
    assert all(one is two for one, two in zip(slide.data, twin.data, strict=True)), "read once for both"
    np.testing.assert_array_equal(slide.scale, twin.scale)
    np.testing.assert_array_equal(slide.translate, twin.translate)
    assert slide.units == twin.units


def test_the_second_layer_of_a_slide_is_no_second_slide(viewer, results):
    SideBySide(viewer).enter(results)
    assert [layer.name for layer in slide_layers(viewer)] == ["slide"]


def test_drawings_stay_left_and_layers_that_come_later_find_their_half(viewer):
    later = Later()
    results = ResultLayers(viewer, viewer.layers["slide"], later)
    show(results, compared())
    beside = SideBySide(viewer)
    beside.enter(results)
    viewer.add_layer(Points(name="marks", ndim=2, units=("um", "um")))
    while later.calls:
        later.step()
    assert halves(viewer) == [{"slide", "malignant", "marks"}, {"slide (other)", "other: malignant"}]
    viewer.layers.remove("benign")
    assert halves(viewer)[1] == {"slide (other)", "other: malignant"}


def test_afterwards_everything_is_as_before(viewer, results):
    viewer.canvas.grid.stride, viewer.canvas.grid.spacing = 3, 0.1
    viewer.layers.selection.active = viewer.layers["slide"]
    names, seen = {x.name for x in viewer.layers}, {x.name for x in viewer.layers if x.visible}
    beside = SideBySide(viewer)
    beside.enter(results)
    beside.enter(results)
    assert viewer.layers.selection.active is viewer.layers["slide"]
    beside.leave()
    beside.leave()
    assert {x.name for x in viewer.layers} == names and viewer.layers[0].name == "slide"
    assert {x.name for x in viewer.layers if x.visible} == seen
    grid = viewer.canvas.grid
    assert (grid.enabled, grid.stride, grid.spacing, grid.shape) == (False, 3, 0.1, (-1, -1))
    show(results, compared(4))
    assert {x.name for x in viewer.layers} == names


@pytest.mark.parametrize("name", ["slide", "slide (other)"])
def test_deleting_either_slide_ends_it(viewer, results, name):
    beside = SideBySide(viewer)
    beside.enter(results)
    viewer.layers.remove(name)
    assert not viewer.canvas.grid.enabled and beside.results is None
    assert "slide (other)" not in viewer.layers


def test_results_without_another_alignment_can_be_shown_meanwhile(viewer, results):
    beside = SideBySide(viewer)
    beside.enter(results)
    show(results, a_map())
    assert halves(viewer) == [{"slide", "malignant"}, {"slide (other)"}]
    beside.leave()
    assert not viewer.canvas.grid.enabled
