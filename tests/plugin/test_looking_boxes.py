"""The boxes of the inspector and the gallery: what they show, say and let a keyboard do."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QFocusEvent, QHelpEvent
from qtpy.QtWidgets import QApplication, QToolTip

from napari_histoalign.plugin.gallery_picks import Wish
from napari_histoalign.plugin.inspector_seams import ClassRow, Reasons, SignedBar, Thumb
from napari_histoalign.plugin.widgets.gallery_box import GalleryBox
from napari_histoalign.plugin.widgets.gallery_strip import ThumbnailStrip
from napari_histoalign.plugin.widgets.inspector_bars import ProbabilityBars
from napari_histoalign.plugin.widgets.inspector_box import InspectorBox
from napari_histoalign.plugin.widgets.inspector_reasons import SignedBars

pytestmark = pytest.mark.usefixtures("display")

ROWS = (
    ClassRow("malignant", "#d62728", 0.75, (0.5, 1.0), "malignant: much of it"),
    ClassRow("benign <i>", "#2ca02c", 0.25, (0.0, 0.5)),
)
LONG = "a very long prompt about nuclei " * 8
REASONS = Reasons(
    (SignedBar(LONG, 2.0, "#d62728", "all of it"), SignedBar("duct", -1.0, "#2ca02c")),
    (SignedBar("Path", 0.6), SignedBar("General", 0.4)),
    (),
    "3 prompts in between add +0.10.",
)
WIDTH = 344


def shown(qtbot, widget, width=WIDTH):
    qtbot.addWidget(widget)
    widget.resize(width, 900)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def pixels(widget):
    """What is painted, float, shape (height, width, 3), at the widget's own pixels."""
    image = widget.grab().toImage().scaled(widget.width(), widget.height())
    image = image.convertToFormat(image.Format.Format_RGB888)
    data = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    rows = data.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    return rows.reshape(image.height(), image.width(), 3).astype(float)


def thumbs(number):
    return [Thumb(10 * i, f"{i / 10:.3f}", f"tile {i}") for i in range(number)]


def red(image):
    return (image[..., 0] > 150) & (image[..., 1] < 90)


def hovers(widget, y):
    QToolTip.hideText()
    point = QPoint(5, y)
    QApplication.sendEvent(widget, QHelpEvent(QHelpEvent.Type.ToolTip, point, widget.mapToGlobal(point)))
    return QToolTip.text()


def test_a_bar_is_as_long_as_its_probability(qtbot):
    bars = shown(qtbot, ProbabilityBars(), 200)
    bars.show_rows([ClassRow("malignant", "#d62728", 0.75), ClassRow("benign", "#2ca02c", 0.25)])
    widths = red(pixels(bars)).sum(axis=1)
    assert widths.max() == pytest.approx(150, abs=3)
    assert bars.height() == bars.sizeHint().height()


def test_bounds_are_drawn_across_the_bar(qtbot):
    bars = shown(qtbot, ProbabilityBars(), 200)
    bars.show_rows([ClassRow("malignant", "#d62728", 0.75)])
    bare = pixels(bars)
    bars.show_rows(ROWS[:1])
    changed = np.flatnonzero(np.abs(pixels(bars) - bare).sum(axis=2).max(axis=0) > 60)
    assert changed.min() == pytest.approx(0.5 * 200, abs=3)
    assert changed.max() == pytest.approx(199, abs=3)


def test_bars_say_more_under_the_cursor(qtbot):
    bars = shown(qtbot, ProbabilityBars(), 200)
    bars.show_rows(ROWS)
    step = bars.height() // 2
    assert hovers(bars, 4) == "<qt>malignant: much of it</qt>"
    assert hovers(bars, step + 4) == "<qt>benign &lt;i&gt;: 0.250</qt>"
    reasons = shown(qtbot, SignedBars("By prompt"), 300)
    reasons.show_bars(REASONS.prompts)
    assert hovers(reasons, 4) == "<qt>all of it</qt>"
    assert "malignant 0.75" in bars.accessibleDescription()
    assert "duct -1.00" in reasons.accessibleDescription()


