"""The dock's parts by themselves: what they show, what they say, without viewer and engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtWidgets import QScrollArea

from napari_histoalign.plugin.encoder_choices import EncoderChoice
from napari_histoalign.plugin.widgets.class_editor import ClassEditor
from napari_histoalign.plugin.widgets.encoder_box import EncoderBox
from napari_histoalign.plugin.widgets.run_box import RunBox
from napari_histoalign.plugin.widgets.slide_box import SlideBox

pytestmark = pytest.mark.usefixtures("display")

CHOICES = [
    EncoderChoice(
        "path",
        "Pathology one",
        "pathology",
        "BSD-3-Clause",
        "https://example.org/a",
        True,
        "Only a demo.",
        224,
        0.5,
    ),
    EncoderChoice(
        "big", "Big pathology", "pathology", "CC BY-NC", "", False, "Research use only.", 224, None
    ),
    EncoderChoice("all", "General one", "general", "MIT", "", False, "", 224, None),
]


def test_one_prompt_a_line_blank_lines_do_not_count(qtbot):
    editor = ClassEditor("malignant", ("carcinoma", "tumour cells"), "#d62728", "lesion")
    qtbot.addWidget(editor)
    assert editor.prompts() == ("carcinoma", "tumour cells")
    with qtbot.waitSignal(editor.changed):
        editor.text.setPlainText("  one \n\n   \ntwo\n")
    assert editor.prompts() == ("one", "two")


def test_the_text_box_grows_with_its_lines_up_to_a_bound(qtbot):
    editor = ClassEditor("a", ("x",), "#d62728", "lesion")
    qtbot.addWidget(editor)
    editor.show()
    heights = []
    for lines in (1, 4, 14, 40):
        editor.text.setPlainText("\n".join("x" * lines))
        heights.append(editor.text.height())
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_a_line_that_wraps_in_a_narrow_dock_is_not_cut_off(qtbot):
    editor = ClassEditor(
        "a", ("pink wavy collagen fibres with few nuclei between them",) * 3, "#d62728", "lesion"
    )
    qtbot.addWidget(editor)
    editor.show()
    for width in (600, 200, 320, 240):
        editor.resize(width, editor.height())
        qtbot.wait(20)
        bar = editor.text.verticalScrollBar()
        assert bar.maximum() == 0, f"{bar.maximum()} lines are out of sight at {width} px"


def test_tab_leaves_the_text_box(qtbot):
    editor = ClassEditor("a", ("x",), "#d62728", "lesion")
    qtbot.addWidget(editor)
    assert editor.text.tabChangesFocus()


def test_the_swatch_shows_the_colour(qtbot):
    editor = ClassEditor("a", ("x",), "#d62728", "lesion")
    qtbot.addWidget(editor)
    with qtbot.waitSignal(editor.changed):
        editor.set_color("#2040a0")
    image = editor.swatch.icon().pixmap(32, 32).toImage()
    assert image.pixelColor(image.width() // 2, image.height() // 2).name() == "#2040a0"


def test_encoders_pathology_first_and_one_alone(qtbot):
    box = EncoderBox(CHOICES, mpp=0.5, tile=224)
    qtbot.addWidget(box)
    assert box.encoders() == ("path", "all")
    box.general.setCurrentIndex(box.general.findData(None))
    assert box.encoders() == ("path",)


def test_licence_and_notice_of_what_is_chosen(qtbot):
    box = EncoderBox(CHOICES, mpp=0.5, tile=224)
    qtbot.addWidget(box)
    assert "not for diagnosis" in box.notice()
    assert "https://example.org/a" in box.licences.text() and "MIT" in box.licences.text()
    box.pathology.setCurrentIndex(1)
    assert box.notice() == "Research use only."
    assert "CC BY-NC" in box.licences.text() and "Only a demo" not in box.licences.text()


def test_a_notice_is_not_hidden_by_a_demonstration_encoder_beside_it(qtbot):
    box = EncoderBox([CHOICES[1], replace(CHOICES[0], role="general")], mpp=0.5, tile=224)
    qtbot.addWidget(box)
    assert box.notice() == "Demonstration encoders: not for diagnosis. Research use only."


def test_small_print_that_grows_is_not_cut_off(qtbot):
    long = replace(CHOICES[0], name="long", notice="Words that a person has to be told. " * 12)
    box = EncoderBox([CHOICES[0], long, CHOICES[2]], mpp=0.5, tile=224)
    scroll = QScrollArea()
    qtbot.addWidget(scroll)
    scroll.setWidgetResizable(True)
    scroll.setWidget(box)
    scroll.resize(340, 800)
    scroll.show()
    box.collapsible.toggleButton().click()
    qtbot.wait(20)
    box.pathology.setCurrentIndex(1)
    qtbot.wait(20)
    assert box.licences.height() >= box.licences.heightForWidth(box.licences.width())


@pytest.mark.parametrize(
    ("state", "run", "cancel", "export"),
    [("ready", True, False, True), ("running", False, True, False), ("exporting", False, False, False)],
)
def test_only_what_can_be_done_is_enabled(qtbot, state, run, cancel, export):
    box = RunBox()
    qtbot.addWidget(box)
    box.set_state(state, has_slide=True, has_results=True)
    assert {button.isEnabled() for button in box.areas.values()} == {run}
    assert (box.cancel.isEnabled(), box.export.isEnabled()) == (cancel, export)
    box.set_state(state, has_slide=False, has_results=False)
    assert not any(button.isEnabled() for button in (*box.areas.values(), box.export))


def test_run_buttons_say_which_area(qtbot):
    box = RunBox()
    qtbot.addWidget(box)
    box.set_state("ready", has_slide=True, has_results=False)
    asked = []
    box.run_requested.connect(asked.append)
    for button in box.areas.values():
        button.click()
    assert asked == ["view", "shapes", "slide"]


def test_following_needs_a_slide_and_may_be_switched_while_a_run_goes_on(qtbot):
    box = RunBox()
    qtbot.addWidget(box)
    box.set_state("ready", has_slide=False, has_results=False)
    assert not box.follow.isEnabled()
    told = []
    box.follow_toggled.connect(told.append)
    for state in ("ready", "running", "exporting"):
        box.set_state(state, has_slide=True, has_results=True)
        box.follow.click()
    assert told == [True, False, True] and box.follow.isChecked()


def test_progress_shows_tiles_speed_and_time_left(qtbot):
    box = RunBox()
    qtbot.addWidget(box)
    box.show_progress(0, 0, 0, 0)
    assert (box.progress.minimum(), box.progress.maximum()) == (0, 0), "not known yet: a busy bar"
    box.show_progress(1200, 4800, 31.4, 114.6)
    assert box.progress.text() == "1,200 / 4,800   31 tiles/s   1 min 55 s left"
    assert box.progress.value() == 1200


def test_slides_come_and_go(qtbot):
    box = SlideBox()
    qtbot.addWidget(box)
    chosen = []
    box.slide_chosen.connect(chosen.append)
    box.set_slides([("a", "A")], None)
    box.set_slides([("a", "A"), ("b", "B")], "A")
    assert chosen == ["A"], "a second slide does not take over"
    box.set_slides([("b", "B")], "A")
    box.set_slides([], "B")
    assert chosen == ["A", "B", None]


def test_pixel_size_is_asked_for_only_where_it_is_missing(qtbot):
    box = SlideBox()
    qtbot.addWidget(box)
    box.show()
    box.show_info("no physical size", ask_mpp=True)
    assert box.mpp.isVisible()
    with qtbot.waitSignal(box.mpp_given) as given:
        box.mpp.setValue(0.2525)
        box.findChild(type(RunBox().cancel)).click()
    assert given.args == [0.2525]
    box.show_info("0.25", ask_mpp=False)
    assert not box.mpp.isVisible()
