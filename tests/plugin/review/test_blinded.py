"""Blinded answers: nothing of the model is seen before, all of it afterwards, and the log tells which."""

from __future__ import annotations

import numpy as np
import pytest
from review_stand_ins import GRID, TUMOURS, snapshot

from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.plugin.review_blind import blind_order


@pytest.fixture
def result(side):
    return side.desk.viewer.add_image(
        np.zeros((4, 6)), metadata={METADATA_KEY: {"result": "malignant"}}, name="malignant"
    )


def index(side):
    return side.reviewing.tiles.current


def test_answers_are_recorded_blinded_with_what_the_model_said_and_it_is_told_after(side):
    side.reviewing.set_blind(4, 1)
    side.reviewing.start("blinded")
    tile = index(side)
    assert "model" not in side.page.detail.casefold()
    side.desk.press("2")
    (act,) = side.log.acts
    said = "malignant" if TUMOURS.reshape(-1)[tile] > 5 else "benign"
    assert act.blinded and act.after == {"label": "class", "class": "benign"}
    assert act.model["class"] == said and act.target.index == tile
    assert f"The model: {said}" in side.page.detail
    assert (side.page.done, side.page.total) == (1, 4)


def test_the_order_does_not_depend_on_the_model_and_is_the_same_for_all(side):
    side.reviewing.start("blinded")
    asked = [index(side)]
    for _ in range(5):
        side.desk.press("N")
        asked.append(index(side))
    side.reviewing.stop()
    side.desk.show(snapshot(9 - TUMOURS))
    side.book.set_reviewer("Ben")
    side.reviewing.start("blinded")
    assert index(side) == asked[0]
    order = blind_order(GRID, np.arange(24), 1)
    assert sorted(order.tolist()) == list(range(24)) and order.tolist() != list(range(24))
    part = blind_order(GRID, np.arange(3, 15), 1)
    assert part.tolist() == [t for t in order if 3 <= t < 15], "fewer tiles: the same order"
    assert blind_order(GRID, np.arange(24), 2).tolist() != order.tolist()


def test_results_are_hidden_meanwhile_also_those_that_come_later(side, result):
    told = []
    side.reviewing.blinded_changed.connect(told.append)
    hidden = side.desk.viewer.add_image(
        np.zeros((4, 6)), metadata={METADATA_KEY: {"result": "benign"}}, visible=False
    )
    side.reviewing.start("blinded")
    assert side.reviewing.blinded and not result.visible
    late = side.desk.viewer.add_image(np.zeros((4, 6)), metadata={METADATA_KEY: {"result": "classes"}})
    assert not late.visible and side.desk.layer.visible
    side.reviewing.stop()
    assert result.visible and late.visible and not hidden.visible
    assert told == [True, False]


def test_not_even_a_thumbnail_shows_the_models_answer(side):
    layer = side.desk.viewer.add_image(
        np.random.default_rng(0).random((4, 6)), metadata={METADATA_KEY: {"result": "malignant"}}
    )
    before = layer.thumbnail.copy()
    assert before[..., :3].any()
    side.reviewing.start("blinded")
    assert not layer.thumbnail[..., :3].any()
    side.reviewing.stop()
    np.testing.assert_array_equal(layer.thumbnail, before)


def test_an_answer_that_is_changed_once_the_models_is_known_is_told_as_such(side):
    side.reviewing.start("blinded")
    side.desk.press("1")
    assert "since" not in side.page.detail
    side.desk.press("2")
    assert "You: malignant, and since the model's answer was shown benign." in side.page.detail


def test_an_answer_after_the_models_is_not_blinded(side):
    side.reviewing.start("blinded")
    side.desk.press("1", "2")
    assert [a.blinded for a in side.log.acts] == [True, False]
    side.desk.press("Ctrl+Z", "Ctrl+Z", "1")
    assert side.log.acts[-1].what == "mark" and not side.log.acts[-1].blinded
    # nor is it the next time: the log knows what was told
    tile = index(side)
    side.reviewing.stop()
    side.reviewing.start("blinded")
    assert side.page.total == 23 and tile not in side.reviewing.tiles._tiles


def test_tiles_marked_with_the_results_in_sight_are_not_asked_about(side):
    side.reviewing.start("blinded")
    tile = index(side)
    side.reviewing.stop()
    side.marking.use_keys(True)
    x, y = GRID.xy([tile])[0]
    side.desk.point_at(x + 50, y + 50)
    side.desk.press("1")
    side.reviewing.start("blinded")
    assert tile not in side.reviewing.tiles._tiles


def test_marks_of_others_are_hidden_from_a_blinded_reviewer(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.desk.press("1")
    side.book.set_reviewer("Ben")
    layer = next(x for x in side.desk.viewer.layers if x.name == "histoalign: marks")
    assert len(layer.data) == 1
    side.reviewing.start("blinded")
    assert len(layer.data) == 0
    assert side.marks.rows["malignant"].count == 0
    side.reviewing.stop()
    assert len(layer.data) == 1


def test_agreement_is_told_with_blinded_answers_apart(side):
    side.reviewing.set_blind(8, 1)
    side.reviewing.start("blinded")
    said = ["malignant" if t > 5 else "benign" for t in TUMOURS.reshape(-1)]
    wrong = None
    for _ in range(8):
        tile = index(side)
        answer = said[tile]
        if wrong is None and answer == "benign":
            wrong, answer = tile, "malignant"
        side.desk.press("1" if answer == "malignant" else "2", "N")
    (line,) = side.page_view.lines
    assert line.startswith("Ann and the model, blinded: kappa ")
    assert "88% alike on 8 tiles" in line
    side.reviewing.stop()
    side.marking.use_keys(True)
    free = next(t for t in range(24) if t not in side.tiles())
    x, y = GRID.xy([free])[0]
    side.desk.point_at(x + 50, y + 50)
    side.desk.press("1")
    lines = side.page_view.lines
    assert len(lines) == 2 and "in sight" in lines[1] and "kappa needs" in lines[1]


def test_comments_are_kept_with_the_tile_and_as_blinded(side):
    side.reviewing.start("blinded")
    assert side.reviewing.comment("crushed")
    act = side.log.acts[-1]
    assert act.target.index == index(side)


def test_another_slide_ends_it(side, result):
    side.reviewing.start("blinded")
    side.desk._snapshot = None
    side.desk.slide_changed.emit(side.desk.layer)
    assert side.page.mode == "off" and result.visible
