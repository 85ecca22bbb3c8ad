"""The foot of the dock: what it says first, how it warns, and that it keeps still."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from napari_histoalign.plugin.markup import WARNING_COLOR, WARNING_SIGN, warning
from napari_histoalign.plugin.widgets.run_box import NO_SLIDE, START, RunBox

pytestmark = pytest.mark.usefixtures("display")
LONG = "The folder cannot be written to: choose another one, or ask whoever owns it. " * 4


@pytest.fixture
def foot(qtbot):
    """The box where the dock has it: below what scrolls, 360 px wide."""
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    layout.addWidget(QScrollArea(), 1)
    box = RunBox()
    layout.addWidget(box)
    window.resize(360, 700)
    window.show()
    qtbot.waitExposed(window)
    yield box  # the window lives as long


def tops(box):
    """Where the buttons are in the window."""
    buttons = (box.follow, *box.areas.values(), box.cancel, box.draw, box.export)
    return [button.mapTo(box.window(), QPoint(0, 0)).y() for button in buttons]


def test_no_sentence_moves_a_button(qtbot, foot):
    before = tops(foot)
    for text in (
        "Done.",
        LONG,
        "",
        "Two lines, since this one is a little longer than the box is wide.",
    ):
        for error in (False, True):
            foot.show_status(text, error=error)
            qtbot.wait(50)
            assert tops(foot) == before
            room = foot.status.heightForWidth(foot.status.width())
            assert foot.status.height() >= room, "and all of it can be read"


def test_it_says_what_to_do_first_until_something_was_said(foot):
    assert foot.status.text() == NO_SLIDE
    foot.set_state("ready", has_slide=True, has_results=False)
    assert foot.status.text() == START and "bold" in foot.follow.styleSheet()
    foot.show_status("Opening the slide", error=False)
    foot.set_state("running", has_slide=True, has_results=False)
    assert foot.status.text() == "Opening the slide" and not foot.follow.styleSheet()
    foot.set_state("ready", has_slide=True, has_results=True)
    foot.show_status("", error=False)
    assert foot.status.text() == "" and not foot.follow.styleSheet()


def test_the_button_to_press_first_is_not_urged_while_it_is_pressed(foot):
    foot.set_state("ready", has_slide=True, has_results=False)
    foot.follow.click()
    assert not foot.follow.styleSheet()
    foot.follow.click()
    assert foot.follow.styleSheet()


def test_a_fault_has_a_sign_and_is_text_whatever_is_in_it(foot):
    foot.show_status("No <b> & 'c'.", error=True)
    assert WARNING_SIGN in foot.status.text()
    assert foot.status.text().endswith("No &lt;b&gt; &amp; 'c'.")
    foot.show_status("<b>Done</b>", error=False)
    assert foot.status.text() == "<b>Done</b>" and WARNING_SIGN not in foot.status.text()


def test_warnings_stand_out_on_both_themes():
    """The sign by its colour (WCAG asks 3 to 1 of it), the words in the theme's own."""
    for ground in ("#23242b", "#ebe7e6"):
        assert contrast(WARNING_COLOR, ground) > 3
    sentence = warning("Something is odd.")
    assert WARNING_COLOR in sentence and sentence.endswith("</span> Something is odd.")
    assert warning("") == ""


def contrast(one: str, other: str) -> float:
    """Contrast of two colours as WCAG 2 defines it."""

    def luminance(name):
        parts = [value / 255 for value in QColor(name).getRgb()[:3]]
        red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
