"""The tile that was chosen, without Qt: what is shown of it, when, and what never lands."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import MagicMock

import numpy as np
import pytest
from at_the_desk import GRID, PROMPTS, SCORED, Desk, hovered, middle, move, press, refined, snapshot

from napari_histoalign.plugin.inspector import Inspector
from napari_histoalign.plugin.inspector_outline import NAME
from napari_histoalign.plugin.inspector_seams import InspectorView

TILE, OTHER_TILE = 104, 210


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def view():
    return MagicMock(spec=InspectorView)


@pytest.fixture
def inspector(desk, view):
    made = Inspector(desk, view, encoders=lambda: ("Path", "General"))
    view.reset_mock()
    return made


def test_a_click_shows_probabilities_at_once_and_the_rest_as_it_comes(desk, view, inspector):
    desk.show(snapshot())
    desk.point_at(*middle(TILE))
    press(desk, (100, 100))
    title, rows, note = view.show_tile.call_args.args
    assert inspector.index == TILE
    assert "x 2,900, y 650 px" in title
    assert "112 µm" in title
    assert [row.bounds for row in rows] == [None] * 3
    assert note == ""
    assert view.show_picture.call_args.args == (None,)
    desk.do_errands()
    picture = view.show_picture.call_args.args[0]
    x, y = GRID.xy([TILE])[0]
    np.testing.assert_array_equal(picture, desk.opened.read_area(x, y, 200, 200, (200, 200)))
    for row in view.show_tile.call_args.args[1]:
        low, high = row.bounds
        assert 0 <= low < high <= 1
        assert "no error rate" in row.tooltip


def test_reasons_are_of_the_most_probable_class_until_another_is_chosen(desk, view, inspector):
    snap = snapshot()
    desk.show(snap)
    inspector.inspect(TILE)
    desk.do_errands()
    reasons, chosen = view.show_reasons.call_args.args
    assert chosen == snap.scored.tiles.label[snap.scored.position(TILE)]
    explanation = snap.scored.explain(TILE)
    logits = explanation.by_prompt().sum(axis=0)
    wanted = logits[chosen] - logits.mean()
    assert sum(bar.value for bar in reasons.prompts) == pytest.approx(wanted, abs=1e-6)
    assert sum(bar.value for bar in reasons.pairs) == pytest.approx(wanted, abs=1e-6)
    assert sum(bar.value for bar in reasons.views) == pytest.approx(wanted, abs=1e-6)
    values = [bar.value for bar in reasons.prompts]
    assert values == sorted(values, reverse=True)
    assert {bar.text for bar in reasons.prompts} == {
        "tumour",
        "carcinoma",
        "atypia",
        "duct",
        "lobule",
        "empty",
    }
    assert [bar.text for bar in reasons.pairs] == [
        "Path",
        "images of Path, texts of General",
        "images of General, texts of Path",
        "General",
    ]
    assert [bar.text for bar in reasons.views] == ["as it is", "mirrored"]
    other = (chosen + 1) % 3
    inspector.explain_class(other)
    assert view.show_reasons.call_args.args[1] == other
    inspector.inspect(OTHER_TILE)
    desk.do_errands()
    assert view.show_reasons.call_args.args[1] == other, "the person chose it"


def test_of_many_prompts_the_best_and_the_worst_are_listed(desk, view, inspector):
    many = PROMPTS.with_prompts(0, [f"tumour {i}" for i in range(30)])
    snap = snapshot(many)
    desk.show(snap)
    inspector.inspect(TILE)
    desk.do_errands()
    reasons, chosen = view.show_reasons.call_args.args
    added = np.sort(snap.scored.explain(TILE).by_prompt()[:, chosen])[::-1]
    np.testing.assert_allclose([b.value for b in reasons.prompts], np.r_[added[:5], added[-5:]], atol=1e-6)
    assert reasons.rest == f"23 prompts in between add {added[5:-5].sum():+.2f}."


def test_the_tiles_most_alike_come_with_their_pictures(desk, view, inspector):
    desk.show(snapshot())
    inspector.inspect(TILE)
    desk.do_errands()
    thumbs = view.show_thumbs.call_args.args[0]
    assert len(thumbs) == 8
    assert TILE not in [thumb.index for thumb in thumbs]
    assert {thumb.index for thumb in thumbs} <= set(SCORED.tolist())
    shown = {call.args[0]: call.args[1] for call in view.show_thumb_picture.call_args_list}
    assert sorted(shown) == list(range(8))
    assert all(picture.shape == (144, 144, 3) for picture in shown.values())


def test_the_outline_frames_the_tile_and_nothing_else_changes(desk, inspector):
    desk.show(snapshot())
    layers = desk.viewer.layers
    layers.selection.active = layers["slide"]
    inspector.inspect(TILE)
    desk.do_errands()
    frame = layers[NAME]
    # its one pixel reaches from -0.5 to 0.5; a slide pixel is 0.5 um
    corners = np.array([frame.data_to_world((e, e)) for e in (-0.5, 0.5)]) / 0.5 + 0.5
    x, y = GRID.xy([TILE])[0]
    np.testing.assert_allclose(corners, [[y, x], [y + 200, x + 200]], atol=1e-6)
    assert frame.bounding_box.visible
    assert layers.selection.active is layers["slide"]
    inspector.inspect(OTHER_TILE)
    desk.do_errands()
    assert layers[NAME] is frame
    x, y = GRID.xy([OTHER_TILE])[0]
    np.testing.assert_allclose(np.array(frame.data_to_world((-0.5, -0.5))) / 0.5 + 0.5, [y, x], atol=1e-6)
    inspector.clear()
    assert NAME not in layers


def test_an_outline_that_was_deleted_comes_again(desk, inspector):
    desk.show(snapshot())
    inspector.inspect(TILE)
    desk.do_errands()
    desk.viewer.layers.remove(NAME)
    inspector.inspect(OTHER_TILE)
    desk.do_errands()
    assert NAME in desk.viewer.layers
    desk.viewer.layers.remove(NAME)
    inspector.clear()


def test_what_was_asked_of_another_tile_never_lands(desk, view, inspector):
    desk.show(snapshot())
    inspector.inspect(TILE)
    inspector.inspect(OTHER_TILE)
    desk.do_errands()
    x, y = GRID.xy([OTHER_TILE])[0]
    pictures = [c.args[0] for c in view.show_picture.call_args_list if c.args[0] is not None]
    assert len(pictures) == 1
    np.testing.assert_array_equal(pictures[0], desk.opened.read_area(x, y, 200, 200, (200, 200)))
    assert view.show_reasons.call_args_list[-1].args[0] is not None
    assert sum(call.args[0] is not None for call in view.show_reasons.call_args_list) == 1


def test_after_letting_go_nothing_lands(desk, view, inspector):
    desk.show(snapshot())
    inspector.inspect(TILE)
    inspector.clear()
    view.reset_mock()
    desk.do_errands()
    assert NAME not in desk.viewer.layers
    view.show_picture.assert_not_called()
    view.show_tile.assert_not_called()
    view.show_reasons.assert_not_called()


def test_an_edit_shows_the_same_tile_anew(desk, view, inspector):
    desk.show(snapshot())
    inspector.inspect(TILE)
    desk.do_errands()
    reads = len(desk.opened.reads)
    edited = snapshot(PROMPTS.with_prompts(0, ["carcinoma"]), seed=5, generation=1)
    desk.show(edited)
    desk.do_errands()
    wanted = edited.scored.tiles.probabilities[edited.scored.position(TILE)]
    rows = view.show_tile.call_args.args[1]
    np.testing.assert_allclose([row.probability for row in rows], wanted, atol=1e-6)
    texts = {bar.text for bar in view.show_reasons.call_args.args[0].prompts}
    assert texts == {"carcinoma", "duct", "lobule", "empty"}
    assert len(desk.opened.reads) == reads, "no pixel is read for an edit"


def test_a_run_asks_for_reasons_now_and_then_and_when_it_ends(desk, view, inspector):
    desk.show(snapshot())
    inspector.inspect(TILE)
    desk.do_errands()
    view.reset_mock()
    for count in range(100, 140):
        desk.show(snapshot(indices=SCORED[:count]))
        desk.do_errands()
    assert view.show_tile.call_count >= 40, "probabilities follow at once"
    assert view.show_reasons.call_count < 20
    view.reset_mock()
    inspector.run_ended()
    desk.do_errands()
    view.show_reasons.assert_called_once()
    assert len(view.show_thumbs.call_args.args[0]) == 8


def test_another_number_of_classes_is_borne(desk, view, inspector):
    desk.show(snapshot())
    inspector.inspect(TILE)
    desk.do_errands()
    two = replace(PROMPTS, classes=PROMPTS.classes[:2])
    inspector.explain_class(2)
    desk.show(snapshot(two, generation=1))
    desk.do_errands()
    assert [row.name for row in view.show_tile.call_args.args[1]] == ["malignant", "benign"]
    assert view.show_reasons.call_args.args[1] in (0, 1)


def test_of_refined_scores_it_says_what_they_were_before(desk, view, inspector):
    snap = refined(snapshot())
    desk.show(snap)
    inspector.inspect(TILE)
    desk.do_errands()
    rows, note = view.show_tile.call_args.args[1:]
    assert [round(row.probability, 2) for row in rows] == [0.2, 0.7, 0.1]
    at = snap.scored.position(TILE)
    best = int(snap.scored.tiles.label[at])
    before = snap.scored.tiles.probabilities[at, best]
    assert f"Refined by smoothing. For itself it is {PROMPTS.class_names[best]} {before:.2f}" in note


@pytest.mark.parametrize("gone", ["snapshot", "grid", "tile", "slide"])
def test_a_tile_that_is_gone_is_let_go(desk, view, inspector, gone):
    desk.show(snapshot())
    inspector.inspect(TILE)
    desk.do_one()
    assert NAME in desk.viewer.layers
    if gone == "snapshot":
        desk.show(None)
    elif gone == "grid":
        desk.show(snapshot(grid=type(GRID)((0, 0), 200, 200, 30, 20, 224, 0.5)))
    elif gone == "tile":
        desk.show(snapshot(indices=SCORED[:20]))
    else:
        desk.slide_changed.emit(None)
    assert inspector.index is None
    view.clear.assert_called()
    assert NAME not in desk.viewer.layers
    view.reset_mock()
    desk.do_errands()
    view.show_tile.assert_not_called()


def test_pixels_that_cannot_be_read_are_told_and_the_rest_is_there(desk, view, inspector):
    desk.show(snapshot())
    desk.opened.broken = True
    inspector.inspect(TILE)
    desk.do_errands()
    assert "damaged" in desk.said[0]
    assert view.show_reasons.call_args.args[0] is not None
    pictures = [call.args[1] for call in view.show_thumb_picture.call_args_list]
    assert pictures == [None] * 8


def test_a_chosen_thumbnail_is_gone_to(desk, inspector):
    desk.show(snapshot())
    inspector.go_to(OTHER_TILE)
    assert desk.gone_to == [(*middle(OTHER_TILE), 400)]
    assert inspector.index == OTHER_TILE


def test_hidden_answers_are_nowhere(desk, view, inspector):
    desk.show(snapshot())
    move(desk, *middle(TILE))
    inspector.inspect(TILE)
    inspector.hide_answers(True)
    desk.do_errands()
    assert hovered(view) == ()
    assert "malignant" not in str(desk.viewer.status)
    assert view.show_tile.call_args.args[1] == ()
    assert view.show_reasons.call_args.args[0] is None
    assert view.show_thumbs.call_args.args[0] == ()
    assert view.show_picture.call_args.args[0] is not None, "pixels may be seen"
    inspector.hide_answers(False)
    desk.do_errands()
    assert len(view.show_tile.call_args.args[1]) == 3
    assert hovered(view)
