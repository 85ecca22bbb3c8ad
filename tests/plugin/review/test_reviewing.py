"""Walking regions, deciding, undoing, and coming back to it with other scores."""

from __future__ import annotations

import numpy as np
import pytest
from review_stand_ins import MPP, TUMOURS, Side, snapshot

from napari_histoalign.plugin.reader import METADATA_KEY
from napari_histoalign.plugin.review_outline import OUTLINE, segments
from napari_histoalign.plugin.review_region_walk import PENDING
from napari_histoalign.results.review import read_log

SHIFTED = TUMOURS.copy()
SHIFTED[1, 1] = 0  # three quarters of the sure tumour are left
FAR = np.zeros_like(TUMOURS)
FAR[3, 0] = 9


def bounds(side):
    return side.reviewing.regions.current.polygon.bounds


def outline(side):
    found = [x for x in side.desk.viewer.layers if OUTLINE in x.metadata.get(METADATA_KEY, {})]
    return found[0] if found else None


def decisions(side):
    return {(r.model["class"], r.target.polygon.bounds): r.decision for r in side.book.own.regions.values()}


def test_the_least_sure_region_comes_first_and_the_camera_goes_there(side):
    side.reviewing.start("regions")
    assert side.page.heading == "Region 1 of 3: malignant 0.59, 2 tiles"
    assert (side.page.done, side.page.total) == (0, 3)
    assert side.desk.went == [(500, 250, 200)]
    seen = []
    for _ in range(3):
        seen.append(bounds(side))
        side.desk.press("N")
    assert seen == [(400, 200, 600, 300), (0, 0, 200, 200), (0, 0, 600, 400)]
    assert bounds(side) == seen[0], "round and round"
    side.desk.press("P")
    assert bounds(side) == seen[2]


def test_decisions_by_keys_are_written_with_what_the_model_said(side):
    side.reviewing.start("regions")
    side.desk.press("A", "R", "1")
    acts = read_log(side.log.path).acts
    assert [(a.what, a.after) for a in acts] == [
        ("accept", {"decision": "accepted"}),
        ("reject", {"decision": "rejected"}),
        ("relabel", {"class": "malignant"}),
    ]
    assert acts[0].model == {"class": "malignant", "probability": pytest.approx(0.588)}
    assert acts[2].before == {"class": "benign"}
    assert acts[0].target.polygon.bounds == (400, 200, 600, 300)
    assert (side.page.done, side.page.total) == (3, 3)
    assert side.desk.said[-1] == "All 3 regions are reviewed."


def test_the_class_it_has_already_is_no_relabelling(side):
    side.reviewing.start("regions")
    side.desk.press("1")
    assert [a.what for a in side.log.acts] == ["accept"]


def test_undo_is_an_act_and_goes_back_to_the_region(side):
    side.reviewing.start("regions")
    side.desk.press("R")
    assert bounds(side) == (0, 0, 200, 200)
    side.desk.press("Ctrl+Z")
    assert bounds(side) == (400, 200, 600, 300)
    assert side.page.done == 0
    assert [a.what for a in side.log.acts] == ["reject", "undo"]
    side.desk.press("Ctrl+Shift+Z")
    assert side.page.done == 1


def test_a_drawn_outline_replaces_the_models(side):
    side.reviewing.start("regions")
    side.desk.press("D")
    side.lasso((410, 210), (500, 205), (590, 210), (590, 290), (410, 290))
    act = side.log.acts[-1]
    assert act.what == "redraw"
    assert act.before["coordinates"][0][0] != act.after["coordinates"][0][0]
    assert side.draw.layer is None
    assert "redrawn" in side.page.detail and side.page.done == 1
    layer = outline(side)
    y, x = layer.data[:, 0, 0] + 0.5, layer.data[:, 0, 1] + 0.5
    assert (x.min(), x.max(), y.min(), y.max()) == pytest.approx((410, 590, 205, 290), abs=1)
    side.desk.press("A")
    assert side.log.acts[-1].target.polygon.bounds[1] == pytest.approx(205, abs=1), "accepted as redrawn"


def test_comments_stay_with_their_region(side):
    side.reviewing.start("regions")
    assert side.reviewing.comment("mitoses <here>")
    assert side.page.detail == "Ann: mitoses <here>"
    side.desk.press("N")
    assert side.page.detail == ""
    side.reviewing.stop()
    assert side.reviewing.comment("a poor scan")
    assert side.log.acts[-1].target is None
    assert not side.reviewing.comment("  ")


def test_decisions_survive_another_scoring_that_moves_the_outline(side):
    side.reviewing.start("regions")
    side.desk.press("N", "A")  # the sure tumour
    side.desk.show(snapshot(SHIFTED))
    mine = [i for i in side.reviewing.regions.items if i.target.uuid in side.book.own.regions]
    assert len(mine) == 1
    assert mine[0].polygon.bounds == (0, 0, 200, 200) and mine[0].polygon.area == 40_000, "as reviewed"
    assert (side.page.done, side.page.total) == (1, 3)
    assert decisions(side) == {("malignant", (0, 0, 200, 200)): "accepted"}


