"""Jobs in real worker threads: order of reports, errors that must not be swallowed, ends that must come."""

from __future__ import annotations

import threading

import pytest

from napari_histoalign.errors import SlideError
from napari_histoalign.plugin.bench import Bench
from napari_histoalign.plugin.jobs import JobError, Note
from napari_histoalign.plugin.runner import ThreadRunner

pytestmark = pytest.mark.usefixtures("display")


class Log:
    """Collects what a runner reports, with the thread it came on."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []
        self.threads: set[threading.Thread] = set()

    def note(self, kind):
        def add(value=None):
            self.events.append((kind, value))
            self.threads.add(threading.current_thread())

        return add

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1][0] == "end"


def run(qtbot, job) -> Log:
    log, runner = Log(), ThreadRunner()
    runner.start(job, log.note("report"), log.note("error"), log.note("end"))
    qtbot.waitUntil(lambda: log.ended, timeout=5000)
    assert log.threads == {threading.main_thread()}
    return log


def bench_that_raises(error: Exception) -> Bench:
    bench = Bench()

    def opening(setup):
        yield Note("opening")
        raise error

    bench._open = opening
    return bench


def run_job(bench):
    return lambda: bench.embed(None)


def test_reports_come_in_order_and_the_end_comes_last(qtbot):
    def job():
        assert threading.current_thread() is not threading.main_thread()
        yield Note("a")
        yield Note("b")

    log = run(qtbot, job)
    assert log.events == [("report", Note("a")), ("report", Note("b")), ("end", None)]


@pytest.mark.parametrize("error", [SlideError("x.svs is damaged."), ValueError("odd")])
def test_an_error_is_reported_before_the_end(qtbot, error):
    log = run(qtbot, run_job(bench_that_raises(error)))
    assert [kind for kind, _ in log.events] == ["report", "error", "end"]
    assert log.events[1][1] is error


def test_a_runtime_error_is_not_swallowed(qtbot):
    """In superqt a generator drops a RuntimeError: no error, no end, a dead dock."""
    log = run(qtbot, run_job(bench_that_raises(RuntimeError("CUDA out of memory"))))
    error = dict(log.events)["error"]
    assert isinstance(error, JobError) and "CUDA out of memory" in str(error)
    assert isinstance(error.__cause__, RuntimeError)


def test_after_an_error_the_bench_takes_the_next_job(qtbot):
    bench = bench_that_raises(RuntimeError("no"))
    for _ in range(2):
        assert "no" in str(dict(run(qtbot, run_job(bench)).events)["error"])


def test_two_jobs_in_one_lane_are_refused():
    bench = bench_that_raises(ValueError("x"))
    first = run_job(bench)()
    next(first)
    with pytest.raises(JobError, match="still running"):
        next(run_job(bench)())
    first.close()
    next(run_job(bench)())


def test_one_job_in_each_lane_is_fine(tmp_path):
    bench = bench_that_raises(ValueError("x"))
    embedding = run_job(bench)()
    next(embedding)
    assert list(bench.score(lambda: None)) == [], "nothing to score, and not refused"
    with pytest.raises(JobError, match="nothing to export"):
        list(bench.export(tmp_path, None, 0.5))
    with pytest.raises(ValueError, match="x"):
        next(embedding)
