"""What the cursor does: pointing tells, a click or a key chooses, and a drag does not."""

from __future__ import annotations

from unittest.mock import MagicMock

import numpy as np
import pytest
from at_the_desk import Desk, hovered, middle, move, press, refined, snapshot
from napari.layers import Labels, Shapes

from napari_histoalign.plugin.inspector import Inspector
from napari_histoalign.plugin.inspector_seams import InspectorView

TILE, BARE = 104, 105


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def view():
    return MagicMock(spec=InspectorView)


@pytest.fixture
def inspector(desk, view):
    made = Inspector(desk, view)
    view.reset_mock()
    return made


def test_the_tile_under_the_cursor_tells_its_probabilities(desk, view, inspector):
    snap = snapshot()
    desk.show(snap)
    move(desk, *middle(TILE))
    rows = hovered(view)
    assert [row.name for row in rows] == ["malignant", "benign", "glass"]
    wanted = snap.scored.tiles.probabilities[snap.scored.position(TILE)]
    np.testing.assert_allclose([row.probability for row in rows], wanted, atol=1e-6)
    best = max(rows, key=lambda row: row.probability)
    assert f"{best.name} {best.probability:.2f}" in str(desk.viewer.status)


@pytest.mark.parametrize("place", [middle(BARE), (50.0, 50.0), (99999.0, 50.0)])
def test_nothing_is_said_outside_scored_tiles(desk, view, inspector, place):
    desk.show(snapshot())
    move(desk, *middle(TILE))
    move(desk, *place)
    assert hovered(view) == ()
    assert "malignant" not in str(desk.viewer.status)


def test_within_a_tile_nothing_is_shown_again(desk, view, inspector):
    desk.show(snapshot())
    x, y = middle(TILE)
    for step in range(-90, 90, 10):
        move(desk, x + step, y)
    assert view.show_hover.call_count == 1


def test_the_status_line_keeps_what_napari_says(desk, inspector):
    desk.show(snapshot())
    move(desk, *middle(TILE))
    parts = {"layer_base": "slide", "source_type": "", "plugin": "", "coordinates": " [1 2]: 7"}
    desk.viewer.status = parts  # as napari's own thread does, a little later
    said = desk.viewer.status["coordinates"]
    assert said.startswith(" [1 2]: 7   ")
    assert "benign" in said
    move(desk, *middle(BARE))
    assert desk.viewer.status == parts


def test_new_scores_change_what_is_shown_under_a_resting_cursor(desk, view, inspector):
    desk.show(snapshot())
    move(desk, *middle(TILE))
    before = hovered(view)
    desk.show(refined(snapshot()))
    assert [round(row.probability, 3) for row in hovered(view)] == [0.2, 0.7, 0.1]
    assert before != hovered(view)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ([(100, 100), (120, 100)], {}),
        ([(100, 100), (150, 100), (100, 100)], {}),
        ([(100, 100)], {"button": 2}),
        ([(100, 100)], {"modifiers": ("Shift",)}),
    ],
    ids=["drag", "there and back", "right button", "with shift"],
)
def test_what_is_no_click_chooses_nothing(desk, inspector, path, options):
    desk.show(snapshot())
    desk.point_at(*middle(TILE))
    press(desk, *path, **options)
    assert inspector.index is None


def test_a_hand_that_trembles_still_clicks(desk, inspector):
    desk.show(snapshot())
    desk.point_at(*middle(TILE))
    press(desk, (100, 100), (102, 101), (101, 100))
    assert inspector.index == TILE


def test_drawing_and_painting_are_no_clicks(desk, inspector):
    desk.show(snapshot())
    desk.point_at(*middle(TILE))
    for layer, mode in ((Shapes(ndim=2), "add_polygon"), (Labels(np.zeros((9, 9), int)), "paint")):
        desk.viewer.add_layer(layer)
        desk.viewer.layers.selection.active = layer
        layer.mode = mode
        press(desk, (100, 100))
        assert inspector.index is None
        layer.mode = "pan_zoom"
    press(desk, (100, 100))
    assert inspector.index == TILE


def test_the_key_chooses_the_tile_under_the_cursor(desk, inspector):
    desk.show(snapshot())
    desk.point_at(*middle(TILE))
    for binding, action in desk.viewer.keymap.items():
        if str(binding) == "I":
            action(desk.viewer)
    assert inspector.index == TILE


def test_a_click_beside_scores_keeps_the_tile(desk, inspector):
    desk.show(snapshot())
    inspector.inspect(TILE)
    desk.point_at(*middle(BARE))
    press(desk, (100, 100))
    assert inspector.index == TILE


def test_once_closed_it_touches_nothing(desk, view, inspector):
    inspector.close()
    view.reset_mock()
    desk.show(snapshot())
    move(desk, *middle(TILE))
    press(desk, (100, 100))
    desk.viewer.status = "Ready"
    view.show_hover.assert_not_called()
    assert inspector.index is None
    assert desk.viewer.status == "Ready"
