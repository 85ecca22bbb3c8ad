"""The report: of what is shown, else of the last results; where nothing can be written, in the cache."""

from __future__ import annotations

import shutil
from contextlib import closing

import numpy as np
import pytest
from session_stand_ins import Bench, mark

from napari_histoalign.encoders import load_encoder
from napari_histoalign.sample import draw_slide
from napari_histoalign.workflow import RunSettings, run_slide
from napari_histoalign.workflow.session_place import beside


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A drawn slide and the results of a run on a part of it."""
    folder = tmp_path_factory.mktemp("ran")
    slide = draw_slide(folder / "drawn.tiff", seed=3, size=2048).slide
    settings = RunSettings(encoders=("demo-path",))
    encoders = [load_encoder("demo-path", device="cpu")]
    run_slide(slide, folder / "results", settings, encoders, region=(0, 0, 1200, 1200))
    return slide, folder / "results"


@pytest.fixture
def slide(ran, tmp_path):
    return shutil.copyfile(ran[0], tmp_path / "drawn.tiff")


@pytest.fixture
def bench(slide):
    with closing(Bench()) as found:
        found.open(slide, mpp=(0.5, 0.5))
        yield found


def test_there_is_nothing_to_report_before_a_run(bench):
    assert not bench.view.page.can_report
    bench.keeper.report()
    assert bench.desk.said[-1] == ("Run on the slide first: there is nothing to report.", True)


def test_what_is_shown_is_written_first_and_then_the_report(bench, slide, ran):
    bench.desk.run(np.arange(3), tile=224)
    bench.window.log.append(mark(1))
    assert bench.view.page.can_report
    bench.keeper.report()
    (folder,) = bench.window.called("write_results")
    assert folder == beside(slide) / "results"
    assert bench.view.page.busy == "Writing the results ..."
    assert not bench.view.page.can_report
    bench.keeper.report()
    assert len(bench.window.called("write_results")) == 1, "once at a time"
    shutil.copytree(ran[1], folder)
    bench.window.done(True)
    assert bench.view.page.busy == "Writing the report ..."
    bench.desk.finish()
    (report,) = bench.view.opened
    assert report == beside(slide) / "report.html"
    html = report.read_text()
    assert "drawn.tiff" in html
    assert "Anna" in html
    assert bench.view.page.busy == ""
    assert bench.view.page.can_report


def test_results_that_could_not_be_written_end_it(bench):
    bench.desk.run([1], tile=224)
    bench.keeper.report()
    bench.window.done(False)
    bench.desk.finish()
    assert (bench.view.page.busy, bench.view.opened) == ("", [])
    assert bench.view.page.can_report


def test_while_a_run_goes_on_it_has_to_wait(bench):
    bench.desk.run([1], tile=224)
    bench.window.can_write = False
    bench.keeper.report()
    assert "Wait for the run" in bench.desk.said[-1][0]
    assert bench.view.page.busy == ""


def test_results_that_cannot_be_used_are_said(bench):
    bench.desk.run([1], tile=224)
    bench.keeper.report()
    bench.window.done(True)
    bench.desk.finish()
    text, error = bench.desk.said[-1]
    assert error
    assert "run.json" in text
    assert bench.view.page.busy == ""


def test_results_of_before_are_reported_without_a_run(slide, ran):
    with closing(Bench()) as first:
        first.open(slide, mpp=(0.5, 0.5))
        first.desk.run([1], tile=224)
    shutil.copytree(ran[1], beside(slide) / "results")
    with closing(Bench()) as bench:
        bench.open(slide, mpp=(0.5, 0.5))
        assert bench.view.page.can_report
        bench.keeper.report()
        bench.desk.finish()
        assert bench.window.called("write_results") == []
        assert bench.view.opened == [beside(slide) / "report.html"]


def test_where_the_session_is_locked_the_report_goes_to_the_cache(slide, ran, tmp_path, monkeypatch):
    monkeypatch.setenv("HISTOALIGN_CACHE", str(tmp_path / "cache"))
    with closing(Bench()) as first, closing(Bench()) as second:
        first.open(slide, mpp=(0.5, 0.5))
        first.desk.run([1], tile=224)
        first.wait()
        second.open(slide, mpp=(0.5, 0.5))
        second.desk.run([1], tile=224)
        second.keeper.report()
        (folder,) = second.window.called("write_results")
        assert folder.is_relative_to(tmp_path / "cache" / "reports")
        shutil.copytree(ran[1], folder)
        second.window.done(True)
        second.desk.finish()
        (report,) = second.view.opened
        assert report == folder.parent / "report.html"
        assert "another window" in report.read_text()
        assert sorted(p.name for p in beside(slide).iterdir()) == ["review.jsonl", "session.json"]
