"""The dock's logic without Qt: one job a lane, stale scores dropped, nothing left hanging."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import MagicMock

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from stand_ins import ALIGNMENT, OTHER, PROMPTS, FakeBench, Lanes, snapshot

from napari_histoalign.alignment.refining import Refinement
from napari_histoalign.engine import MarkedTiles
from napari_histoalign.errors import SlideError
from napari_histoalign.plugin import work as work_module
from napari_histoalign.plugin.geometry import visible_rect
from napari_histoalign.plugin.jobs import Scoring, Setup
from napari_histoalign.plugin.levels import slide_levels
from napari_histoalign.plugin.presenter import Presenter
from napari_histoalign.plugin.seams import Panel

SETUP = Setup("slide.svs")


@pytest.fixture
def viewer(gradient_slide):
    viewer = ViewerModel()
    viewer.canvas.size = (600, 800)
    options = {"rgb": True, "multiscale": True, "scale": (0.5, 0.5), "units": ("um", "um"), "name": "slide"}
    viewer.add_layer(Image(slide_levels(gradient_slide), **options))
    viewer.reset_view()
    return viewer


@pytest.fixture
def panel():
    return MagicMock(spec=Panel)


@pytest.fixture
def bench():
    return FakeBench()


@pytest.fixture
def lanes():
    return Lanes()


@pytest.fixture
def clock(monkeypatch):
    """The presenter's clock, moved by hand."""
    now = [0.0]
    monkeypatch.setattr(work_module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def presenter(viewer, panel, lanes, bench):
    presenter = Presenter(viewer, panel, lanes, bench)
    presenter.set_slide(viewer.layers["slide"])
    presenter.set_scoring(PROMPTS, ALIGNMENT)
    return presenter


def start(presenter, viewer, where="slide"):
    presenter.run(where, viewer.layers["slide"], SETUP)


def states(panel):
    return [call.args[0] for call in panel.show_state.call_args_list]


def scored(viewer):
    return int(np.isfinite(viewer.layers["malignant"].data).sum())


def said(panel):
    return panel.show_status.call_args.args[0]


def test_a_run_shows_layers_while_it_goes_and_ends_ready(presenter, viewer, panel, lanes):
    start(presenter, viewer)
    for _ in range(3):  # a note, nothing done, three done
        lanes.embedding.step()
    lanes.scoring.finish()
    assert scored(viewer) == 3, "there before the run has ended"
    lanes.finish()
    assert scored(viewer) == 12
    assert states(panel) == ["running", "ready"]
    assert said(panel) == "Scored 12 tiles, 12 of them malignant (100%)"
    assert panel.show_snapshot.call_args.args[0].notes == ("A images with B texts: direct.",)


def test_layers_are_drawn_at_most_ten_times_a_second(presenter, viewer, lanes, bench, clock):
    start(presenter, viewer)
    for _ in range(3):
        lanes.embedding.step()
    lanes.scoring.finish()
    assert bench.rescored == 1
    clock[0] += 0.05
    lanes.embedding.step()
    assert not lanes.scoring.busy, "too soon"
    clock[0] += 0.06
    lanes.embedding.step()
    lanes.scoring.finish()
    assert bench.rescored == 2


def test_the_area_is_what_is_in_view(presenter, viewer, lanes, bench):
    viewer.scene.camera.center = (0, 1000 * 0.5, 2000 * 0.5)
    viewer.scene.camera.zoom = 2 / 0.5
    start(presenter, viewer, "view")
    lanes.finish()
    x, y, width, height = bench.areas[0].place.region
    assert (x, y, width, height) == pytest.approx((1800, 850, 400, 300), abs=1.1)


def test_no_shapes_no_run(presenter, viewer, panel, lanes):
    start(presenter, viewer, "shapes")
    assert not lanes.busy and states(panel) == []
    assert panel.show_status.call_args.kwargs == {"error": True}


def test_an_edit_during_a_run_is_scored_beside_it(presenter, viewer, lanes):
    start(presenter, viewer)
    for _ in range(3):
        lanes.embedding.step()
    lanes.scoring.finish()
    presenter.set_scoring(OTHER, ALIGNMENT)
    lanes.scoring.finish()  # while the other lane stands still
    assert np.nanmax(viewer.layers["malignant"].data) == pytest.approx(0.9)
    assert presenter.state == "running"
    lanes.finish()
    assert scored(viewer) == 12


def test_scores_of_an_older_generation_are_not_shown(presenter, viewer, lanes):
    start(presenter, viewer)
    lanes.finish()
    presenter.set_scoring(OTHER, ALIGNMENT)
    old = snapshot(Scoring(PROMPTS, ALIGNMENT, generation=0))
    presenter._work._on_report(old)
    assert presenter.snapshot() is not old
    lanes.finish()
    assert np.nanmax(viewer.layers["malignant"].data) == pytest.approx(0.9)


def test_an_edit_at_rest_scores_again_without_a_run(presenter, viewer, lanes, bench, panel):
    start(presenter, viewer)
    lanes.finish()
    before = bench.rescored
    presenter.set_scoring(OTHER, ALIGNMENT)
    lanes.finish()
    assert bench.rescored == before + 1 and len(bench.setups) == 1
    assert viewer.layers["malignant"].data[0, 0] == pytest.approx(0.9)
    assert said(panel).startswith("Scored again in ")
    assert states(panel)[-1] == "ready"


def test_edits_while_scoring_give_one_more_scoring_with_the_last(presenter, viewer, lanes, bench):
    start(presenter, viewer)
    lanes.finish()
    before = bench.rescored
    for prompts in (OTHER, PROMPTS, OTHER):
        presenter.set_scoring(prompts, ALIGNMENT)
    lanes.finish()
    assert bench.rescored <= before + 2
    assert viewer.layers["malignant"].data[0, 0] == pytest.approx(0.9)


def test_before_the_first_run_an_edit_does_nothing(presenter, lanes):
    presenter.set_scoring(OTHER, ALIGNMENT)
    assert not lanes.busy


def test_marks_score_again_only_where_they_count(presenter, viewer, lanes, bench):
    start(presenter, viewer)
    lanes.finish()
    before = bench.rescored
    marked = MarkedTiles(np.array([1, 2]), np.array([0, 1]))
    presenter.set_marked(marked)
    assert not lanes.busy
    presenter.set_scoring(PROMPTS, ALIGNMENT, Refinement(few_shot="gda"))
    lanes.finish()
    assert presenter.scoring.marked is marked, "marks outlive an edit"
    assert bench.rescored == before + 1
    presenter.set_marked(None)
    lanes.finish()
    assert bench.rescored == before + 2


def test_an_error_is_said_and_the_dock_is_ready_again(presenter, viewer, lanes, bench, panel):
    bench.fail_with = SlideError("slide.svs is damaged.")
    start(presenter, viewer)
    lanes.finish()
    panel.show_status.assert_called_with("slide.svs is damaged.", error=True)
    assert presenter.state == "ready"
    bench.fail_with = None
    start(presenter, viewer)
    lanes.finish()
    assert "malignant" in viewer.layers


def test_what_went_wrong_is_not_talked_over_by_what_went_well(presenter, viewer, lanes, bench, panel):
    start(presenter, viewer)
    lanes.finish()
    bench.fail_with = SlideError("slide.svs is damaged.")
    start(presenter, viewer)
    lanes.finish()
    panel.show_status.assert_called_with("slide.svs is damaged.", error=True)


def test_a_scoring_that_fails_is_not_tried_for_ever(presenter, viewer, lanes, bench, panel):
    start(presenter, viewer)
    lanes.finish()

    def failing(scoring, setup):
        raise SlideError("no")
        yield

    bench.score = failing
    presenter.set_scoring(OTHER, ALIGNMENT)
    lanes.scoring.finish()
    assert not lanes.busy
    panel.show_status.assert_called_with("no", error=True)


def test_cancel_keeps_what_was_done(presenter, viewer, lanes, panel):
    start(presenter, viewer)
    for _ in range(3):
        lanes.embedding.step()
    presenter.cancel()
    lanes.finish()
    assert states(panel) == ["running", "cancelling", "ready"]
    assert scored(viewer) == 3
    assert said(panel).startswith("Stopped after 3 tiles")


def test_removing_the_slide_during_a_run_stops_it(presenter, viewer, lanes):
    gone = []
    presenter.snapshot_shown.connect(gone.append)
    start(presenter, viewer)
    for _ in range(3):
        lanes.embedding.step()
    lanes.scoring.finish()
    viewer.layers.remove("slide")
    lanes.finish()
    assert presenter.state == "ready" and presenter.snapshot() is None
    assert presenter.slide_layer() is None
    assert gone[-1] is None


def test_nothing_is_touched_after_closing(presenter, viewer, lanes, panel):
    start(presenter, viewer)
    lanes.embedding.step()
    presenter.close()
    panel.reset_mock()
    lanes.finish()
    assert panel.mock_calls == [] and list(viewer.layers) == [viewer.layers["slide"]]


def test_the_threshold_redraws_the_classes(presenter, viewer, lanes):
    start(presenter, viewer)
    lanes.finish()
    assert (viewer.layers["classes"].data == 1).all()
    presenter.set_threshold(0.7)
    assert (viewer.layers["classes"].data == 0).all()


def test_a_second_slide_has_results_of_its_own_and_the_first_keeps_its(
    presenter, viewer, lanes, gradient_slide
):
    start(presenter, viewer)
    lanes.finish()
    of_one = len(viewer.layers)
    options = {"rgb": True, "multiscale": True, "name": "second", "units": ("um", "um")}
    viewer.add_layer(Image(slide_levels(gradient_slide), **options))
    presenter.run("slide", viewer.layers["second"], Setup("second.svs"))
    lanes.finish()
    assert len(viewer.layers) == 2 * of_one
    start(presenter, viewer)
    lanes.finish()
    assert len(viewer.layers) == 2 * of_one, "running on the first again uses its layers"


def test_the_view_is_followed_until_it_is_not(presenter, viewer, lanes, bench, panel):
    presenter.follow(SETUP)
    lanes.finish()
    assert scored(viewer) == 12, "without a run"
    assert states(panel) == ["ready"], "nothing is locked meanwhile"
    viewer.scene.camera.zoom *= 4
    presenter.view_changed()
    lanes.finish()
    first, second = (area.place.region for area in bench.views)
    assert second[2] < first[2]
    presenter.follow(None)
    presenter.view_changed()
    assert bench.views[-1] is None and len(bench.views) == 3
    assert not lanes.busy


def test_looking_during_a_run_goes_before_it_without_another_job(presenter, viewer, lanes, bench):
    start(presenter, viewer)
    lanes.embedding.step()
    presenter.follow(SETUP)
    assert bench.views[-1] is not None
    assert lanes.embedding.started == 1


def test_with_other_tiles_the_view_waits_for_the_run_that_goes_on(presenter, viewer, lanes, bench):
    start(presenter, viewer)
    lanes.embedding.step()
    presenter.follow(replace(SETUP, mpp=1.0))
    assert bench.views == []
    lanes.finish()
    presenter.view_changed()
    lanes.finish()
    assert bench.setups[-1].mpp == 1.0


def test_going_to_a_tile_puts_it_in_the_middle_of_the_view(presenter, viewer):
    presenter.go_to(3112, 1312, 224)
    x, y, width, height = visible_rect(viewer, viewer.layers["slide"])
    assert (x + width / 2, y + height / 2) == pytest.approx((3112, 1312), abs=1)
    assert min(width, height) == pytest.approx(2 * 224, abs=2)


def test_side_by_side_the_view_is_one_box_of_the_grid(presenter, viewer):
    presenter.go_to(3112, 1312, 448)
    _, _, width, height = visible_rect(viewer, viewer.layers["slide"])
    viewer.canvas.grid.shape, viewer.canvas.grid.enabled = (1, 2), True
    _, _, half, same = visible_rect(viewer, viewer.layers["slide"])
    assert (half, same) == pytest.approx((width / 2, height), abs=2)


def test_each_slide_keeps_its_own_scores_while_another_is_looked_at(
    presenter, viewer, lanes, bench, gradient_slide
):
    start(presenter, viewer)
    lanes.finish()
    first = presenter.snapshot()
    options = {"rgb": True, "multiscale": True, "name": "second", "units": ("um", "um")}
    viewer.add_layer(Image(slide_levels(gradient_slide), **options))
    seen = []
    presenter.snapshot_shown.connect(seen.append)
    presenter.set_slide(viewer.layers["second"])
    assert presenter.snapshot() is None and presenter.slide() is None and seen == [None]
    before = bench.rescored
    presenter.set_scoring(OTHER, ALIGNMENT)
    assert not lanes.busy and bench.rescored == before, "nothing that is looked at depends on it"
    presenter.set_slide(viewer.layers["slide"])
    assert seen[1] is first
    lanes.finish()
    assert presenter.snapshot().scoring.prompts == OTHER, (
        "it is brought up to date when it is looked at again"
    )


def test_scores_of_a_slide_that_runs_on_land_in_its_own_layers(presenter, viewer, lanes, gradient_slide):
    start(presenter, viewer)
    for _ in range(3):
        lanes.embedding.step()
    lanes.scoring.finish()
    options = {"rgb": True, "multiscale": True, "name": "second", "units": ("um", "um")}
    viewer.add_layer(Image(slide_levels(gradient_slide), **options))
    presenter.set_slide(viewer.layers["second"])
    lanes.finish()
    assert scored(viewer) == 12
    assert presenter.snapshot() is None
    presenter.set_slide(viewer.layers["slide"])
    assert len(presenter.snapshot().scored.indices) == 12


def second_slide(viewer, gradient_slide):
    options = {"rgb": True, "multiscale": True, "name": "second", "units": ("um", "um")}
    viewer.add_layer(Image(slide_levels(gradient_slide), **options))
    return viewer.layers["second"]


def test_a_scoring_that_ends_late_is_not_drawn_on_the_slide_that_was_run_meanwhile(
    presenter, viewer, lanes, gradient_slide
):
    start(presenter, viewer)
    lanes.finish()
    layer = second_slide(viewer, gradient_slide)
    presenter.set_scoring(OTHER, ALIGNMENT)  # of the first slide, and under way
    layers = len(viewer.layers)
    presenter.run("slide", layer, Setup("second.svs"))
    lanes.scoring.finish()
    assert presenter.snapshot() is None and len(viewer.layers) == layers


def test_a_slide_is_not_exported_with_the_results_of_another(
    presenter, viewer, lanes, bench, panel, gradient_slide, tmp_path
):
    start(presenter, viewer)
    lanes.finish()
    presenter.run("slide", second_slide(viewer, gradient_slide), Setup("second.svs"))
    lanes.finish()
    presenter.set_slide(viewer.layers["slide"])
    told = []
    assert not presenter.export(tmp_path, told.append)
    assert not lanes.busy and told == []
    assert "another one was run" in said(panel)


def test_when_the_view_has_been_followed_to_its_end_the_dock_is_told(presenter, viewer, lanes, panel):
    presenter.follow(SETUP)
    lanes.embedding.step()
    assert states(panel) == []
    lanes.finish()
    assert states(panel) == ["ready"]
    presenter.set_scoring(OTHER, ALIGNMENT)
    lanes.finish()
    assert states(panel) == ["ready"], "an edit is no run"
