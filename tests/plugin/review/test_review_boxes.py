"""The boxes of marking and reviewing by themselves: what they show and say."""

from __future__ import annotations

import pytest
from napari._qt.qt_resources import get_stylesheet
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from napari_histoalign.plugin.marking_seams import LabelRow
from napari_histoalign.plugin.review_page import ReviewPage
from napari_histoalign.plugin.widgets.mark_box import MarkBox
from napari_histoalign.plugin.widgets.review_box import ReviewBox
from napari_histoalign.results.review import UNSURE, Label

pytestmark = pytest.mark.usefixtures("display")

LONG = "ductal carcinoma in situ & microinvasive foci of the breast"
ROWS = [
    LabelRow(Label.of("malignant"), "1", "#d62728", 1234),
    LabelRow(Label.of(LONG), "2", "#2ca02c", 0),
    LabelRow(UNSURE, "U", "#ffd400", 3),
    LabelRow(Label.of("stroma"), "", "#808080", 12, False),
]
CLASSES = [("malignant", "#d62728"), (LONG, "#2ca02c")]
REGION = ReviewPage("regions", "Region 2 of 9: malignant 0.62, 14 tiles", "You accepted it.", 3, 9, True)
TILE = ReviewPage("blinded", "Tile 1 of 30", "What is it?", 0, 30, True)


@pytest.fixture
def marks(qtbot):
    box = MarkBox()
    qtbot.addWidget(box)
    box.show_rows(ROWS, ROWS[0].label)
    box.show()
    return box


@pytest.fixture
def review(qtbot):
    box = ReviewBox()
    qtbot.addWidget(box)
    box.show_classes(CLASSES)
    box.show()
    return box


def test_rows_show_keys_and_counts_and_grey_what_is_gone(marks):
    texts = [row.text().strip() for row in marks.rows]
    assert texts[0] == "[1]  malignant" and texts[2] == "[U]  unsure"
    assert "&&" in texts[1] or "…" in texts[1]
    assert [row.count.text() for row in marks.rows] == ["1,234", "", "3", "12"]
    assert [row.isEnabled() for row in marks.rows] == [True, True, True, False]
    assert [row.isChecked() for row in marks.rows] == [True, False, False, False]
    assert "no examples" in marks.rows[3].toolTip() and LONG in marks.rows[1].toolTip()
    assert not marks.empty.isVisible()


def test_a_row_chooses_its_label_also_after_rows_changed(qtbot, marks):
    marks.show_rows(ROWS[1:3], None)
    assert len(marks.rows) == 2
    with qtbot.waitSignal(marks.label_chosen) as told:
        marks.rows[1].click()
    assert told.args == [UNSURE]


def test_showing_a_switch_does_not_say_that_somebody_used_it(qtbot, marks):
    said = []
    for signal in (marks.keys_toggled, marks.draw_toggled, marks.examples_toggled):
        signal.connect(said.append)
    marks.show_modes(keys=True, drawing=True, examples=False)
    assert said == [] and marks.keys.isChecked() and not marks.examples.isChecked()
    marks.keys.click()
    assert said == [False]


def test_pages_show_what_fits_their_mode(review):
    assert not review.page.isVisible()
    review.show_page(REGION)
    assert review.decisions.isVisible() and review.region_filters.isVisible()
    assert [b.isVisible() for b in review.labels.buttons] == [True, True, False, False]
    assert review.progress.text() == "3 of 9 reviewed"
    review.show_page(TILE)
    assert not review.decisions.isVisible() and review.blind_filters.isVisible()
    assert all(b.isVisible() for b in review.labels.buttons)
    assert review.progress.text() == "0 of 30 answered"
    review.show_page(ReviewPage("regions", "No region reaches the threshold and the filters."))
    assert not review.accept.isEnabled() and not review.next.isEnabled()


