"""Questions in the background: the latest of a kind counts, and a failure is a sentence."""

from __future__ import annotations

import pytest
from stand_ins import StepRunner

from napari_histoalign.errors import SlideError
from napari_histoalign.plugin.errands import Errands


@pytest.fixture
def runner():
    return StepRunner()


@pytest.fixture
def said():
    return []


@pytest.fixture
def errands(runner, said):
    return Errands(runner, said.append)


def finish(runner):
    while runner.busy:
        runner.finish()


def test_answers_come_in_the_order_of_their_questions(errands, runner):
    got = []
    errands.ask("a", lambda: 1, got.append)
    errands.ask("b", lambda: None, got.append)
    finish(runner)
    assert got == [1, None]
    assert not errands.busy


def test_only_the_latest_of_a_kind_is_done_and_lands(errands, runner):
    got, done = [], []
    for number in range(4):
        errands.ask("tile", lambda n=number: done.append(n) or n, got.append)
    finish(runner)
    assert got == [3]
    assert done == [0, 3], "the first was under way already, and landed nowhere"


def test_what_was_forgotten_does_not_land(errands, runner):
    got = []
    errands.ask("tile", lambda: 1, got.append)
    errands.ask("other", lambda: 2, got.append)
    errands.forget("tile")
    errands.forget("other")
    finish(runner)
    assert got == []


@pytest.mark.parametrize(
    "error", [SlideError("slide.svs is damaged."), RuntimeError("slide.svs is damaged.")]
)
def test_a_failure_is_said_and_the_next_goes_on(errands, runner, said, error):
    got = []

    def fail():
        raise error

    errands.ask("tile", fail, got.append)
    errands.ask("more", lambda: 5, got.append)
    finish(runner)
    assert "slide.svs is damaged." in said[0]
    assert got == [5]


def test_a_failure_nobody_waits_for_is_not_said(errands, runner, said):
    def fail():
        raise SlideError("gone")

    errands.ask("tile", fail, print)
    errands.forget("tile")
    finish(runner)
    assert said == []


def test_after_closing_nothing_lands(errands, runner):
    got = []
    errands.ask("tile", lambda: 1, got.append)
    errands.close()
    finish(runner)
    errands.ask("tile", lambda: 1, got.append)
    assert got == [] and not runner.busy