def test_a_reviewed_region_that_the_model_no_longer_draws_stays(side):
    side.reviewing.start("regions")
    side.desk.press("N", "R")
    side.desk.show(snapshot(FAR))
    items = side.reviewing.regions.items
    assert items[-1].polygon.bounds == (0, 0, 200, 200) and items[-1].tiles == 0
    assert (side.page.done, side.page.total) == (1, 3)  # the new tumour, the benign rest, and the old one
    side.reviewing.regions.go(items[-1].target.uuid)
    assert "no longer drawn" in side.page.heading


def test_another_class_at_the_same_place_is_another_region(side):
    side.reviewing.start("regions")
    side.desk.press("N", "R")  # the sure tumour is none
    side.desk.show(snapshot(np.where(TUMOURS == 9, 0, TUMOURS)))
    reviewed = [i for i in side.reviewing.regions.items if i.target.uuid in side.book.own.regions]
    assert [i.class_name for i in reviewed] == ["malignant"], "the benign answer has still to be reviewed"


def test_open_regions_keep_their_identity_and_their_place(side):
    side.reviewing.start("regions")
    side.desk.press("N")
    key = side.reviewing.regions.current.target.uuid
    went = len(side.desk.went)
    side.desk.show(snapshot(SHIFTED))
    assert side.reviewing.regions.current.target.uuid == key
    assert side.reviewing.regions.current.polygon.area == 30_000, "an open region follows the model"
    assert len(side.desk.went) == went, "the camera stays while the person looks"


def test_the_camera_stays_when_the_region_that_is_looked_at_dissolves(side):
    side.reviewing.start("regions")
    side.desk.press("N")
    went = len(side.desk.went)
    side.desk.show(snapshot(FAR))
    assert side.reviewing.regions.current is None and len(side.desk.went) == went
    assert "otherwise now" in side.page.heading and not side.page.ready and outline(side) is None
    side.desk.press("A")
    assert side.log.acts == (), "nothing is decided on what is not shown"
    side.desk.press("N")
    assert side.page.ready and len(side.desk.went) == went + 1


def test_a_review_goes_on_from_its_log(side, tmp_path):
    side.reviewing.start("regions")
    side.desk.press("R", "A")
    side.close()
    again = Side(tmp_path)
    again.desk.show(snapshot())
    again.reviewing.start("regions")
    assert (again.page.done, again.page.total) == (2, 3)
    assert again.reviewing.regions.current.class_name == "benign"
    again.book.set_reviewer("Ben")
    assert again.page.done == 0, "another reviewer decides anew"
    keys = {i.target.uuid for i in again.reviewing.regions.items}
    again.reviewing.regions.step(-again.reviewing.regions.items.index(again.reviewing.regions.current))
    again.desk.press("A")
    assert set(again.book.state.of("Ann").regions) <= keys, "on the same regions"
    again.close()


def test_filters_leave_out_what_is_not_looked_for(side):
    side.reviewing.start("regions")
    side.reviewing.set_filter("malignant", 1)
    assert side.page.total == 2
    side.reviewing.set_filter("malignant", 3)
    assert side.page.total == 1 and bounds(side) == (0, 0, 200, 200)
    side.reviewing.set_filter("", 1)
    side.reviewing.set_threshold(0.7)
    assert side.page.total == 2, "the unsure tumour is below it"
    side.reviewing.set_threshold(0.999)
    assert (side.page.total, side.page.ready) == (0, False)
    side.desk.press("A")
    assert side.log.acts == ()


def test_review_keys_come_before_marking_keys_and_go_with_the_mode(side):
    side.marking.use_keys(True)
    side.desk.point_at(50, 50)
    side.reviewing.start("regions")
    side.desk.show(snapshot())  # marking binds its keys again
    side.desk.press("2")
    assert side.tiles() == {} and side.log.acts[-1].what == "relabel"
    side.desk.press("U")
    assert side.tiles() == {0: "unsure"}, "keys that review does not need still mark"
    side.reviewing.stop()
    side.desk.press("2")
    assert side.tiles() == {0: "benign"}
    assert outline(side) is None and side.page.mode == "off"


def test_without_a_run_there_is_nothing_to_review(idle):
    idle.reviewing.start("regions")
    assert idle.page.mode == "off" and "Run on the slide first" in idle.desk.errors[-1]


def test_reopening_leaves_a_region_open(side):
    side.reviewing.start("regions")
    side.desk.press("A", "P")
    side.reviewing.reopen()
    assert [r.decision for r in side.book.own.regions.values()] == [PENDING]
    assert side.page.done == 0


def test_edges_of_an_outline_with_a_hole():
    from shapely import box

    ring = box(0, 0, 10, 10).difference(box(4, 4, 6, 6))
    edges = segments(ring)
    assert edges.shape == (8, 2, 2), "four outer and four inner edges, none between the rings"
    ends = edges[:, 0] + edges[:, 1]
    assert {tuple(e) for e in ends + 0.5} == {tuple(e) for e in edges[:, 0] + 0.5}
    assert np.abs(edges[:, 1]).sum() == 4 * 10 + 4 * 2


def test_the_outline_is_as_wide_on_the_screen_at_any_zoom(side):
    side.reviewing.start("regions")
    for zoom in (0.5, 8.0):
        side.desk.viewer.scene.camera.zoom = zoom
        assert outline(side).edge_width * MPP * zoom == pytest.approx(3)
