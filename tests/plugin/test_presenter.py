"""The dock's logic without Qt: one job at a time, stale scores dropped, nothing left hanging."""

from __future__ import annotations

from unittest.mock import MagicMock

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from stand_ins import ALIGNMENT, OTHER, PROMPTS, FakeBench, StepRunner, snapshot

from napari_histoalign.errors import SlideError
from napari_histoalign.plugin.jobs import Scoring, Setup
from napari_histoalign.plugin.levels import slide_levels
from napari_histoalign.plugin.presenter import Presenter
from napari_histoalign.plugin.seams import Panel


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
def runner():
    return StepRunner()


@pytest.fixture
def presenter(viewer, panel, runner, bench):
    presenter = Presenter(viewer, panel, runner, bench)
    presenter.set_scoring(PROMPTS, ALIGNMENT)
    return presenter


def start(presenter, viewer, where="slide"):
    presenter.run(where, viewer.layers["slide"], Setup("slide.svs"))


def states(panel):
    return [call.args[0] for call in panel.show_state.call_args_list]


def test_a_run_shows_layers_while_it_goes_and_ends_ready(presenter, viewer, panel, runner):
    start(presenter, viewer)
    runner.step(), runner.step(), runner.step()
    assert np.isfinite(viewer.layers["malignant"].data).sum() == 3, "there before the run has ended"
    runner.finish()
    assert np.isfinite(viewer.layers["malignant"].data).sum() == 12
    assert states(panel) == ["running", "ready"]
    panel.show_overlays.assert_called_with(("malignant", "classes", "benign", "glass"), "malignant")
    assert panel.show_status.call_args.args[0] == "Scored 12 tiles, 12 of them malignant (100%)"


def test_how_the_encoders_were_compared_is_said_once_the_run_has_ended(presenter, viewer, panel, runner):
    start(presenter, viewer)
    runner.step(), runner.step(), runner.step()
    panel.show_pairs.assert_not_called()
    runner.finish()
    panel.show_pairs.assert_called_once_with(("A images with B texts: direct.",))


def test_the_area_is_what_is_in_view(presenter, viewer, runner, bench):
    viewer.scene.camera.center = (0, 1000 * 0.5, 2000 * 0.5)
    viewer.scene.camera.zoom = 2 / 0.5
    start(presenter, viewer, "view")
    runner.finish()
    x, y, width, height = bench.runs[0][1].place.region
    assert (x, y, width, height) == pytest.approx((1800, 850, 400, 300), abs=1.1)


def test_no_shapes_no_run(presenter, viewer, panel, runner):
    start(presenter, viewer, "shapes")
    assert not runner.busy and states(panel) == []
    assert panel.show_status.call_args.kwargs == {"error": True}


def test_prompts_edited_during_a_run_count_from_the_next_snapshot(presenter, viewer, runner):
    start(presenter, viewer)
    runner.step(), runner.step()
    presenter.set_scoring(OTHER, ALIGNMENT)
    runner.step()
    assert np.nanmax(viewer.layers["malignant"].data) == pytest.approx(0.9)
    runner.finish()
    assert runner.started == 1, "no re-scoring is needed afterwards"


def test_scores_of_an_older_generation_are_not_shown(presenter, viewer, runner, bench):
    start(presenter, viewer)
    runner.finish()
    presenter.set_scoring(OTHER, ALIGNMENT)
    old = snapshot(Scoring(PROMPTS, ALIGNMENT, 0), finished=True)
    presenter._on_report(old)
    assert presenter.snapshot is not old
    runner.finish()
    assert np.nanmax(viewer.layers["malignant"].data) == pytest.approx(0.9)


def test_an_edit_at_rest_scores_again_without_a_run(presenter, viewer, runner, bench, panel):
    start(presenter, viewer)
    runner.finish()
    presenter.set_scoring(OTHER, ALIGNMENT)
    runner.finish()
    assert bench.rescored == 1 and len(bench.runs) == 1
    assert viewer.layers["malignant"].data[0, 0] == pytest.approx(0.9)
    assert states(panel)[-1] == "ready"


