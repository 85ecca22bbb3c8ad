"""The table of keys is what the keys are, and the help shows all of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QLabel, QMainWindow, QWidget

from napari_histoalign.plugin import inspector, keys
from napari_histoalign.plugin.keys import KEYS, KeyRow, KeyTable
from napari_histoalign.plugin.marking_seams import labels_of
from napari_histoalign.plugin.widgets.keys_dialog import KeysDialog, KeysHelp, spoken
from napari_histoalign.plugin.widgets.prompt_keys import REDO
from napari_histoalign.plugin.widgets.run_box import RunBox


def told(where: str) -> set[str]:
    """Every key of a place, spans written out."""
    (group,) = (g for g in KEYS.groups if g.where == where)
    found: set[str] = set()
    for row in group.rows:
        span = range(int(row.keys[0]), int(row.keys[1]) + 1) if row.span else ()
        found |= {str(i) for i in span} if row.span else set(row.keys)
    return found


def test_all_are_keys_that_qt_knows_and_no_place_has_one_twice():
    for group in KEYS.groups:
        found = [key for row in group.rows for key in row.keys]
        assert len(set(found)) == len(found), group.where
        for key in found:
            assert QKeySequence(key).toString() == key
        assert all(row.what[0].isupper() and row.what[-1] != "." for row in group.rows)


def test_the_run_buttons_keys_are_told(qtbot):
    box = RunBox()
    qtbot.addWidget(box)
    buttons = [*box.areas.values(), box.follow]
    used = {b.shortcut().toString() for b in buttons if not b.shortcut().isEmpty()}
    assert used
    assert used == told(keys.ANYWHERE) - {keys.HELP_KEY}


class Keys:
    """What marking and reviewing bind."""

    def __init__(self) -> None:
        self.used: dict[str, set[str]] = {}

    def use(self, name, actions, drawing=frozenset(), rank=0):
        self.used[name] = set(actions)

    def drop(self, name):
        self.used.pop(name, None)


NINE = [str(i) for i in range(9)]


def test_the_keys_of_marking_are_told():
    from napari_histoalign.plugin.marking import Marking

    bound = Keys()
    marking = SimpleNamespace(
        _stroke=SimpleNamespace(end=lambda: None),
        _marks=SimpleNamespace(labels=lambda: labels_of(NINE)),
        _keys=bound,
        choose=lambda label: None,
        undo=None,
        redo=None,
        _show_modes=lambda: None,
        _with_keys=True,
        _drawing=False,
    )
    Marking._bind(marking)
    assert bound.used["marking"] == told(keys.MARKING)
    marking._drawing = True
    Marking._bind(marking)
    assert bound.used["marking"] == told(keys.DRAWING)


def test_the_keys_of_reviewing_are_told():
    from napari_histoalign.plugin.reviewing import Reviewing

    found: set[str] = set()
    for mode in ("regions", "blinded"):
        bound = Keys()
        reviewing = SimpleNamespace(_mode=mode, _classes=[(n, "") for n in NINE], _keys=bound)
        for name in ("next", "previous", "undo", "redo", "accept", "reject", "redraw", "label"):
            setattr(reviewing, name, lambda: None)
        Reviewing._bind(reviewing)
        found |= bound.used["reviewing"]
    assert found == told(keys.REVIEWING)


def test_the_inspectors_and_the_editors_keys_are_told():
    assert told(keys.CANVAS) == {inspector.KEY}
    assert {key for key in REDO if isinstance(key, str)} <= told(keys.PROMPTS)


def test_the_keys_of_a_class_are_told(qtbot):
    from napari_histoalign.alignment import PromptSet
    from napari_histoalign.alignment.prompt_library import library
    from napari_histoalign.plugin.widgets.class_editor import ClassEditor
    from napari_histoalign.plugin.widgets.prompt_box import PromptBox

    box = PromptBox(library())
    qtbot.addWidget(box)
    box.set_prompts(PromptSet.load("breast"))
    editor = box.findChildren(ClassEditor)[0]
    used = {a.shortcut().toString() for a in editor.actions() if not a.shortcut().isEmpty()}
    assert used == told(keys.CLASSES)


def test_more_keys_go_to_their_place_and_leave_the_table_as_it_was():
    row = KeyRow(("F7",), "Do more")
    more = KEYS.with_rows(keys.CANVAS, row).with_rows("Elsewhere", row)
    assert [g.where for g in more.groups] == [*(g.where for g in KEYS.groups), "Elsewhere"]
    assert next(g for g in more.groups if g.where == keys.CANVAS).rows[-1] == row
    assert all(row not in g.rows for g in KEYS.groups)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (KeyRow(("1", "9"), "x", span=True), "1 to 9"),
        (KeyRow(("N", "Right"), "x"), "N or Right"),
        (KeyRow(("F1",), "x"), "F1"),
    ],
)
def test_keys_are_spoken(row, words):
    assert spoken(row) == words


def test_the_dialog_lists_everything_and_does_not_hold_the_window(qtbot):
    dialog = KeysDialog()
    qtbot.addWidget(dialog)
    assert not dialog.isModal()
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    for group in KEYS.groups:
        assert {group.where, *(row.what for row in group.rows)} <= texts
    dialog.show()
    assert dialog.scroll.widget().minimumSizeHint().width() <= dialog.scroll.viewport().width()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


@pytest.mark.usefixtures("display")
def test_help_opens_by_key_and_button_from_anywhere_and_once(qtbot):
    window, dock = QMainWindow(), QWidget()
    table = KeyTable().with_rows("Here", KeyRow(("F7",), "Do it"))
    help_ = KeysHelp(dock, lambda: table)
    other = QWidget()
    other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    window.setCentralWidget(other)
    dock.setParent(window)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    other.setFocus()
    qtbot.waitUntil(lambda: other.hasFocus())
    assert help_.dialog is None
    qtbot.keyClick(other, Qt.Key.Key_F1)
    dialog = help_.dialog
    assert dialog.isVisible()
    dialog.close()
    help_.button.click()
    assert help_.dialog is dialog
    assert dialog.isVisible()
