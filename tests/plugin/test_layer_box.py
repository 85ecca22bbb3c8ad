"""The layer box by itself, and how it is kept in step with the layers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtGui import QColor, QImage
from qtpy.QtWidgets import QScrollArea

from napari_histoalign.plugin.coloring import DIFFERENCE
from napari_histoalign.plugin.layer_control import LayerControl
from napari_histoalign.plugin.legend import ColorBar, LegendRow
from napari_histoalign.plugin.result_plan import CLASSES, LayerKey
from napari_histoalign.plugin.widgets.layer_box import LayerBox
from napari_histoalign.plugin.widgets.layer_legend import RampBar

pytestmark = pytest.mark.usefixtures("display")
COLORS = {"malignant": "#d55e00", "benign": "#009e73"}
MALIGNANT, BENIGN = (LayerKey("probability", name) for name in COLORS)
PLAIN = (MALIGNANT, CLASSES, BENIGN, LayerKey("uncertainty"))
COMPARED = (*PLAIN, *(LayerKey(kind, name) for name in COLORS for kind in ("other", "difference")))


@pytest.fixture
def box(qtbot):
    box = LayerBox()
    qtbot.addWidget(box)
    box.show()
    return box


def pick(box, title):
    box.what.setCurrentIndex(box.what.findText(title))


def test_what_there_is_is_offered_and_the_most_wanted_is_chosen(qtbot, box):
    assert not box.what.isEnabled() and not box.opacity.isEnabled()
    with qtbot.assertNotEmitted(box.layer_chosen):
        box.show_layers(PLAIN, COLORS)
    assert [box.what.itemText(i) for i in range(box.what.count())] == [
        *("malignant", "classes", "benign", "uncertainty", "nothing")
    ]
    assert box.chosen() == MALIGNANT and box.what.isEnabled()
    assert not box.what.itemIcon(0).isNull() and box.what.itemIcon(1).isNull()
    assert not box.side_row.isVisible() and not box.beside.isVisible()


def test_what_is_chosen_is_told_and_stays_when_more_comes(qtbot, box):
    box.show_layers(PLAIN, COLORS)
    told = []
    box.layer_chosen.connect(told.append)
    pick(box, "benign")
    pick(box, "nothing")
    pick(box, "benign")
    assert told == [BENIGN, None, BENIGN]
    box.show_layers(COMPARED, COLORS)
    assert box.chosen() == BENIGN and len(told) == 3
    box.show_layers((MALIGNANT, CLASSES), {"malignant": "#d55e00"})
    assert box.chosen() == MALIGNANT


def test_the_class_stays_while_one_looks_at_it_from_all_sides(qtbot, box):
    box.show_layers(COMPARED, COLORS)
    told = []
    box.layer_chosen.connect(told.append)
    pick(box, "benign")
    for side in ("other", "difference", "probability"):
        box.sides[side].click()
    assert told[1:] == [LayerKey("other", "benign"), LayerKey("difference", "benign"), BENIGN]
    box.sides["difference"].click()
    pick(box, "uncertainty")
    assert told[-1] == LayerKey("uncertainty")
    assert not any(button.isEnabled() for button in box.sides.values())
    pick(box, "malignant")
    assert told[-1] == LayerKey("difference", "malignant")
    box.show_layers(PLAIN, COLORS)
    assert box.chosen() == MALIGNANT and not box.side_row.isVisible()


def test_side_by_side_the_other_one_is_in_sight_anyway(qtbot, box):
    box.show_layers(COMPARED, COLORS)
    box.sides["other"].click()
    with qtbot.waitSignal(box.beside_toggled) as told:
        box.beside.click()
    assert told.args == [True]
    assert box.chosen() == MALIGNANT and not box.sides["other"].isEnabled()
    with qtbot.assertNotEmitted(box.beside_toggled):
        box.set_beside(False)
    assert box.sides["other"].isEnabled()


def test_what_is_set_is_not_told(qtbot, box):
    box.show_layers(COMPARED, COLORS)
    told = []
    for signal in (box.layer_chosen, box.opacity_changed, box.threshold_changed, box.beside_toggled):
        signal.connect(told.append)
    box.set_chosen(LayerKey("difference", "benign"))
    assert box.chosen() == LayerKey("difference", "benign")
    box.set_opacity(0.2)
    box.set_threshold(0.9)
    box.set_beside(True)
    box.set_chosen(None)
    assert box.chosen() is None and not told
    box.opacity.setValue(0.4)
    box.threshold.setValue(0.3)
    assert told == [pytest.approx(0.4), pytest.approx(0.3)]


def test_the_legend_tells_tiles_and_areas_and_shrinks_with_its_classes(box):
    rows = [
        LegendRow("malignant", "#d55e00", 1234, 12.345, 0.6),
        LegendRow("benign", "#009e73", 0, 0.0, 0.0),
        LegendRow("below the threshold", "", 7, None, 0.4),
    ]
    box.show_rows(rows)
    assert box.legend.texts() == [
        ("malignant", "1,234 tiles", "12.3 mm²"),
        ("benign", "0 tiles", "0 mm²"),
        ("below the threshold", "7 tiles", "40.0%"),
    ]
    box.show_rows(rows[:1])
    assert len(box.legend.texts()) == 1


def test_the_bar_shows_the_colours_of_the_layer_at_its_opacity(qtbot, box):
    box.set_opacity(0.5)
    box.show_bar(ColorBar("difference", DIFFERENCE, "less", "more"))
    assert box.legend.bar.isVisible() and box.legend.low.text() == "less"
    bar = RampBar()
    qtbot.addWidget(bar)
    bar.resize(101, 12)
    bar.show_ramp(DIFFERENCE, 0.5)
    image = QImage(bar.size(), QImage.Format.Format_RGB32)
    bar.render(image)

    def at(x):
        color = image.pixelColor(x, 6)
        return np.array([color.red(), color.green(), color.blue()])

    for x, ramp in ((2, "#0072b2"), (98, "#d55e00")):
        full = QColor(ramp)
        half = (np.array([full.red(), full.green(), full.blue()]) + 255) / 2
        np.testing.assert_allclose(at(x), half, atol=6)
    np.testing.assert_allclose(at(50), 255, atol=4)
    box.show_bar(None)
    assert not box.legend.bar.isVisible()


def test_it_fits_a_narrow_dock_even_with_long_names(qtbot):
    box, scroll = LayerBox(), QScrollArea()
    qtbot.addWidget(scroll)
    scroll.setWidgetResizable(True)
    scroll.setWidget(box)
    scroll.resize(360, 600)
    scroll.show()
    name = "a class whose name goes on for much longer than the dock is wide"
    box.show_layers((LayerKey("probability", name), LayerKey("other", name)), {name: "#d55e00"})
    box.show_rows([LegendRow(name, "#d55e00", 123456, 1234.5, 0.5)])
    qtbot.waitUntil(lambda: box.width() <= scroll.viewport().width(), timeout=2000)
    assert box.legend.texts()[0][2] == "1,234 mm²"


class View:
    """A stand-in for the box that keeps what it is told."""

    def __init__(self):
        self.said = {}
        for name in ("layer_chosen", "opacity_changed", "threshold_changed", "beside_toggled"):
            setattr(
                self, name, SimpleNamespace(connect=lambda slot, name=name: setattr(self, f"do_{name}", slot))
            )
        for name in ("layers", "chosen", "threshold", "beside", "bar", "rows"):
            verb = "set" if name in ("chosen", "threshold", "beside") else "show"
            setattr(self, f"{verb}_{name}", lambda *args, name=name: self.said.update({name: args}))


@pytest.fixture
def desk(gradient_slide):
    """A viewer model with a slide, its result layers, a view, and the control between them."""
    from napari.components import ViewerModel
    from napari.layers import Image
    from test_result_layers import compared

    from napari_histoalign.plugin.levels import slide_levels
    from napari_histoalign.plugin.result_layers import ResultLayers

    viewer = ViewerModel()
    slide = viewer.add_layer(Image(slide_levels(gradient_slide), rgb=True, multiscale=True, name="slide"))
    results, view, told = ResultLayers(viewer, slide), View(), []
    current = [results]
    control = LayerControl(viewer, view, lambda: current[0], told.append)
    options = {"background": (False, False, True), "overlay": "malignant", "threshold": 0.5}
    results.show(compared(rows=40, columns=60), **options)
    control.refresh()
    return SimpleNamespace(
        viewer=viewer,
        results=results,
        view=view,
        control=control,
        told=told,
        current=current,
        options=options,
    )


def test_what_is_chosen_in_the_box_is_seen_and_its_colours_are_explained(desk):
    assert desk.view.said["chosen"] == (MALIGNANT,)
    assert desk.view.said["bar"][0].title == "Probability of malignant"
    desk.view.do_layer_chosen(LayerKey("uncertainty"))
    assert desk.viewer.layers["uncertainty"].visible
    assert desk.view.said["bar"][0].ramp.name == "uncertainty"
    desk.view.do_layer_chosen(None)
    assert desk.view.said["bar"] == (None,)


def test_a_threshold_moves_layer_legend_and_box_at_once(desk):
    desk.view.do_threshold_changed(0.9)
    labels = desk.viewer.layers["classes"].data
    rows = desk.view.said["rows"][0]
    assert [row.tiles for row in rows[:-1]] == [int((labels == i).sum()) for i in (1, 2, 3)]
    assert rows[-1].tiles == int((labels == 0).sum()) - 1, "one tile was not scored"
    assert desk.view.said["threshold"] == (0.9,) and desk.told == [0.9]
    desk.control.set_threshold(0.2)
    assert desk.told == [0.9], "what came from elsewhere is not sent back"


def test_opacity_is_taken_to_the_next_slide(desk):
    desk.view.do_opacity_changed(0.25)
    assert desk.viewer.layers["malignant"].opacity == 0.25
    from napari_histoalign.plugin.result_layers import ResultLayers

    desk.current[0] = ResultLayers(desk.viewer, desk.results.slide_layer)
    desk.current[0].show(desk.results.rasters, **desk.options)
    desk.control.refresh()
    assert desk.current[0].layer(MALIGNANT).opacity == 0.25


def test_without_results_there_is_nothing_to_choose(desk):
    desk.current[0] = None
    desk.control.refresh()
    assert desk.view.said["layers"] == ((), {}) and desk.view.said["rows"] == ((),)
    desk.view.do_layer_chosen(MALIGNANT)
    desk.view.do_opacity_changed(0.5)
    desk.view.do_threshold_changed(0.5)


def test_side_by_side_ends_with_comparing(desk):
    from dataclasses import replace

    desk.view.do_beside_toggled(True)
    assert desk.viewer.canvas.grid.enabled
    desk.results.show(replace(desk.results.rasters, other=None, difference=None), **desk.options)
    desk.control.refresh()
    assert not desk.viewer.canvas.grid.enabled and desk.view.said["beside"] == (False,)
