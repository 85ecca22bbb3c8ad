"""What a person sees: pixels of a real window, means and not maxima."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PILImage
from qtpy.QtWidgets import QApplication

from napari_histoalign.plugin.reader import read_slide
from napari_histoalign.sample import CLASSES

pytestmark = [pytest.mark.window, pytest.mark.usefixtures("display")]


@pytest.fixture
def window(make_napari_viewer, drawn):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1400, 900)
    data, options, _ = read_slide(drawn.slide)
    viewer.add_image(data, **options)
    _, dock = viewer.window.add_plugin_dock_widget("napari-histoalign", "HistoAlign")
    return viewer, dock


def finish(qtbot, viewer, dock):
    """Until the run is over, its last scores are shown, and every layer is made."""
    presenter = dock.presenter
    qtbot.waitUntil(lambda: presenter.state == "ready" and not presenter.busy, timeout=60_000)
    qtbot.waitUntil(lambda: len(presenter.results.names) == len(presenter.results.keys), timeout=10_000)


def canvas(qtbot, viewer):
    """The canvas as it is on the screen, uint8 (h, w, 3)."""
    for _ in range(10):
        qtbot.wait(20)
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3]


def at(viewer, image, rows, columns):
    """Mean colour of the canvas inside a level-0 rectangle of the slide."""
    camera = viewer.scene.camera
    scale = image.shape[0] / viewer.canvas.size[0]
    half = np.asarray(viewer.canvas.size) / 2
    world = [np.asarray(span) * 0.5 for span in (rows, columns)]
    y, x = (
        np.rint(((w - c) * camera.zoom + h) * scale).astype(int)
        for w, c, h in zip(world, camera.center[-2:], half, strict=True)
    )
    return image[y[0] : y[1], x[0] : x[1]].reshape(-1, 3).mean(axis=0)


def a_place_of(name, drawn, share):
    """Level-0 rows and columns of the tile that holds most (or least) of a class, among tissue."""
    truth = np.asarray(PILImage.open(drawn.labels))
    side = 224 // drawn.label_downsample
    tiles = {
        (r, c): truth[r * side : (r + 1) * side, c * side : (c + 1) * side]
        for r in range(9)
        for c in range(9)
    }
    tissue = {at: t for at, t in tiles.items() if (t == CLASSES.index("glass")).mean() < 0.05}
    row, column = share(tissue, key=lambda place: (tissue[place] == CLASSES.index(name)).mean())
    return (row * 224 + 20, row * 224 + 204), (column * 224 + 20, column * 224 + 204)


def test_the_overlay_tints_the_tumour_and_leaves_the_rest(qtbot, window, drawn):
    viewer, dock = window
    viewer.reset_view()
    before = canvas(qtbot, viewer)
    tumour, other = (a_place_of("malignant", drawn, share) for share in (max, min))
    assert before.mean() > 60, "the slide is drawn, the canvas is not black"
    dock.run_box.areas["slide"].click()
    finish(qtbot, viewer, dock)
    after = canvas(qtbot, viewer)

    def redder(place):
        """How much green and blue the overlay took away."""
        return (at(viewer, before, *place) - at(viewer, after, *place))[1:].mean()

    assert redder(tumour) > 25
    assert abs(redder(other)) < 8
    dock.presenter.results.choose(None)
    hidden = canvas(qtbot, viewer)
    change = np.abs(at(viewer, hidden, *tumour) - at(viewer, before, *tumour))
    assert change.max() < 4, "nothing but the overlay changed"


def test_a_map_pixel_is_drawn_over_its_own_tile(qtbot, window, drawn):
    """Edges of one opaque map pixel on the screen, at the coarsest view and zoomed in."""
    viewer, dock = window
    dock.run_box.areas["slide"].click()
    finish(qtbot, viewer, dock)
    layer = viewer.layers["malignant"]
    layer.opacity, layer.blending = 1.0, "opaque"
    viewer.layers["drawn"].visible = False
    layer.data[:] = np.nan
    layer.data[4, 3] = 1.0
    layer.refresh()
    for zoom in (1.0, 3.0):
        viewer.reset_view()
        viewer.scene.camera.center = (0, 4.5 * 224 * 0.5, 3.5 * 224 * 0.5)
        viewer.scene.camera.zoom *= zoom
        image = canvas(qtbot, viewer).astype(int)
        lit = (image[..., 0] - image[..., 2]) > 60
        rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
        scale = image.shape[0] / viewer.canvas.size[0]
        px = viewer.scene.camera.zoom * 0.5 * scale  # screen px a level-0 px
        for found, middle in ((rows, image.shape[0] / 2), (columns, image.shape[1] / 2)):
            assert abs(found.min() - (middle - 112 * px)) <= 1.5
            assert abs(found.max() + 1 - (middle + 112 * px)) <= 1.5


def test_the_dock_fits_a_narrow_window(qtbot, window):
    """At its least width no label or button is cut off on the right."""
    viewer, dock = window
    viewer.window.resize(1000, 900)
    qtbot.wait(200)
    QApplication.processEvents()
    assert dock.width() <= 420
    for child in dock.run_box.findChildren(type(dock.run_box.cancel)):
        assert child.width() >= child.minimumSizeHint().width(), child.text()
        assert child.geometry().right() < dock.run_box.width(), child.text()
    for editor in dock.ask.prompt_box.editors:
        assert editor.text.verticalScrollBar().maximum() == 0, f"a prompt of {editor.name.text()} is cut off"