def test_two_edits_while_scoring_give_one_more_scoring_with_the_last(presenter, viewer, runner, bench):
    start(presenter, viewer)
    runner.finish()
    for prompts in (OTHER, PROMPTS, OTHER):
        presenter.set_scoring(prompts, ALIGNMENT)
    runner.finish()
    while runner.busy:
        runner.finish()
    assert bench.rescored <= 2
    assert viewer.layers["malignant"].data[0, 0] == pytest.approx(0.9)


def test_before_the_first_run_an_edit_does_nothing(presenter, runner):
    presenter.set_scoring(OTHER, ALIGNMENT)
    assert not runner.busy


def test_a_run_asked_for_during_a_rescoring_waits_for_it(presenter, viewer, runner, bench):
    start(presenter, viewer)
    runner.finish()
    presenter.set_scoring(OTHER, ALIGNMENT)
    start(presenter, viewer)
    assert len(bench.runs) == 1 and presenter.state == "running"
    runner.finish()
    runner.finish()
    assert len(bench.runs) == 2 and presenter.state == "ready"


def test_an_error_is_said_and_the_dock_is_ready_again(presenter, viewer, runner, bench, panel):
    bench.fail_with = SlideError("slide.svs is damaged.")
    start(presenter, viewer)
    runner.finish()
    panel.show_status.assert_called_with("slide.svs is damaged.", error=True)
    assert presenter.state == "ready"
    bench.fail_with = None
    start(presenter, viewer)
    runner.finish()
    assert "malignant" in viewer.layers


def test_a_scoring_that_fails_is_not_tried_for_ever(presenter, viewer, runner, bench, panel):
    start(presenter, viewer)
    runner.finish()

    def failing(scoring):
        raise SlideError("no")
        yield

    bench.rescore = failing
    presenter.set_scoring(OTHER, ALIGNMENT)
    runner.finish()
    assert not runner.busy
    panel.show_status.assert_called_with("no", error=True)


def test_cancel_keeps_what_was_done(presenter, viewer, runner, panel):
    start(presenter, viewer)
    runner.step(), runner.step()
    presenter.cancel()
    runner.finish()
    assert states(panel) == ["running", "cancelling", "ready"]
    assert np.isfinite(viewer.layers["malignant"].data).sum() == 3
    assert panel.show_status.call_args.args[0].startswith("Stopped after 3 tiles")


def test_removing_the_slide_during_a_run_stops_it(presenter, viewer, runner):
    start(presenter, viewer)
    runner.step(), runner.step()
    viewer.layers.remove("slide")
    runner.finish()
    assert presenter.state == "ready" and presenter.snapshot is None
    assert "malignant" not in viewer.layers


def test_nothing_is_touched_after_closing(presenter, viewer, runner, panel):
    start(presenter, viewer)
    runner.step()
    presenter.close()
    panel.reset_mock()
    runner.finish()
    assert panel.mock_calls == [] and list(viewer.layers) == [viewer.layers["slide"]]


def test_the_threshold_redraws_the_classes(presenter, viewer, runner):
    start(presenter, viewer)
    runner.finish()
    assert (viewer.layers["classes"].data == 1).all()
    presenter.set_threshold(0.7)
    assert (viewer.layers["classes"].data == 0).all()


def test_a_second_slide_has_results_of_its_own_and_the_first_keeps_its(
    presenter, viewer, runner, gradient_slide
):
    start(presenter, viewer)
    runner.finish()
    viewer.add_layer(
        Image(slide_levels(gradient_slide), rgb=True, multiscale=True, name="second", units=("um", "um"))
    )
    presenter.run("slide", viewer.layers["second"], Setup("second.svs"))
    runner.finish()
    assert len(viewer.layers) == 10
    start(presenter, viewer)
    runner.finish()
    assert len(viewer.layers) == 10, "running on the first again uses its layers"
