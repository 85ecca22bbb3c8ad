"""The box says where the session is and whether it is saved, and offers only what can be done."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtGui import QDesktopServices

from napari_histoalign.plugin.session_keeper_seams import SessionPage
from napari_histoalign.plugin.widgets.session_box import NEW, NONE, SessionBox

FOLDER = Path("/data/a very long way down/to the slides of 2026/breast/CMU-1.svs.histoalign")
PAGE = SessionPage(folder=FOLDER, there=True, saved="12:03", can_report=True, can_export=True)
BUTTONS = ("report", "export", "folder")


@pytest.fixture
def box(qtbot):
    found = SessionBox()
    qtbot.addWidget(found)
    found.resize(330, 200)
    found.show()
    return found


def enabled(box) -> list[bool]:
    return [getattr(box, name).isEnabled() for name in BUTTONS]


def test_without_a_slide_nothing_can_be_done(box):
    for page in (None, SessionPage()):
        if page is not None:
            box.show_page(page)
        assert enabled(box) == [False, False, False]
        assert box.hint.text() == NONE
        assert not box.path.isVisible()
        assert not box.retry.isVisible()


def test_it_says_where_and_when_it_was_saved(box):
    box.show_page(PAGE)
    assert box.saved.text() == "saved 12:03"
    assert enabled(box) == [True, True, True]
    assert not box.hint.isVisible()
    assert str(FOLDER) in box.path.toolTip()


def test_a_long_path_gives_way_in_its_middle_and_widens_nothing(box, qtbot):
    box.show_page(PAGE)
    qtbot.wait(10)
    shown = box.path.text()
    assert shown.startswith("/data")
    assert shown.endswith("histoalign")
    assert "\N{HORIZONTAL ELLIPSIS}" in shown
    assert box.minimumSizeHint().width() < 340
    box.resize(1200, 200)
    qtbot.wait(10)
    assert box.path.text() == str(FOLDER)


def test_a_session_that_is_not_begun_has_no_folder_to_open(box):
    box.show_page(SessionPage(folder=FOLDER))
    assert box.hint.text() == NEW
    assert enabled(box) == [False, False, False]
    assert not box.saved.isVisible()


def test_what_goes_on_is_shown(box):
    box.show_page(SessionPage(folder=FOLDER, there=True, busy="Writing <it> ..."))
    assert box.hint.text() == "Writing &lt;it&gt; ..."


def test_notes_are_shown_as_they_are_and_a_locked_session_can_be_tried_again(box, qtbot):
    page = SessionPage(folder=FOLDER, there=True, saved="12:03", read_only=True, notes=("<b>a</b>", "b"))
    box.show_page(page)
    assert box.saved.text() == "read-only"
    assert "&lt;b&gt;a&lt;/b&gt;" in box.notes.text()
    assert box.notes.isVisible()
    with qtbot.waitSignal(box.retry_requested):
        box.retry.click()
    box.show_page(PAGE)
    assert not box.notes.isVisible()
    assert not box.retry.isVisible()


def test_buttons_say_what_is_wanted(box, qtbot):
    box.show_page(PAGE)
    for name in BUTTONS:
        with qtbot.waitSignal(getattr(box, f"{name}_requested")):
            getattr(box, name).click()
        assert getattr(box, name).toolTip()


def test_paths_are_opened_by_the_system(box, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url))
    path = tmp_path / "a b#c%20.html"
    box.open_path(path)
    assert opened[0].isLocalFile()
    assert Path(opened[0].toLocalFile()) == path