def test_buttons_say_what_a_person_makes_of_it(qtbot, review):
    review.show_page(REGION)
    for button, signal in (
        (review.accept, review.accept_requested),
        (review.reject, review.reject_requested),
        (review.redraw, review.redraw_requested),
        (review.reopen, review.reopen_requested),
    ):
        with qtbot.waitSignal(signal):
            button.click()
    with qtbot.waitSignal(review.label_given) as told:
        review.labels.buttons[1].click()
    assert told.args == [Label.of(LONG)]
    with qtbot.waitSignal(review.step_requested) as told:
        review.previous.click()
    assert told.args == [-1]


def test_modes_are_asked_for_and_not_when_shown(qtbot, review):
    said = []
    review.mode_chosen.connect(said.append)
    review.show_page(REGION)
    assert said == []
    review.modes["blinded"].click()
    review.show_page(TILE)
    assert said == ["blinded"] and not review.modes["regions"].isChecked()
    review.modes["blinded"].click()
    assert said == ["blinded", "off"]


def test_filters_outlive_other_prompts(qtbot, review):
    review.of_class.setCurrentIndex(2)
    said = []
    review.filter_changed.connect(lambda *args: said.append(args))
    review.show_classes(CLASSES[::-1])
    assert review.of_class.currentData() == LONG and said == []
    review.show_classes(CLASSES[:1])
    assert review.of_class.currentData() == ""
    assert said == [("", 1)], "who listens must know that the filter is gone"
    review.least_tiles.setValue(4)
    assert said[-1] == ("", 4)


def test_a_comment_is_sent_by_return_and_an_empty_one_is_not(qtbot, review):
    said = []
    review.commented.connect(said.append)
    qtbot.keyClick(review.comment, Qt.Key.Key_Return)
    qtbot.keyClicks(review.comment, " odd ")
    qtbot.keyClick(review.comment, Qt.Key.Key_Return)
    assert said == ["odd"]


def test_what_people_wrote_is_shown_as_text(review):
    review.show_page(ReviewPage("regions", "<b>x</b>", "Ann: <i>y</i>", 0, 1, True))
    assert review.heading.text() == "<b>x</b>" and review.heading.textFormat() == Qt.TextFormat.PlainText
    assert "&lt;i&gt;" in review.detail.text()


@pytest.mark.parametrize("page", [REGION, TILE], ids=["regions", "blinded"])
def test_both_boxes_fit_a_dock_of_360_px(qtbot, page):
    marks, review, content = MarkBox(), ReviewBox(), QWidget()
    content.setStyleSheet(get_stylesheet("dark"))
    marks.show_rows(ROWS, None)
    review.show_classes(CLASSES)
    column = QVBoxLayout(content)
    column.setContentsMargins(8, 8, 8, 8)
    review.show_page(page)
    review.show_agreement(["Ann and the model, blinded: kappa 0.71 (0.55 to 0.87), 88% alike on 48 tiles."])
    for box in (marks, review):
        column.addWidget(box)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setWidget(content)
    qtbot.addWidget(scroll)
    scroll.resize(360, 900)
    scroll.show()
    qtbot.waitExposed(scroll)
    assert scroll.horizontalScrollBar().maximum() == 0


def test_everything_can_be_reached_by_keyboard_and_explains_itself(marks, review):
    review.show_page(REGION)
    fields = [marks.keys, marks.draw, marks.examples, review.who, review.comment, review.accept]
    fields += [review.next, review.of_class, review.least_tiles, *review.modes.values()]
    for field in fields:
        assert field.focusPolicy() & Qt.FocusPolicy.TabFocus, field
        assert field.toolTip(), field
    for button in (*marks.rows, *review.labels.buttons):
        assert button.toolTip() and button.accessibleName()


def test_marks_that_count_for_nothing_say_so(marks):
    marks.show()
    label = Label.of("malignant")
    marks.show_use(False)
    marks.show_rows([LabelRow(label, "1", "#ff0000", 0)], None)
    assert not marks.unused.isVisible(), "nothing is marked"
    marks.show_rows([LabelRow(label, "1", "#ff0000", 2)], None)
    assert marks.unused.isVisible()
    marks.show_use(True)
    assert not marks.unused.isVisible()
    marks.show_use(False)
    marks.examples.setChecked(False)
    assert not marks.unused.isVisible(), "that is what was wanted"
