"""The prompt editor in a window: keys and clicks in, prompt sets out, and what is shown of them."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor, QGuiApplication, QPalette
from qtpy.QtWidgets import QScrollArea

from napari_histoalign.alignment import PromptClass, PromptSet
from napari_histoalign.alignment.prompt_library import library
from napari_histoalign.errors import PromptError
from napari_histoalign.plugin.widgets.prompt_box import PromptBox
from napari_histoalign.plugin.widgets.prompt_session import WAIT_MS

pytestmark = pytest.mark.usefixtures("display")

START = PromptSet(
    "mine",
    (
        PromptClass("tumour", ("carcinoma", "malignant cells"), "#d55e00", "lesion"),
        PromptClass("other", ("benign tissue",), "#009e73"),
        PromptClass("glass", ("empty",), "#e0e0e0", "background"),
    ),
    title="Mine",
)
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
SOON = 20 * WAIT_MS


class Heard:
    """What a box says."""

    def __init__(self, box: PromptBox) -> None:
        self.sets: list[PromptSet] = []
        self.refused: list[str] = []
        box.edited.connect(self.sets.append)
        box.refused.connect(self.refused.append)


@pytest.fixture
def box(qtbot):
    box = PromptBox(library())
    qtbot.addWidget(box)
    box.resize(360, 900)
    box.set_prompts(START)
    with qtbot.waitExposed(box):
        box.show()
    box.activateWindow()
    return box


@pytest.fixture
def heard(box):
    return Heard(box)


def end_of(editor):
    editor.text.setFocus()
    cursor = editor.text.textCursor()
    cursor.movePosition(cursor.MoveOperation.End)
    editor.text.setTextCursor(cursor)
    return editor.text


def names(box):
    return tuple(editor.name.text() for editor in box.editors)


def choose(combo, value):
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def test_typing_is_announced_once_a_moment_after_the_last_key(qtbot, box, heard):
    text = end_of(box.editors[0])
    for key in " in sheets":
        text.insertPlainText(key)
    assert not heard.sets, "it waits for the next key"
    assert box.prompts().classes[0].prompts == ("carcinoma", "malignant cells in sheets")
    qtbot.waitUntil(lambda: bool(heard.sets), timeout=SOON)
    assert [s.classes[0].prompts for s in heard.sets] == [("carcinoma", "malignant cells in sheets")]


def test_a_run_need_not_wait(box, heard):
    box.editors[0].text.setPlainText("atypia")
    box.settle()
    assert [s.classes[0].prompts for s in heard.sets] == [("atypia",)]
    box.settle()
    assert len(heard.sets) == 1, "nothing new to say"


def test_undo_and_redo_by_keys_in_a_text_field_at_once(qtbot, box, heard):
    text = end_of(box.editors[0])
    qtbot.keyClicks(text, " x")
    qtbot.keyClick(text, Qt.Key.Key_Return)
    qtbot.keyClicks(text, "new")
    after = box.prompts()
    assert after.classes[0].prompts == ("carcinoma", "malignant cells x", "new")

    qtbot.keyClick(text, Qt.Key.Key_Z, CONTROL)
    assert text.toPlainText() == "carcinoma\nmalignant cells x"
    assert heard.sets[-1].classes[0].prompts == ("carcinoma", "malignant cells x")
    qtbot.keyClick(text, Qt.Key.Key_Z, CONTROL)
    assert heard.sets[-1] == START and not box.undo.isEnabled()
    for _ in range(2):
        qtbot.keyClick(text, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert heard.sets[-1] == after and not box.redo.isEnabled()
    assert text.hasFocus()


def test_undo_by_keys_in_a_name_and_by_button(qtbot, box, heard):
    name = box.editors[1].name
    name.setFocus()
    name.selectAll()
    qtbot.keyClicks(name, "benign")
    qtbot.keyClick(name, Qt.Key.Key_Z, CONTROL)
    assert name.text() == "other" and box.redo.isEnabled()
    box.redo.click()
    assert heard.sets[-1].class_names == ("tumour", "benign", "glass")
    assert "rename class" in box.undo.toolTip()
    box.undo.click()
    assert heard.sets[-1] == START


def test_undo_by_keys_where_nothing_is_typed(qtbot, box, heard):
    box.editors[0].set_color("#123456")
    box.add.setFocus()
    qtbot.keyClick(box.add, Qt.Key.Key_Z, CONTROL)
    assert heard.sets[-1] == START
    assert box.editors[0].color == "#d55e00"


def test_what_is_half_written_is_said_at_once_and_not_announced(qtbot, box, heard):
    box.editors[1].text.setPlainText("")
    assert heard.refused == ["The class 'other' has no prompt; write at least one phrase for it."]
    assert "has no prompt" in box.message.text() and box.message.isVisible()
    assert "border-bottom" in box.editors[1].name.styleSheet()
    with pytest.raises(PromptError, match="has no prompt"):
        box.prompts()
    qtbot.wait(3 * WAIT_MS)
    assert not heard.sets
    qtbot.keyClicks(end_of(box.editors[1]), "fat")
    assert not box.message.isVisible() and not box.editors[1].name.styleSheet()
    qtbot.waitUntil(lambda: bool(heard.sets), timeout=SOON)
    assert heard.sets[-1].classes[1].prompts == ("fat",)


def test_an_empty_line_is_no_fault_and_stays(qtbot, box, heard):
    text = end_of(box.editors[0])
    qtbot.keyClick(text, Qt.Key.Key_Return)
    box.editors[1].set_color("#000000")
    assert text.toPlainText() == "carcinoma\nmalignant cells\n"
    assert not heard.refused
    assert text.textCursor().blockNumber() == 2


@pytest.mark.parametrize("modifier", [SHIFT, CONTROL, Qt.KeyboardModifier.NoModifier])
def test_every_line_break_makes_a_prompt(qtbot, box, modifier):
    text = end_of(box.editors[1])
    qtbot.keyClick(text, Qt.Key.Key_Return, modifier)
    qtbot.keyClicks(text, "fat")
    assert box.prompts().classes[1].prompts == ("benign tissue", "fat")


def test_pasted_lines_are_prompts(qtbot, box):
    text = box.editors[1].text
    text.selectAll()
    QGuiApplication.clipboard().setText("one\r\ntwo\u2028three\u2029four")
    text.paste()
    assert box.prompts().classes[1].prompts == ("one", "two", "three", "four")


def test_lines_move_and_double_by_keys_and_the_cursor_goes_along(qtbot, box):
    text = end_of(box.editors[0])
    qtbot.keyClick(text, Qt.Key.Key_Up, ALT)
    assert box.prompts().classes[0].prompts == ("malignant cells", "carcinoma")
    assert text.textCursor().block().text() == "malignant cells"
    qtbot.keyClick(text, Qt.Key.Key_Up, ALT)
    assert text.textCursor().blockNumber() == 0, "it is the first already"
    qtbot.keyClick(text, Qt.Key.Key_Down, ALT)
    qtbot.keyClick(text, Qt.Key.Key_D, CONTROL)
    assert box.prompts().classes[0].prompts == ("carcinoma", "malignant cells", "malignant cells")
    assert text.textCursor().blockNumber() == 2


def test_classes_move_by_keys_and_keep_the_focus(qtbot, box):
    editor = box.editors[0]
    editor.name.setFocus()
    qtbot.keyClick(editor.name, Qt.Key.Key_Down, CONTROL | SHIFT)
    assert names(box) == ("other", "tumour", "glass")
    assert box.prompts().class_names == names(box)
    assert box.editors[1] is editor and editor.name.hasFocus()
    places = [editor.y() for editor in box.editors]
    qtbot.waitUntil(lambda: [e.y() for e in box.editors] == sorted(places))
    qtbot.keyClick(editor.text, Qt.Key.Key_Down, CONTROL | SHIFT)
    assert names(box) == ("other", "glass", "tumour") and not editor.down.isEnabled()


def test_classes_are_added_doubled_and_removed(box, heard):
    box.add.click()
    assert names(box)[-1] == "class 1" and box.editors[-1].text.hasFocus()
    assert "has no prompt" in box.message.text()
    box.editors[-1].text.setPlainText("fat")
    box.editors[0].duplicate.trigger()
    assert names(box) == ("tumour", "tumour copy", "other", "glass", "class 1")
    for _ in range(3):
        box.editors[0].remove.trigger()
    assert box.prompts().class_names == ("glass", "class 1")
    assert not box.editors[0].remove.isEnabled(), "two are the fewest"
    for _ in range(6):
        box.undo.click()
    assert box.prompts() == START and not box.undo.isEnabled()


def test_a_name_being_typed_is_not_lost_to_another_change(qtbot, box):
    name = box.editors[1].name
    name.setFocus()
    name.selectAll()
    qtbot.keyClicks(name, "benign")
    box.editors[1].role.setCurrentIndex(2)
    box.add.click()
    box.editors[-1].text.setPlainText("fat")
    assert box.prompts().classes[1] == PromptClass("benign", ("benign tissue",), "#009e73", "background")


def test_another_set_is_announced_at_once_and_the_way_back_stays(box, heard):
    box.editors[0].set_color("#000000")
    changed = box.prompts()
    box.set_prompts(PromptSet.load("skin"))
    assert heard.sets == [PromptSet.load("skin")]
    assert box.sets.currentData() == "skin"
    box.undo.click()
    assert heard.sets[-1] == changed and box.sets.currentText() == "Mine"


def test_sets_are_offered_by_organ(box):
    offered = [box.sets.itemData(i) for i in range(box.sets.count())]
    groups, group = [], []
    for name in offered:
        if name is None:
            groups.append(group)
            group = []
        else:
            group.append(name)
    assert ["colon", "nct-crc"] in groups and ["prostate"] in groups
    chosen = []
    box.set_chosen.connect(chosen.append)
    choose(box.sets, "lung")
    assert chosen == ["lung"]


def test_a_set_of_ones_own_can_be_come_back_to(box, heard):
    box.set_chosen.connect(lambda name: box.set_prompts(PromptSet.load(name)))
    choose(box.sets, "skin")
    assert heard.sets[-1] == PromptSet.load("skin")
    choose(box.sets, "mine")
    assert heard.sets[-1] == START and box.prompts() == START


def test_the_list_shows_the_set_there_is_where_another_cannot_be_had(box, heard):
    choose(box.sets, "skin")
    assert box.sets.currentData() == "mine" and not heard.sets


def test_showing_a_class_is_no_part_of_the_set(box, heard):
    said = []
    box.visibility_changed.connect(lambda name, shown: said.append((name, shown)))
    box.editors[1].eye.click()
    box.editors[1].name.setText("benign")
    assert said == [("other", False)] and box.hidden_classes() == {"benign"}
    assert box.prompts().class_names[1] == "benign"
    box.undo.click()
    assert box.hidden_classes() == {"other"} and not box.undo.isEnabled()
    box.editors[1].eye.click()
    assert said[-1] == ("other", True) and not box.hidden_classes()


def opened(qtbot, box):
    box.wording.collapsible.expand(animate=False)
    qtbot.waitUntil(box.wording.texts.isVisible)
    return box.wording


def texts_shown(wording):
    tops = [wording.texts.topLevelItem(i) for i in range(wording.texts.topLevelItemCount())]
    return tuple(top.child(i).text(0) for top in tops for i in range(top.childCount()))


def test_the_texts_are_shown_as_they_will_be_used(qtbot, box):
    assert "4 texts, as written" in box.wording.collapsible.text()
    wording = opened(qtbot, box)
    choose(wording.templates, "conch")
    assert texts_shown(wording) == box.prompts().expand().texts
    assert len(texts_shown(wording)) == 88 and "88 texts" in wording.collapsible.text()
    assert "MI-Zero" in wording.source.text()
    wording.texts.topLevelItem(1).setExpanded(True)
    box.editors[1].text.setPlainText("fat")
    assert texts_shown(wording)[44] == "fat." and wording.texts.topLevelItem(1).isExpanded()
    assert wording.texts.topLevelItem(1).text(0) == "other (22)"


def test_sentences_that_name_the_organ_bring_the_one_the_set_speaks_of(qtbot, box, heard):
    box.set_prompts(PromptSet.load("breast"))
    wording = opened(qtbot, box)
    choose(wording.templates, "organ")
    assert box.prompts().organ == wording.organ.currentText() == "breast"
    assert "a photomicrograph of the breast showing benign breast tissue." in texts_shown(wording)
    box.undo.click()
    assert box.prompts() == PromptSet.load("breast")


def test_an_organ_that_is_missing_is_asked_for(qtbot, box, heard):
    wording = opened(qtbot, box)
    choose(wording.templates, "organ")
    assert "names the organ" in box.message.text() and not heard.sets
    field = wording.organ.lineEdit()
    field.setFocus()
    qtbot.keyClicks(field, "spleen")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert box.prompts().organ == "spleen" and not box.message.isVisible()
    qtbot.keyClick(field, Qt.Key.Key_Z, CONTROL)
    assert field.text() == "" and "names the organ" in box.message.text()


def test_own_sentences_begin_with_those_there_are_and_can_be_undone(qtbot, box, heard):
    wording = opened(qtbot, box)
    choose(wording.templates, "plip")
    choose(wording.templates, "own")
    assert wording.own.isVisible() and wording.own.lines() == ("An H&E image patch of {}.",)
    qtbot.keyClick(wording.own, Qt.Key.Key_End, CONTROL)
    qtbot.keyClick(wording.own, Qt.Key.Key_Return)
    qtbot.keyClicks(wording.own, "a smear of {")
    assert "must hold {} once" in box.message.text()
    qtbot.keyClicks(wording.own, "}")
    assert box.prompts().templates == ("An H&E image patch of {}.", "a smear of {}")
    qtbot.keyClick(wording.own, Qt.Key.Key_Z, CONTROL)
    assert not box.message.isVisible()
    while box.undo.isEnabled():
        box.undo.click()
    assert not wording.own.isVisible() and wording.templates.currentData() == "{}"


def pixel(text, line, x):
    """Colour of the margin at the middle of a line."""
    block = text.document().findBlockByNumber(line)
    top = text.blockBoundingGeometry(block).translated(text.contentOffset()).top()
    image = text.gutter.grab().toImage()
    scale = image.devicePixelRatio()
    return image.pixelColor(int(x * scale), int((top + text.fontMetrics().lineSpacing() / 2) * scale))


def test_bars_are_as_long_as_the_shares(box):
    from napari_histoalign.plugin.widgets.prompt_gutter import BAR_PX

    box.show_contributions(
        {"carcinoma": 0.5, "malignant cells": 1.0, "benign tissue": 0.0, "empty": float("nan")}
    )
    text = box.editors[0].text
    left = text.gutter.width() - 2 - BAR_PX
    color = QColor("#d55e00")
    assert pixel(text, 0, left + BAR_PX * 0.25) == color
    assert pixel(text, 0, left + BAR_PX * 0.75) != color
    assert pixel(text, 1, left + BAR_PX * 0.75) == color
    other = box.editors[1].text
    assert pixel(other, 0, left + BAR_PX * 0.25) != QColor("#009e73")
    assert box.editors[2].text.marks.share("empty") is None


def test_shares_of_final_texts_are_added_up_to_their_prompt(box):
    box.set_prompts(START.with_context(templates=["{}", "an image of {}."]))
    box.show_contributions({"carcinoma": 0.25, "an image of carcinoma.": 0.5, "benign tissue": 3.0})
    marks = box.editors[0].text.marks
    assert marks.share("  carcinoma ") == 0.75
    assert marks.share("malignant cells") is None and marks.share("") is None
    assert marks.share("benign tissue") == 1.0


def test_warnings_stand_at_their_prompts_and_in_words(box):
    long = "Longer than the <77> words that the encoder reads."
    box.show_warnings({"malignant cells": long})
    editor = box.editors[0]
    (underlined,) = editor.text.extraSelections()
    assert underlined.cursor.selectedText() == "malignant cells"
    assert "&lt;77&gt;" in editor.warnings.text() and editor.warnings.isVisible()
    middle = editor.text.cursorRect(underlined.cursor).center()
    assert long in editor.text.tip(middle)
    assert not box.editors[1].warnings.isVisible()
    editor.text.setPlainText("carcinoma")
    assert not editor.text.extraSelections() and not editor.warnings.isVisible()
    box.undo.click()
    assert editor.warnings.isVisible()


@pytest.mark.parametrize(("ground", "letters"), [("#20222a", "#f0f1f2"), ("#f4f4f4", "#1e1e21")])
def test_it_fits_a_narrow_dock_on_any_theme(qtbot, ground, letters):
    box = PromptBox(library())
    scroll = QScrollArea()
    qtbot.addWidget(scroll)
    scroll.setStyleSheet(f"QWidget {{ background-color: {ground}; color: {letters}; }}")
    scroll.setWidgetResizable(True)
    scroll.setWidget(box)
    scroll.resize(360, 800)
    box.set_prompts(PromptSet.load("colon").with_context(templates=["organ"]))
    with qtbot.waitExposed(scroll):
        scroll.show()
    box.wording.collapsible.expand(animate=False)
    box.show_warnings({"colorectal adenocarcinoma": "A sentence that says what is wrong with it. " * 3})
    qtbot.wait(50)
    assert box.width() == scroll.viewport().width(), "nothing is cut off at the right"
    for editor in box.editors:
        assert editor.text.gutter.height() == editor.text.contentsRect().height()
        assert editor.role.width() > editor.fontMetrics().horizontalAdvance("background")
    text = box.editors[0].text
    assert text.palette().color(QPalette.ColorRole.Text) == QColor(letters)
    shown = scroll.grab().toImage()
    place = text.viewport().mapTo(scroll, text.viewport().rect().bottomRight()) * shown.devicePixelRatio()
    seen = shown.pixelColor(place - QPoint(2, 2))
    between = sorted([QColor(ground).lightness(), QColor(letters).lightness()])
    assert between[0] < seen.lightness() < between[1], "the ground stands out from the dock's"


def test_everything_can_be_reached_by_tab_and_says_what_it_is(qtbot, box):
    box.editors[0].swatch.setFocus()
    reached = []
    for _ in range(40):
        reached.append(box.focusWidget())
        box.focusNextChild()
    editor = box.editors[1]
    for widget in (editor.swatch, editor.name, editor.eye, editor.role, editor.more, editor.text, box.add):
        assert widget in reached, widget
        assert widget.toolTip()
    assert reached.index(editor.name) < reached.index(editor.text) < reached.index(box.editors[2].name)
