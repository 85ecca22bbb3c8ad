"""Marking by keys, strokes and drawn areas, on napari's own key handling and a real log."""

from __future__ import annotations

import numpy as np
import pytest
from review_stand_ins import GRID, MPP, TUMOURS, renamed, reordered, snapshot

from napari_histoalign.plugin.marking_layer import MARKS
from napari_histoalign.plugin.marking_places import tile_at
from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.results.review import Label, read_log
from napari_histoalign.slides import TileGrid


def marks_layer(side):
    found = [x for x in side.desk.viewer.layers if MARKS in x.metadata.get(METADATA_KEY, {})]
    return found[0] if found else None


def test_digits_mark_the_tile_under_the_cursor_and_say_what_the_model_said(side):
    side.marking.use_keys(True)
    side.desk.point_at(150, 50)
    side.desk.press("2")
    assert side.tiles() == {1: "benign"}
    (act,) = read_log(side.log.path).acts
    assert (act.who, act.what, act.target.xy, act.target.tile_px) == ("Ann", "mark", (100, 0), 100)
    assert act.model == {"class": "malignant", "probability": pytest.approx(0.882)}
    assert not act.blinded


@pytest.mark.parametrize(("key", "label"), [("U", "unsure"), ("X", "artefact"), ("1", "malignant")])
def test_each_key_gives_its_label(side, key, label):
    side.marking.use_keys(True)
    side.desk.point_at(350, 250)
    side.desk.press(key)
    assert side.tiles() == {15: label}
    assert side.marks.rows[label].count == 1


