"""A journey in a real window: mark with keys, draw, undo, accept, and find it all again."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication
from review_stand_ins import GRID, MPP, FakeDesk, snapshot

from napari_histoalign.plugin.marking_places import targets
from napari_histoalign.plugin.review_side import ReviewSide
from napari_histoalign.plugin.widgets.mark_box import MarkBox
from napari_histoalign.plugin.widgets.review_box import ReviewBox
from napari_histoalign.results.review import UNSURE, Label, ReviewLog, fold, read_log

pytestmark = [pytest.mark.window, pytest.mark.usefixtures("display")]


class Hand:
    """A mouse and a keyboard over the canvas."""

    def __init__(self, qtbot, viewer) -> None:
        self.qtbot, self.viewer = qtbot, viewer
        self.canvas = viewer.window._qt_viewer.canvas.native
        self.held = Qt.MouseButton.NoButton

    def place(self, x, y):
        """Where a level-0 point is on the canvas."""
        camera = self.viewer.scene.camera
        world = (np.array([y, x]) - 0.5) * MPP
        row, column = (world - camera.center[-2:]) * camera.zoom + np.asarray(self.viewer.canvas.size) / 2
        return QPoint(round(column), round(row))

    def mouse(self, kind, x, y, button=Qt.MouseButton.NoButton):
        at = self.place(x, y)
        where = self.canvas.mapToGlobal(at)
        event = QMouseEvent(
            kind, QPointF(at), QPointF(where), button, self.held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(self.canvas, event)
        self.qtbot.wait(20)

    def move(self, x, y):
        self.mouse(QEvent.Type.MouseMove, x, y)

    def drag(self, *corners):
        left = Qt.MouseButton.LeftButton
        self.move(*corners[0])
        self.held = left
        self.mouse(QEvent.Type.MouseButtonPress, *corners[0], left)
        for start, end in pairwise(corners):
            for share in np.linspace(0.1, 1, 8):
                x, y = np.asarray(start) + share * (np.asarray(end) - np.asarray(start))
                self.move(x, y)
        self.held = Qt.MouseButton.NoButton
        self.mouse(QEvent.Type.MouseButtonRelease, *corners[-1], left)

    def press(self, key, modifier=Qt.KeyboardModifier.NoModifier):
        self.qtbot.keyClick(self.canvas, key, modifier)


@pytest.fixture
def there(qtbot, make_napari_viewer, tmp_path):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1300, 800)
    desk = FakeDesk(PublicOnlyProxy(viewer))  # as napari hands it to a dock
    marks, review = MarkBox(), ReviewBox()
    side = ReviewSide(desk, marks, review, "Ann")
    for box, name in ((marks, "Marks"), (review, "Review")):
        viewer.window.add_dock_widget(box, name=name, area="right")
    log = ReviewLog(tmp_path / "review.jsonl", slide="abc", slide_file="a.svs")
    side.open(log)
    desk.show(snapshot())
    viewer.reset_view()
    qtbot.wait(300)
    yield viewer, desk, side, marks, review, log, Hand(qtbot, viewer)
    log.close()


def tiles(side):
    return {key[1]: str(mark.label) for key, mark in side.book.state.tiles.items()}


def color(viewer, hand, x, y):
    """What the canvas shows at a level-0 point, as it is on the screen."""
    image = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    at, scale = hand.place(x, y), image.shape[0] / viewer.canvas.size[0]
    return image[round(at.y() * scale), round(at.x() * scale)]


def test_a_review_from_the_first_key_to_the_next_day(qtbot, there):
    viewer, _, side, marks, review, log, hand = there

    marks.keys.click()
    hand.move(150, 50)
    hand.press(Qt.Key.Key_1)
    assert tiles(side) == {1: "malignant"}
    assert marks.rows[0].count.text() == "1"
    hand.move(350, 350)  # the button for the tile's edge: nothing of the slide lies under it
    qtbot.wait(200)
    red = color(viewer, hand, 150, 7)
    assert red[0] > 150 and red[1] < 90, f"an outline in the colour of the class: {red}"
    assert color(viewer, hand, 150, 50).max() < 40, "within it the tissue is seen"

    qtbot.keyPress(hand.canvas, Qt.Key.Key_2)
    hand.move(450, 350)
    hand.move(550, 350)
    qtbot.keyRelease(hand.canvas, Qt.Key.Key_2)
    hand.move(550, 50)
    assert tiles(side) == {1: "malignant", 21: "benign", 22: "benign", 23: "benign"}
    hand.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert tiles(side) == {1: "malignant"}

    marks.draw.click()
    hand.press(Qt.Key.Key_2)
    hand.drag((220, 20), (380, 20), (380, 180), (220, 180), (222, 40))
    assert tiles(side) == {1: "malignant", 2: "benign", 3: "benign", 8: "benign", 9: "benign"}
    hand.drag((20, 220), (180, 220), (180, 280), (20, 280), (22, 230))
    assert {12, 13} <= set(tiles(side)), "one area after the other"
    marks.undo.click()
    assert 12 not in tiles(side)
    marks.draw.click()
    assert side._draw.layer is None

    review.modes["regions"].click()
    assert review.heading.text().startswith("Region 1 of 3: malignant")
    hand.press(Qt.Key.Key_A)
    assert review.progress.text() == "1 of 3 reviewed"
    hand.press(Qt.Key.Key_D)
    hand.drag((5, 5), (150, 5), (150, 195), (5, 195), (6, 30))
    assert side.book.acts[-1].what == "redraw" and side._draw.layer is None
    qtbot.keyClicks(review.comment, "seen again 1 2 A R")
    qtbot.keyClick(review.comment, Qt.Key.Key_Return)
    assert review.comment.text() == "" and "seen again 1 2 A R" in review.detail.text()
    assert review.progress.text() == "2 of 3 reviewed", "letters of a comment decide nothing"
    review.modes["regions"].click()

    before = side.book.state
    side.open(None)
    log.close()
    assert fold(read_log(log.path).acts) == before and not read_log(log.path).problems
    with ReviewLog(log.path, slide="abc", slide_file="a.svs") as again:
        side.open(again)
        assert tiles(side) == {1: "malignant", 2: "benign", 3: "benign", 8: "benign", 9: "benign"}
        review.modes["regions"].click()
        assert review.progress.text() == "2 of 3 reviewed"
        review.modes["regions"].click()
        side.open(None)
    side.close()
    assert [layer.name for layer in viewer.layers] == ["Image"], "nothing of ours is left"


def test_five_thousand_marks_are_shown_and_one_more_comes_at_once(qtbot, there):
    _, desk, side, marks, _, _, hand = there
    grid = replace(GRID, columns=100, rows=50, tile_px=8, stride_px=8)
    desk.show(snapshot(np.full((50, 100), 9), grid=grid))
    every = targets(grid, range(grid.count))
    side.book.do(lambda who, state: who.mark(state, every[:4000], Label.of("benign")))
    side.book.do(lambda who, state: who.mark(state, every[4000:4999], UNSURE))
    assert (marks.rows[1].count.text(), marks.rows[3].count.text()) == ("4,000", "999")
    marks.keys.click()
    hand.move(99 * 8 + 4, 49 * 8 + 4)
    hand.press(Qt.Key.Key_1)
    assert len(tiles(side)) == 5000 and tiles(side)[4999] == "malignant"
    assert len(desk.marked[-1].indices) == 4001
    side.close()
