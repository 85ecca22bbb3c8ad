"""Galleries: which tiles, how far apart, when they are read, and what is never read or shown."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import MagicMock

import numpy as np
import pytest
from at_the_desk import GRID, PROMPTS, SCORED, Desk, refined, snapshot

from napari_histoalign.plugin.gallery import Gallery, GalleryView
from napari_histoalign.plugin.gallery_picks import APART, KINDS, Wish, pick, spread


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def view():
    made = MagicMock(spec=GalleryView)
    made.in_sight.return_value = True
    return made


@pytest.fixture
def gone():
    return []


@pytest.fixture
def gallery(desk, view, gone):
    return Gallery(desk, view, gone.append)


def thumbs(view):
    return view.show_thumbs.call_args.args[0]


def distances(xy):
    apart = np.abs(xy[:, None] - xy[None]).max(axis=2)
    return apart[~np.eye(len(xy), dtype=bool)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chosen", [None, 0, 1, 2])
def test_picks_are_of_the_class_and_in_order(kind, chosen):
    snap = snapshot()
    tiles = snap.scored.tiles
    measure = {
        "certain": tiles.probabilities.max(axis=1),
        "uncertain": tiles.entropy,
        "contested": snap.scored.disagreement(),
    }[kind]

    found = pick(snap, Wish(kind, chosen))

    at = np.searchsorted(SCORED, found.indices)
    np.testing.assert_allclose(found.values, measure[at])
    assert (np.diff(found.values) <= 0).all()
    of_class = np.ones(len(tiles), bool) if chosen is None else tiles.label == chosen
    assert of_class[at].all()
    assert found.values[0] == measure[of_class].max()
    assert len(found.indices) == min(12, of_class.sum())


def test_certain_and_uncertain_are_of_what_is_shown():
    snap = refined(snapshot())
    assert len(pick(snap, Wish("certain", 0)).indices) == 0
    assert pick(snap, Wish("certain", 1)).values[0] == pytest.approx(0.7)


def test_one_pair_of_encoders_contradicts_nobody():
    snap = snapshot()
    part = snap.scored.scores.parts[0]
    alone = replace(snap.scored, scores=replace(snap.scored.scores, parts=(part,)))
    assert len(pick(replace(snap, scored=alone), Wish("contested")).indices) == 0


def test_tiles_lie_apart_where_there_is_room():
    rng = np.random.default_rng(0)
    xy = np.stack(np.meshgrid(np.arange(80), np.arange(60)), axis=-1).reshape(-1, 2) * 100
    values = rng.random(len(xy))
    found = spread(values, xy, np.arange(len(xy)), 12, 100)
    assert len(found) == 12
    assert distances(xy[found]).min() >= APART * 100
    # greedy: nothing better was passed over unless it is near one that was taken
    worst = values[found].min()
    for better in np.flatnonzero(values > worst):
        assert np.abs(xy[found] - xy[better]).max(axis=1).min() < APART * 100


def test_in_a_small_place_they_draw_nearer_but_never_overlap():
    xy = np.stack(np.meshgrid(np.arange(7), np.arange(7)), axis=-1).reshape(-1, 2) * 50  # half a tile apart
    values = np.linspace(0, 1, len(xy))
    found = spread(values, xy, np.arange(len(xy)), 12, 100)
    assert distances(xy[found]).min() >= 100
    assert len(found) >= 9
    assert found[0] == len(xy) - 1


def test_many_equal_values_and_few_candidates_end():
    xy = np.array([[0, 0], [10, 0], [1000, 0]])
    assert spread(np.ones(3), xy, np.arange(3), 12, 100).tolist() == [0, 2]
    assert spread(np.ones(3), xy, np.empty(0, np.int64), 12, 100).tolist() == []


def test_asked_for_it_shows_places_first_and_pictures_as_they_come(desk, view, gallery):
    desk.show(snapshot())
    gallery.wish(Wish("uncertain", 1))
    desk.do_errands()
    wanted = pick(desk.shown, Wish("uncertain", 1))
    assert [thumb.index for thumb in thumbs(view)] == wanted.indices.tolist()
    assert thumbs(view)[0].caption == f"{wanted.values[0]:.3f}"
    assert "benign 0." in thumbs(view)[0].tooltip
    shown = {call.args[0]: call.args[1] for call in view.show_thumb_picture.call_args_list}
    assert sorted(shown) == list(range(len(wanted.indices)))
    x, y = GRID.xy([wanted.indices[4]])[0]
    np.testing.assert_array_equal(shown[4], desk.opened.read_area(x, y, 200, 200, (144, 144)))
    assert view.show_state.call_args.args == ("Entropy below each tile of benign.",)


def test_pictures_known_already_are_not_read_again(desk, view, gallery):
    desk.show(snapshot())
    gallery.refresh()
    desk.do_errands()
    reads = len(desk.opened.reads)
    view.reset_mock()
    gallery.refresh()
    desk.do_errands()
    assert len(desk.opened.reads) == reads > 0
    assert view.show_thumb_picture.call_count == len(thumbs(view)) == 12


def test_another_wish_gives_up_what_was_being_read(desk, view, gallery):
    desk.show(snapshot())
    gallery.wish(Wish("certain"))
    desk.do_one()  # the tiles are picked, their pictures wait
    gallery.wish(Wish("uncertain"))
    desk.do_errands()
    wanted = pick(desk.shown, Wish("uncertain")).indices
    for call in view.show_thumb_picture.call_args_list:
        position, picture = call.args
        x, y = GRID.xy([wanted[position]])[0]
        np.testing.assert_array_equal(picture, desk.opened.read_area(x, y, 200, 200, (144, 144)))
    assert view.show_thumb_picture.call_count == len(wanted)


def test_during_a_run_nothing_is_read_and_after_it_everything(desk, view, gallery):
    for count in (20, 60, 200):
        desk.show(snapshot(indices=SCORED[:count]))
    assert not desk.runner.busy
    assert desk.opened.reads == []
    gallery.run_ended()
    desk.do_errands()
    assert len(desk.opened.reads) == 12
    desk.show(snapshot(PROMPTS.with_prompts(0, ["carcinoma"]), seed=3))
    desk.do_errands()
    assert len(desk.opened.reads) == 12, "an edit alone does not reorder what a person looks at"
    assert view.show_state.call_args.args[0].startswith("The scores have changed")
    assert view.show_state.call_args.kwargs == {"stale": True}
    gallery.refresh()
    desk.do_errands()
    assert view.show_state.call_args.kwargs == {"stale": False}


def test_what_nobody_sees_is_not_read_until_somebody_looks(desk, view, gallery):
    view.in_sight.return_value = False
    desk.show(snapshot())
    gallery.run_ended()
    assert not desk.runner.busy
    view.in_sight.return_value = True
    gallery.came_into_sight()
    desk.do_errands()
    assert len(thumbs(view)) == 12
    gallery.came_into_sight()
    assert not desk.runner.busy, "it is there already"
    view.in_sight.return_value = False
    gallery.run_ended()
    view.in_sight.return_value = True
    gallery.came_into_sight()
    assert desk.runner.busy, "a run has ended since"


def test_before_a_run_it_says_so(desk, view, gallery):
    gallery.refresh()
    assert view.show_state.call_args.args == ("Run first: there are no scores yet.",)
    desk.show(snapshot())
    gallery.refresh()
    desk.show(None)
    desk.do_errands()
    assert thumbs(view) == ()
    assert view.show_state.call_args.args == ("Run first: there are no scores yet.",)


def test_other_tiles_empty_it(desk, view, gallery):
    desk.show(snapshot())
    gallery.refresh()
    desk.show(snapshot(grid=replace(GRID, origin=(0, 0))))
    desk.do_errands()
    assert thumbs(view) == ()


def test_another_slide_has_other_pixels_at_the_same_tiles(desk, view, gallery):
    desk.show(snapshot())
    gallery.refresh()
    desk.do_errands()
    reads = len(desk.opened.reads)
    desk.slide_changed.emit(None)
    desk.show(snapshot())
    gallery.refresh()
    desk.do_errands()
    assert len(desk.opened.reads) == 2 * reads


def test_unread_tiles_are_marked_and_the_others_shown(desk, view, gallery):
    desk.show(snapshot())
    desk.opened.broken = True
    gallery.refresh()
    desk.do_errands()
    assert [call.args for call in view.show_thumb_picture.call_args_list] == [(i, None) for i in range(12)]


def test_classes_are_offered_when_they_change(desk, view, gallery):
    desk.show(snapshot())
    desk.show(snapshot())
    view.show_classes.assert_called_once_with(("malignant", "benign", "glass"), PROMPTS.colors)


def test_hidden_answers_show_no_tiles(desk, view, gallery):
    desk.show(snapshot())
    gallery.refresh()
    gallery.hide_answers(True)
    desk.do_errands()
    assert thumbs(view) == ()
    gallery.run_ended()
    desk.do_errands()
    assert thumbs(view) == ()
    gallery.hide_answers(False)
    desk.do_errands()
    assert len(thumbs(view)) == 12


def test_a_class_that_is_gone_does_not_stop_it(desk, view, gallery):
    desk.show(snapshot())
    gallery.wish(Wish("certain", 2))
    desk.do_errands()
    desk.show(snapshot(replace(PROMPTS, classes=PROMPTS.classes[:2])))
    gallery.refresh()
    desk.do_errands()
    assert len(thumbs(view)) == 12, "all classes again"


def test_a_chosen_tile_is_gone_to(gallery, gone):
    gallery.go_to(7)
    assert gone == [7]