def test_backspace_takes_the_mark_and_undo_and_redo_are_acts(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.desk.press("1", "Backspace")
    assert side.tiles() == {}
    side.desk.press("Ctrl+Z")
    assert side.tiles() == {0: "malignant"}
    side.desk.press("Ctrl+Z")
    assert side.tiles() == {}
    side.desk.press("Ctrl+Shift+Z")
    assert side.tiles() == {0: "malignant"}
    assert [act.what for act in side.log.acts] == ["mark", "unmark", "undo", "undo", "undo"]


def test_keys_are_given_back(side):
    """Napari's 1 chooses a tool of the image layer; ours is in its way only while the switch is on."""
    side.desk.point_at(50, 50)
    side.desk.press("1")
    assert side.tiles() == {}
    side.marking.use_keys(True)
    side.marking.use_keys(False)
    side.desk.press("1", "Ctrl+Z")
    assert side.tiles() == {}
    assert not side.desk.layer.keymap
    assert not side.desk.viewer.keymap


def test_keys_follow_the_active_layer_and_spare_labels_of_the_person(side):
    viewer = side.desk.viewer
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    own = viewer.add_labels(np.zeros((4, 4), int))
    side.desk.press("2")
    assert side.tiles() == {} and not own.keymap
    result = viewer.add_labels(np.zeros((4, 4), int), metadata={METADATA_KEY: {"result": "classes"}})
    side.desk.press("2")
    assert side.tiles() == {0: "benign"}
    viewer.layers.selection.clear()
    side.desk.press("1")
    assert side.tiles() == {0: "malignant"}
    assert not result.keymap


def test_a_held_key_marks_a_stroke_that_is_undone_at_once(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 150)
    release = side.desk.hold("2")
    side.desk.point_at(420, 160)  # a fast hand: tiles between two events count too
    side.desk.point_at(430, 350)
    release()
    side.desk.point_at(50, 350)
    assert sorted(side.tiles()) == [6, 7, 8, 9, 10, 16, 22]
    marked = side.desk.marked[-1]
    assert len(set(marked.groups)) == 1, "a stroke is held out as a whole"
    side.desk.press("Ctrl+Z")
    assert side.tiles() == {}


def test_a_stroke_ends_when_the_release_went_astray(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.desk.hold("1")
    side.now = 3.0
    side.desk.point_at(550, 350)
    side.now = 3.1
    side.desk.point_at(550, 250)
    assert side.tiles() == {0: "malignant"}


def test_a_lasso_marks_scored_tiles_whose_middle_it_encloses(side):
    side.desk.show(snapshot(scored=set(range(24)) - {8}))
    side.marking.draw(True)
    side.desk.press("2")
    side.lasso((10, 10), (290, 10), (290, 190), (70, 190), (70, 140), (80, 20))
    # the middles of 0 and 6 (x 50) lie outside, 8 was not scored
    assert side.tiles() == {1: "benign", 2: "benign", 7: "benign"}
    assert len(side.draw.layer.data) == 0, "what was drawn does not stay"
    side.lasso((310, 10), (390, 10), (390, 90), (310, 90))
    groups = dict(zip(side.desk.marked[-1].indices.tolist(), side.desk.marked[-1].groups, strict=True))
    assert groups[1] == groups[2] == groups[7] != groups[3]
    side.marking.undo()
    assert sorted(side.tiles()) == [1, 2, 7]


def test_drawing_leaves_no_layer_and_gives_the_selection_back(side):
    before = list(side.desk.viewer.layers)
    side.marking.draw(True)
    assert side.desk.viewer.layers.selection.active is side.draw.layer
    assert side.draw.layer.mode == "add_polygon_lasso"
    side.marking.draw(False)
    assert list(side.desk.viewer.layers) == before
    assert side.desk.viewer.layers.selection.active is side.desk.layer
    side.marking.draw(True)
    side.desk.viewer.layers.remove(side.draw.layer)  # by hand
    assert side.marks.modes == (False, False, True)


def test_digits_mark_the_tiles_of_selected_shapes(side):
    side.marking.use_keys(True)
    corners = np.array([[110, 10], [110, 190], [290, 190], [290, 10]]) * MPP  # y, x in um
    shapes = side.desk.viewer.add_shapes([corners], shape_type="polygon", units=("um", "um"))
    side.desk.viewer.layers.selection.active = shapes
    shapes.selected_data = {0}
    side.desk.press("1")
    assert sorted(side.tiles()) == [6, 7, 12, 13]
    side.desk.press("Backspace")
    assert len(shapes.data) == 0 or sorted(side.tiles()) == [6, 7, 12, 13], "Backspace stays napari's there"


def test_marks_are_examples_by_class_name(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.desk.press("1")
    side.desk.point_at(150, 250)
    side.desk.press("2")
    side.desk.point_at(150, 350)
    side.desk.press("U")
    first = side.desk.marked[-1]
    assert first.indices.tolist() == [0, 13] and first.labels.tolist() == [0, 1]
    side.desk.show(snapshot(prompts=reordered(1, 2, 0)))
    assert side.desk.marked[-1].labels.tolist() == [2, 0], "the class moved, the mark went with it"
    side.desk.point_at(550, 350)
    side.desk.press("3")
    assert side.tiles()[23] == "malignant", "so did the keys"


def test_marks_of_a_class_that_is_gone_are_kept_and_used_no_more(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.desk.press("1")
    side.desk.show(snapshot(prompts=renamed("carcinoma")))
    assert side.desk.marked[-1] is None
    row = side.marks.rows["malignant"]
    assert (row.count, row.known, row.key) == (1, False, "")
    assert side.marks.rows["carcinoma"].count == 0
    assert "malignant" in side.marks.notes[0]
    side.desk.show(snapshot())
    assert side.desk.marked[-1].indices.tolist() == [0]


def test_examples_are_sent_once_and_not_when_switched_off(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.desk.press("1")
    sent = len(side.desk.marked)
    for _ in range(3):
        side.desk.show(snapshot(TUMOURS[::-1]))  # scores alone change no example: no circle
    assert len(side.desk.marked) == sent
    side.marking.use_examples(False)
    assert side.desk.marked[-1] is None
    side.desk.press("2")
    assert side.desk.marked[-1] is None and len(side.desk.marked) == sent + 1


def test_marks_are_drawn_over_their_tiles(side):
    side.marking.use_keys(True)
    side.desk.point_at(250, 150)
    side.desk.press("1")
    side.desk.point_at(550, 350)
    side.desk.press("X")
    layer = marks_layer(side)
    world = [layer.data_to_world(point) for point in layer.data]
    level0 = np.array([side.desk.layer.world_to_data(w) for w in world]) + 0.5
    assert np.allclose(level0, [[150, 250], [350, 550]]), "middles of the tiles, (y, x)"
    assert np.allclose(layer.border_color[0, :3], np.array([0xD6, 0x27, 0x28]) / 255)
    assert [str(s) for s in layer.symbol] == ["square", "x"]
    assert side.desk.viewer.layers.selection.active is side.desk.layer


def test_marks_come_back_when_the_log_is_opened_again(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.desk.press("1")
    side.book.open(None)
    assert side.tiles() == {} and side.desk.marked[-1] is None
    assert len(marks_layer(side).data) == 0
    side.log.close()
    side.open()
    assert side.tiles() == {0: "malignant"}
    assert len(marks_layer(side).data) == 1


def test_without_a_run_nothing_is_marked(idle):
    idle.marking.use_keys(True)
    idle.desk.press("U")
    idle.marking.draw(True)
    assert idle.log.acts == () and idle.draw.layer is None
    assert len(idle.desk.errors) == 2 and "Run on the view first" in idle.desk.errors[0]


def test_what_cannot_be_written_does_not_count(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.log.close()
    side.desk.press("1")
    assert side.tiles() == {} and marks_layer(side) is None
    assert "closed" in side.desk.errors[-1]
    side.book.set_reviewer("  ")
    side.desk.press("1")
    assert "name" in side.desk.errors[-1]


def test_another_slide_takes_marks_and_keys_away(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.desk.press("1")
    side.marking.draw(True)
    side.desk._snapshot = None
    side.desk.slide_changed.emit(None)
    assert marks_layer(side) is None and side.draw.layer is None


def test_choosing_a_label_draws_with_it(side):
    side.marking.draw(True)
    side.marking.choose(Label("unsure"))
    side.lasso((310, 10), (390, 10), (390, 90), (310, 90))
    assert side.tiles() == {3: "unsure"}
    assert side.marks.chosen == Label("unsure")


@pytest.mark.parametrize("stride", [50, 100, 130])
def test_every_point_of_a_map_pixel_belongs_to_its_tile(stride):
    """Overlapping tiles and tiles with gaps: as `ProbabilityMap` lays its pixels."""
    grid = TileGrid((7, 11), 100, stride, 5, 4, 224, None)
    shift = (100 - stride) / 2
    for column, row in ((1, 1), (3, 2), (2, 1)):
        x, y = 7 + shift + column * stride, 11 + shift + row * stride
        for dx, dy in ((0.0, 0.0), (stride - 0.01, stride - 0.01), (stride / 2, stride / 2)):
            assert tile_at(grid, (x + dx, y + dy)) == grid.index(column, row)
    assert tile_at(grid, (7.0, 11.0)) == 0, "the corner of the first tile is its own"
    assert tile_at(grid, (6.9, 11.0)) is None
    assert tile_at(grid, (7 + 4 * stride + 99.9, 12.0)) == 4
    assert tile_at(grid, (7 + 4 * stride + 100.1, 12.0)) is None


def test_the_grid_of_the_stand_in_is_what_the_figures_above_assume():
    assert (GRID.columns, GRID.rows, GRID.tile_px) == (6, 4, 100)
