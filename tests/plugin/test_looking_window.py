"""The inspector on a real canvas: a real mouse, a real status line, and a frame where the tile is."""

from __future__ import annotations

import numpy as np
import pytest
from at_the_desk import GRID, Desk, middle, snapshot
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication, QLabel

from napari_histoalign.plugin.errands import Errands
from napari_histoalign.plugin.geometry import look_at
from napari_histoalign.plugin.inspector import Inspector
from napari_histoalign.plugin.runner import ThreadRunner
from napari_histoalign.plugin.widgets.inspector_box import InspectorBox

pytestmark = [pytest.mark.window, pytest.mark.usefixtures("display")]
TILE = 104


@pytest.fixture
def desk(make_napari_viewer):
    made = Desk()
    layer = made.viewer.layers["slide"]
    viewer = make_napari_viewer(show=True)
    viewer.mouse_over_canvas = True
    made.viewer = PublicOnlyProxy(viewer)  # as napari hands it to a dock
    made.real_viewer, made.window = viewer, viewer.window
    viewer.window.resize(1200, 800)
    viewer.add_layer(layer)
    made.canvas = viewer.window._qt_viewer.canvas.native
    made.threads = ThreadRunner(made.canvas)
    made.errands = Errands(made.threads, made.said.append)
    made.go_to = lambda x, y, side: look_at(viewer, layer, x, y, side)
    return made


def on_canvas(desk, x, y):
    """Where a level-0 point is on the canvas, in its own pixels."""
    camera = desk.viewer.scene.camera
    world = np.array([y - 0.5, x - 0.5]) * 0.5
    row, column = (world - camera.center[-2:]) * camera.zoom + np.asarray(desk.viewer.canvas.size) / 2
    return QPoint(round(column), round(row))


def settle(qtbot, desk):
    qtbot.wait(100)
    qtbot.waitUntil(lambda: not desk.errands.busy, timeout=10_000)
    qtbot.wait(100)


def test_pointing_and_clicking_on_the_canvas(qtbot, desk):
    box = InspectorBox()
    desk.viewer.window.add_dock_widget(box, area="right")
    inspector = Inspector(desk, box)
    snap = snapshot()
    desk.show(snap)
    x, y = middle(TILE)
    desk.go_to(x, y, 600)
    settle(qtbot, desk)
    rows = snap.shown.tiles.probabilities[snap.shown.position(TILE)]
    best = f"{snap.shown.tiles.class_names[rows.argmax()]} {rows.max():.2f}"

    qtbot.mouseMove(desk.canvas, on_canvas(desk, x - 60, y))
    qtbot.mouseMove(desk.canvas, on_canvas(desk, x, y))
    settle(qtbot, desk)
    assert best.replace(" ", "&nbsp;") in box.hover.text()
    # napari's thread for this is off in tests: it does the same, a little later
    desk.real_viewer.update_status_from_cursor()
    line = " ".join(label.text() for label in desk.window._qt_window.statusBar().findChildren(QLabel))
    assert best in line, "and in napari's own line"
    assert "slide" in line

    before = desk.viewer.scene.camera.center
    qtbot.mouseClick(desk.canvas, Qt.MouseButton.LeftButton, pos=on_canvas(desk, x, y))
    assert inspector.index == TILE
    assert [row.probability for row in box.bars.rows] == pytest.approx(rows.tolist())
    settle(qtbot, desk)
    assert box.bars.rows[0].bounds is not None
    assert box.prompts.isVisible()
    assert box.alike.count() == 8
    assert desk.viewer.scene.camera.center == before

    seen = desk.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
    cyan = (seen[..., 0] < 90) & (seen[..., 1] > 180) & (seen[..., 2] > 200)
    found = np.argwhere(cyan)
    scale = seen.shape[0] / desk.viewer.canvas.size[0]
    left, top = GRID.xy([TILE])[0]
    corners = [on_canvas(desk, left, top), on_canvas(desk, left + 200, top + 200)]
    wanted = np.array([[c.y(), c.x()] for c in corners]) * scale
    np.testing.assert_allclose([found.min(axis=0), found.max(axis=0)], wanted, atol=4 * scale)
    (y0, x0), (y1, x1) = wanted.astype(int)
    inside = cyan[y0 + 8 : y1 - 8, x0 + 8 : x1 - 8]
    assert not inside.any(), "the tile itself is not covered"

    inspector.close()
    desk.errands.close()
    QApplication.processEvents()


def test_dragging_moves_the_camera_and_chooses_nothing(qtbot, desk):
    box = InspectorBox()
    qtbot.addWidget(box)
    inspector = Inspector(desk, box)
    desk.show(snapshot())
    x, y = middle(TILE)
    desk.go_to(x, y, 600)
    settle(qtbot, desk)
    start = on_canvas(desk, x, y)
    before = desk.viewer.scene.camera.center
    qtbot.mousePress(desk.canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(10, 60, 10):
        qtbot.mouseMove(desk.canvas, start + QPoint(step, 0))
        qtbot.wait(20)
    qtbot.mouseRelease(desk.canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(50, 0))
    settle(qtbot, desk)
    assert inspector.index is None
    assert desk.viewer.scene.camera.center != before
    inspector.close()
