"""The method box by itself: what it says is chosen, when it tells of it, and that nothing typed can hurt."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_histoalign.alignment import DESCRIPTIONS, POOLINGS, PRIORS, SCREENINGS, STRATEGIES, Alignment
from napari_histoalign.alignment.refining import CALIBRATIONS, FEW_SHOT, TRANSDUCTIVE, Refinement
from napari_histoalign.plugin.markup import WARNING_SIGN
from napari_histoalign.plugin.widgets.method_box import MethodBox
from napari_histoalign.plugin.widgets.method_more import WEIGHTINGS
from napari_histoalign.plugin.widgets.method_shares import read_shares

pytestmark = pytest.mark.usefixtures("display")
TITLES = ("PLIP", "CLIP")


@pytest.fixture
def box(qtbot):
    box = MethodBox()
    qtbot.addWidget(box)
    box.set_encoders(TITLES)
    box.set_classes(("malignant", "benign", "fat"))
    return box


def pick(choice, name: str) -> None:
    """As a person picks from a combo box."""
    choice.combo.setCurrentIndex(choice.combo.findData(name))


def test_at_first_it_is_the_usual_method(box):
    assert box.alignment() == Alignment()
    assert box.refinement() == Refinement() and not box.refinement().asked
    assert box.other() is None
    assert box.fold.text() == "▸ More..."


@pytest.mark.parametrize(
    "alignment",
    [
        Alignment("one-to-one", pair=(1, 1), temperature=2.5),
        Alignment("cross-pair", pair=(1, 0), screening="zpe"),
        Alignment("joint-fusion", prior="frolic", centring=0.4),
        Alignment("mean-fusion", prior="otter", shares=(0.5, 0.3, 0.2)),
        Alignment("many-to-many", pooling="top-k", top_k=7, sharpness=0.5, weighting="equal", prior="otter"),
    ],
    ids=lambda alignment: alignment.name,
)
def test_what_is_set_is_what_is_read_and_nothing_is_told(qtbot, box, alignment):
    refinement = Refinement("gda", "zlap", 1.25, "confidence", 0.65)
    with qtbot.assertNotEmitted(box.changed, wait=150):
        box.set_method(alignment, refinement)
        box.set_threshold(0.7)
    assert box.alignment() == alignment
    assert box.refinement() == refinement
    assert box.threshold.value() == pytest.approx(0.7)


def test_every_choice_is_offered_and_explained(box):
    for choice, offered in (
        (box.strategy, DESCRIPTIONS),
        (box.few_shot, FEW_SHOT),
        (box.transductive, TRANSDUCTIVE),
        (box.more.pooling, POOLINGS),
        (box.more.weighting, WEIGHTINGS),
        (box.more.screening, SCREENINGS),
        (box.more.prior, PRIORS),
        (box.more.calibration, CALIBRATIONS),
    ):
        assert [choice.combo.itemData(i) for i in range(choice.combo.count())] == list(offered)
        for name, sentence in offered.items():
            pick(choice, name)
            assert choice.value() == name
            assert choice.below.text().startswith(sentence.replace("'", "&#x27;"))


def test_only_what_matters_to_a_strategy_is_in_sight(box):
    box.show()
    box.fold.expand(animate=False)
    for name in STRATEGIES:
        pick(box.strategy, name)
        assert box.pair.isVisible() == (name in ("one-to-one", "cross-pair"))
        assert box.more.pooling.isVisible() == box.more.weighting.isVisible() == (name == "many-to-many")
        assert box.more.screening.isVisible()
    pick(box.strategy, "many-to-many")
    assert box.more.sharpness.isVisible() and not box.more.top_k.isVisible()
    pick(box.more.pooling, "top-k")
    assert box.more.top_k.isVisible() and not box.more.sharpness.isVisible()
    assert not box.more.shares.isVisible() and not box.more.confidence.isVisible()
    pick(box.more.prior, "otter")
    pick(box.more.calibration, "confidence")
    assert box.more.shares.isVisible() and box.more.confidence.isVisible()


def test_pairs_are_named_after_the_encoders(box):
    pick(box.strategy, "cross-pair")
    assert [box.pair.combo.itemText(i) for i in range(2)] == [
        "PLIP images, CLIP texts",
        "CLIP images, PLIP texts",
    ]
    assert box.alignment().pair == (0, 1)
    box.pair.combo.setCurrentIndex(1)
    assert box.alignment().pair == (1, 0)
    box.set_encoders(("KEEP", "CLIP"))
    assert box.alignment().pair == (1, 0), "the choice stays when an encoder is exchanged"
    pick(box.strategy, "one-to-one")
    assert [box.pair.combo.itemText(i) for i in range(2)] == ["KEEP", "CLIP"]


def test_with_one_encoder_it_says_what_needs_two(box):
    box.set_method(Alignment("one-to-one", pair=(1, 1)))
    box.set_encoders(("PLIP",))
    assert box.alignment().pair == (0, 0)
    for name in STRATEGIES:
        pick(box.strategy, name)
        needs = name in ("cross-pair", "joint-fusion", "mean-fusion")
        assert ("needs two encoders" in box.strategy.below.text()) == needs
        assert box.alignment().name == name


def test_a_choice_is_told_at_once_and_typing_once_when_it_pauses(qtbot, box):
    told = []
    box.changed.connect(lambda: told.append(box.alignment()))
    pick(box.strategy, "joint-fusion")
    assert [a.name for a in told] == ["joint-fusion"]
    for value in (1.1, 1.2, 1.3):
        box.temperature.spin.setValue(value)
    assert len(told) == 1
    qtbot.waitUntil(lambda: len(told) == 2, timeout=2000)
    qtbot.wait(100)
    assert [a.temperature for a in told] == [1.0, 1.3]
    box.smoothing.spin.setValue(1)
    box.settle()
    assert len(told) == 3
    box.settle()
    assert len(told) == 3


def test_the_threshold_is_told_at_once_and_does_not_score_again(qtbot, box):
    told = []
    box.threshold_changed.connect(told.append)
    with qtbot.assertNotEmitted(box.changed, wait=100):
        box.threshold.setValue(0.8)
        assert told == [pytest.approx(0.8)]


@pytest.mark.parametrize("text", ["70 x", "1 2", "1 0 1", "-1 1 1", "nan 1 1", "inf 1 1", "1,2,3,4"])
def test_shares_that_make_no_sense_get_a_sentence_and_the_last_good_ones_stay(box, text):
    pick(box.more.prior, "otter")
    box.more.shares.edit.setText("2, 1; 1")
    box.more.shares.edit.textEdited.emit("2, 1; 1")
    assert box.alignment().shares == (0.5, 0.25, 0.25)
    assert box.more.shares.below.text() == "malignant 50%, benign 25%, fat 25%."
    box.more.shares.edit.setText(text)
    box.more.shares.edit.textEdited.emit(text)
    assert box.alignment().shares == (0.5, 0.25, 0.25)
    assert "0.5 0.25 0.25 is used" in box.more.shares.below.text()


def test_shares_of_other_classes_are_not_used(box):
    box.set_method(Alignment(prior="otter", shares=(0.5, 0.25, 0.25)))
    box.set_classes(("tumour", "stroma"))
    assert box.alignment().shares is None
    assert "There are 2 classes" in box.more.shares.below.text()


def test_shares_are_read_with_any_separator():
    assert read_shares("70% 20 % 10%", 3) == (pytest.approx((0.7, 0.2, 0.1)), "")
    assert read_shares(" 1;1 , 2 ", 3) == ((0.25, 0.25, 0.5), "")
    assert read_shares("  ", 3) == (None, "")


def test_the_fold_tells_how_many_values_in_it_are_not_the_usual_ones(box):
    pick(box.more.screening, "zpe")
    pick(box.more.pooling, "mean")
    assert box.fold.text() == "▸ More...  (2 changed)"
    pick(box.strategy, "joint-fusion")
    assert box.fold.text() == "▸ More...  (1 changed)", "pooling has no say in it"
    box.more.reset.click()
    assert box.fold.text() == "▸ More..."
    assert box.alignment() == Alignment("joint-fusion")


def test_comparing_takes_everything_but_strategy_and_pair_from_what_is_shown(qtbot, box):
    box.temperature.set_value(2.0)
    with qtbot.waitSignal(box.changed):
        box.compare.switch.click()
    assert box.other() == Alignment("mean-fusion", temperature=2.0)
    pick(box.compare.strategy, "cross-pair")
    box.compare.pair.combo.setCurrentIndex(1)
    assert box.other() == Alignment("cross-pair", pair=(1, 0), temperature=2.0)
    pick(box.compare.strategy, "many-to-many")
    assert box.other() is None and "choose another one" in box.compare.strategy.below.text()
    pick(box.strategy, "joint-fusion")
    assert box.other() == Alignment("many-to-many", temperature=2.0)
    assert "choose another one" not in box.compare.strategy.below.text()
    box.set_encoders(("PLIP",))
    pick(box.compare.strategy, "mean-fusion")
    assert box.other() is None and "needs two encoders" in box.compare.strategy.below.text()


def test_what_is_compared_with_is_kept_by_set_method(box):
    other = Alignment("cross-pair", pair=(1, 0))
    box.set_method(Alignment(), None, other)
    assert box.other() == other
    box.set_method(Alignment())
    assert box.other() is None


def test_notes_and_steps_are_shown_as_text_and_go(box):
    box.show()
    assert not box.notes.isVisible() and not box.steps.isVisible()
    box.show_notes(("A <b> images", "B texts"), ("C <d> images",))
    box.show_steps(("gda", "smoothing"))
    told = box.notes.text().split("<br>")
    assert [line.partition("</span> ")[2] for line in told] == ["A &lt;b&gt; images", "B texts"]
    assert all(WARNING_SIGN in line for line in told), "what could not be done is seen at once"
    assert box.how.text() == "C &lt;d&gt; images" and box.how.visibleRegion().isEmpty()
    box.fold.expand(animate=False)
    QApplication.processEvents()
    assert not box.how.visibleRegion().isEmpty(), "how it was done, when somebody looks"
    assert box.steps.text() == "Done after scoring: gda, smoothing."
    box.show_notes(())
    box.show_steps(())
    assert not any(label.isVisible() for label in (box.notes, box.how, box.steps))


def test_few_shot_says_what_it_waits_for(box):
    pick(box.few_shot, "gda")
    assert "No tile is marked yet" in box.few_shot.below.text()
    box.show_examples(12)
    assert "12 marked tiles" in box.few_shot.below.text()
    pick(box.few_shot, "none")
    assert "marked" not in box.few_shot.below.text()


def test_everything_can_be_reached_with_tab_and_is_named(box):
    box.show()
    box.fold.expand(animate=False)
    fields = (box.strategy, box.pair, box.temperature, box.cut, box.smoothing, box.few_shot, box.transductive)
    for field in (*fields, *box.more.fields, *box.compare.fields):
        assert field.control.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert field.label.buddy() is field.control and field.control.accessibleName()
        assert field.control.toolTip()


def test_the_wheel_passes_over_a_control_unless_it_was_chosen(qtbot, box):
    box.show()
    qtbot.waitExposed(box)
    box.activateWindow()

    def wheel(control) -> bool:
        """Turn the wheel over a control; whether it took the event, which else goes to the scroll area."""
        middle = control.rect().center()
        place, turn = (QPointF(middle), QPointF(control.mapToGlobal(middle))), (QPoint(), QPoint(0, -120))
        buttons = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False
        event = QWheelEvent(*place, *turn, *buttons)
        QApplication.sendEvent(control, event)
        return event.isAccepted()

    before = box.alignment(), box.refinement(), box.threshold.value()
    groove = box.threshold.focusProxy()
    for control in (box.strategy.combo, box.temperature.spin, box.threshold, groove):
        box.few_shot.combo.setFocus()
        assert not wheel(control)
    assert (box.alignment(), box.refinement(), box.threshold.value()) == before
    box.temperature.spin.setFocus()
    qtbot.waitUntil(box.temperature.spin.hasFocus)
    assert wheel(box.temperature.spin) and box.alignment() != before[0]


def test_the_threshold_is_moved_by_keys(qtbot, box):
    box.show()
    qtbot.waitExposed(box)
    box.activateWindow()
    told = []
    box.threshold_changed.connect(told.append)
    box.threshold.setFocus()
    qtbot.waitUntil(box.threshold.hasFocus)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_PageUp, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_End):
        qtbot.keyClick(QApplication.focusWidget(), key)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)  # there is no more
    assert told == pytest.approx([0.51, 0.61, 0.60, 0.59, 1.0])


def test_it_fits_a_narrow_dock(qtbot):
    """At 360 px no control is cut off and no sentence is clipped."""
    box, scroll = MethodBox(), QScrollArea()
    qtbot.addWidget(scroll)
    box.set_encoders(TITLES)
    box.set_classes(("malignant", "benign", "fat"))
    scroll.setWidgetResizable(True)
    scroll.setWidget(box)
    scroll.resize(360, 900)
    scroll.show()
    box.set_method(Alignment("cross-pair", prior="otter"), Refinement(calibration="confidence"), Alignment())
    box.fold.expand(animate=False)
    box.more.shares.set_value((0.5, 0.25, 0.25))
    pick(box.more.pooling, "mean")
    assert box.width() <= scroll.viewport().width()
    fields = (box.strategy, box.pair, box.cut, box.more.prior, box.more.shares, box.compare.strategy)

    def clipped() -> list[str]:
        said = [(f.below, f.below.text()) for f in fields if f.below.isVisible()]
        return [text for below, text in said if below.height() < below.heightForWidth(below.width())]

    qtbot.waitUntil(lambda: not clipped(), timeout=2000)
    assert all(field.control.geometry().right() < field.width() for field in fields)