def test_what_spoke_against_points_to_the_left(qtbot):
    bars = shown(qtbot, SignedBars("By prompt"), 300)
    bars.show_bars([SignedBar("for", 2.0, "#d62728"), SignedBar("against", -1.0, "#d62728")])
    columns = red(pixels(bars))
    half = bars.height() // 2
    right = np.flatnonzero(columns[:half].any(axis=0))
    left = np.flatnonzero(columns[half:].any(axis=0))
    assert left.max() <= right.min() + 2
    assert len(right) == pytest.approx(2 * len(left), abs=3)


def test_the_box_begins_with_what_to_do_and_ends_there(qtbot):
    box = shown(qtbot, InspectorBox())
    assert "Point at a tile" in box.hover.text()
    box.show_tile("Tile at x 1, y 2 px", ROWS)
    assert box.title.isVisible()
    assert not box.prompts.isVisible()
    box.show_reasons(REASONS, 0)
    assert box.prompts.isVisible()
    assert not box.views.isVisible(), "there is but one view"
    box.clear()
    assert not box.title.isVisible()
    assert "Point at a tile" in box.hover.text()


def test_names_are_text_and_no_markup(qtbot):
    box = shown(qtbot, InspectorBox())
    box.show_hover(ROWS)
    assert "benign &lt;i&gt;" in box.hover.text()
    assert "<b>malignant&nbsp;0.75</b>" in box.hover.text()


def test_what_is_below_stays_while_the_cursor_moves(qtbot):
    box = shown(qtbot, InspectorBox())
    box.show_tile("Tile", ROWS)
    box.show_hover([ClassRow(f"a class of some length {i}", "#d62728", 0.1) for i in range(9)])
    QApplication.processEvents()
    top = box.title.mapTo(box, QPoint(0, 0)).y()
    box.show_hover(())
    QApplication.processEvents()
    assert box.title.mapTo(box, QPoint(0, 0)).y() == top


def test_a_person_chooses_the_class_whose_reasons_are_shown(qtbot):
    box = shown(qtbot, InspectorBox())
    box.show_tile("Tile", ROWS)
    with qtbot.assertNotEmitted(box.class_chosen):
        box.show_reasons(REASONS, 1)
    assert box.classes.currentText() == "benign <i>"
    box.classes.setFocus()
    with qtbot.waitSignal(box.class_chosen) as asked:
        qtbot.keyClick(box.classes, Qt.Key.Key_Up)
    assert asked.args == [0]
    box.show_tile("Tile", [*ROWS, ClassRow("glass", "#999999", 0.0)])
    assert box.classes.count() == 3


