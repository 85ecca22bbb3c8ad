"""What a session file holds of tiles, and times and choices in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from session_stand_ins import CHOICES, NOON
from stand_ins import OTHER

from napari_histoalign.plugin.session_keeper_held import moment
from napari_histoalign.plugin.session_keeper_state import (
    Tiles,
    as_text,
    from_state,
    from_text,
    slide_mpp_of,
    tiles_of,
    to_state,
)
from napari_histoalign.workflow.session_state import SessionState


@pytest.mark.parametrize(
    ("indices", "text"), [([], ""), ([7], "7"), ([0, 1], "0-1"), ([0, 2, 3, 4, 9], "0 2-4 9")]
)
def test_tiles_are_written_in_runs(indices, text):
    found = np.asarray(indices, np.int64)
    assert as_text(found) == text
    assert from_text(text).tolist() == indices
    assert from_text(text).dtype == np.int64


def test_any_set_of_tiles_comes_back():
    rng = np.random.default_rng(0)
    for share in (0.01, 0.5, 0.99):
        indices = np.flatnonzero(rng.random(5000) < share)
        assert np.array_equal(from_text(as_text(indices)), indices)


@pytest.mark.parametrize("text", ["a", "1,2", "-1", "4-2", "1--2", "1 ² 3", "0-99999999999999", "9" * 40])
def test_other_texts_are_no_tiles(text):
    with pytest.raises(ValueError, match="tiles"):
        from_text(text)


def test_tiles_of_one_grid_are_kept_together_and_of_another_grid_replaced():
    one, more = Tiles("g", np.array([1, 5])), Tiles("g", np.array([2, 5]))
    assert one.with_more(more).indices.tolist() == [1, 2, 5]
    assert one.with_more(Tiles("h", np.array([9]))).indices.tolist() == [9]
    assert Tiles().with_more(one).grid == "g"


def test_a_state_says_all_that_was_chosen_and_keeps_what_it_does_not_know():
    before = SessionState(
        views=("full",), grid={"bounds": [1, 2]}, thresholds={"export": 0.4}, more={"new": 1}
    )
    state = to_state(CHOICES, slide_mpp=0.25, tiles=Tiles("g", np.array([1, 2])), looks={}, before=before)
    assert (state.views, state.more["new"]) == (("full",), 1)
    assert state.thresholds == {"export": 0.4, "regions": 0.5}
    assert state.grid["bounds"] == [1, 2]
    again = SessionState.from_plain(state.to_plain())
    assert from_state(again, replace(CHOICES, prompts=OTHER, threshold=0.1)) == (CHOICES, ())
    assert slide_mpp_of(again) == 0.25
    assert (tiles_of(again).grid, tiles_of(again).indices.tolist()) == ("g", [1, 2])


def test_an_empty_state_changes_nothing():
    assert from_state(SessionState(), CHOICES) == (CHOICES, ())
    assert slide_mpp_of(SessionState()) is None
    assert tiles_of(SessionState()).grid == ""


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("mpp", float(10**9)),
        ("mpp", True),
        ("tile", 0),
        ("tile", 224.0),
        ("slide_mpp", "half"),
        ("tile", "224"),
    ],
)
def test_a_number_without_sense_is_left_out(part, value):
    state = SessionState(grid={part: value})
    found, notes = from_state(state, CHOICES)
    assert found == CHOICES
    if part == "slide_mpp":
        assert slide_mpp_of(state) is None
    else:
        assert repr(value) in notes[0]


def test_a_threshold_of_nothing_is_one():
    assert from_state(SessionState(thresholds={"regions": 0.0}), CHOICES)[0].threshold == 0.0


def test_another_comparison_is_told_from_none():
    none = SessionState(more={"other": None})
    chosen = replace(CHOICES, other=CHOICES.alignment)
    assert from_state(none, chosen)[0].other is None
    assert from_state(SessionState(), chosen)[0].other == CHOICES.alignment


def test_times_of_today_need_no_date():
    assert moment(NOON, NOON) == "12:03"
    assert moment(NOON, NOON + timedelta(days=1)) == "2026-07-28 12:03"
    assert isinstance(NOON, datetime)