def test_the_picture_is_the_tiles_pixels_and_grows(qtbot):
    box = shown(qtbot, InspectorBox())
    box.show_tile("Tile", ROWS)
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[:, 100:] = (200, 30, 40)
    box.show_picture(picture)
    seen = pixels(box.picture)
    assert seen[20:-20, 10:60].mean() < 5
    assert seen[20:-20, 90:-10, 0].mean() == pytest.approx(200, abs=3)
    small = box.picture.width()
    box.picture.setFocus()
    qtbot.keyClick(box.picture, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert box.picture.width() > 280
    assert box.picture.height() == box.picture.width()
    qtbot.mouseClick(box.picture, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert box.picture.width() == box.picture.height() == small


def test_arrows_walk_over_thumbnails_and_return_goes_there(qtbot):
    strip = shown(qtbot, ThumbnailStrip("Gallery"))
    strip.show_thumbs(thumbs(8))
    tab = QFocusEvent(QFocusEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason)
    QApplication.sendEvent(strip, tab)  # a screen without a window manager activates no window
    assert strip.currentRow() == 0
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    qtbot.keyClick(strip, Qt.Key.Key_Down)
    assert strip.currentRow() == 5, "four a row"
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
        with qtbot.waitSignal(strip.chosen) as asked:
            qtbot.keyClick(strip, key)
        assert asked.args == [50]


def test_a_click_goes_to_the_tile(qtbot):
    strip = shown(qtbot, ThumbnailStrip("Gallery"))
    strip.show_thumbs(thumbs(8))
    place = strip.visualItemRect(strip.item(6)).center()
    with qtbot.waitSignal(strip.chosen) as asked:
        qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == [60]


@pytest.mark.parametrize("width", [150, 300, 330, 344, 500])
def test_every_thumbnail_is_in_sight_at_any_width(qtbot, width):
    strip = shown(qtbot, ThumbnailStrip("Gallery"), width)
    strip.show_thumbs(thumbs(12))
    QApplication.processEvents()
    for i in range(12):
        assert strip.viewport().rect().contains(strip.visualItemRect(strip.item(i)), proper=False)
    strip.show_thumbs(())
    assert strip.height() == 0


def test_pictures_land_on_their_thumbnails(qtbot):
    strip = shown(qtbot, ThumbnailStrip("Gallery"))
    strip.show_thumbs(thumbs(4))
    picture = np.full((144, 144, 3), (200, 30, 40), np.uint8)
    strip.show_thumb_picture(2, picture)
    QApplication.processEvents()
    seen = red(pixels(strip.viewport()))
    boxes = [strip.visualItemRect(strip.item(i)) for i in range(4)]
    shares = [seen[b.top() : b.bottom(), b.left() : b.right()].mean() for b in boxes]
    assert np.argmax(shares) == 2
    assert sorted(shares)[2] == 0
    strip.show_thumb_picture(1, None)
    assert strip.item(1).text() == "unread"
    strip.show_thumb_picture(9, picture)  # of a strip that is no more


def test_the_gallery_asks_for_what_is_chosen(qtbot):
    box = shown(qtbot, GalleryBox())
    box.show_classes(("malignant", "benign"), ("#d62728", "#2ca02c"))
    box.classes.setFocus()
    with qtbot.waitSignal(box.wished) as asked:
        qtbot.keyClick(box.classes, Qt.Key.Key_End)
    assert asked.args == [Wish("certain", 1)]
    with qtbot.waitSignal(box.wished) as asked:
        qtbot.keyClick(box.kind, Qt.Key.Key_Down)
    assert asked.args == [Wish("uncertain", 1)]
    with qtbot.waitSignal(box.wished) as asked:
        box.show_classes(("benign", "malignant", "fat"), ("#2ca02c", "#d62728", "#cccccc"))
    assert asked.args == [Wish("uncertain", 0)], "the class keeps its name, not its number"
    with qtbot.waitSignal(box.refresh_requested):
        qtbot.mouseClick(box.refresh, Qt.MouseButton.LeftButton)


def test_the_gallery_tells_when_it_is_seen(qtbot):
    box = GalleryBox()
    qtbot.addWidget(box)
    assert not box.in_sight()
    with qtbot.waitSignal(box.came_into_sight):
        box.show()
    assert box.in_sight()
    box.show_state("The scores have changed since: refresh.", stale=True)
    assert "color" in box.state.text()


def test_boxes_need_no_more_than_the_dock_has(qtbot):
    box, gallery = shown(qtbot, InspectorBox()), shown(qtbot, GalleryBox())
    box.show_tile("Tile at x 123,456, y 234,567 px, 112 µm wide", ROWS, "Refined by something. " * 5)
    box.show_reasons(REASONS, 0)
    box.show_hover([ClassRow("a rather long class name", "#d62728", 0.1)] * 9)
    box.show_thumbs(thumbs(8))
    gallery.show_classes(("a very long class name that goes on and on",), ("#d62728",))
    gallery.show_thumbs(thumbs(12))
    for widget in (box, gallery):
        assert widget.minimumSizeHint().width() <= 320
