"""One session as a person has it, in a real window, from the first look to the next day."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QTextCursor
from qtpy.QtWidgets import QFileDialog

from napari_histoalign.plugin.reader import read_slide
from napari_histoalign.results.review import read_log

pytestmark = [pytest.mark.window, pytest.mark.usefixtures("display")]
PROMPT = "crowded sheets of atypical cells"
SECONDS = 60_000
RESULTS = {"malignant", "benign", "stroma", "classes", "uncertainty", "disagreement"}


class Person:
    """Someone at a window with the dock, a mouse and a keyboard."""

    def __init__(self, qtbot, viewer, slide) -> None:
        self.qtbot, self.viewer = qtbot, viewer
        viewer.window.resize(1300, 850)
        data, options, _ = read_slide(slide)
        self.layer = viewer.add_image(data, **options)
        _, self.dock = viewer.window.add_plugin_dock_widget("napari-histoalign", "HistoAlign")
        self.canvas = viewer.window._qt_viewer.canvas.native
        qtbot.wait(200)
        viewer.reset_view()

    def done(self):
        """Wait until nothing goes on any more, timers of the dock included."""
        presenter = self.dock.presenter
        for _ in range(2):
            self.qtbot.wait(400)
            self.qtbot.waitUntil(lambda: not (presenter.busy or presenter.errands.busy), timeout=SECONDS)

    def over(self, index):
        """Put the mouse on a tile of the grid."""
        grid, camera = self.dock.presenter.snapshot().grid, self.viewer.scene.camera
        x, y = grid.xy([index])[0] + grid.stride_px / 2
        world = (np.array([y, x]) - 0.5) * np.asarray(self.layer.scale[-2:])
        size = np.asarray(self.viewer.canvas.size)
        row, column = (world - camera.center[-2:]) * camera.zoom + size / 2
        assert 0 < row < size[0] and 0 < column < size[1], "the tile is in view"
        for step in (4, 0):
            self.qtbot.mouseMove(self.canvas, QPoint(round(column) + step, round(row)))
            self.qtbot.wait(30)

    def press(self, key):
        self.qtbot.keyClick(self.canvas, key)
        self.qtbot.wait(30)

    def marks(self):
        """Label of each marked tile."""
        return {key[1]: str(mark.label) for key, mark in self.dock.review.side.book.state.tiles.items()}

    def shown(self):
        """Names of what lies over the slide."""
        return {layer.name for layer in self.viewer.layers if layer.visible and layer is not self.layer}


def test_a_session_and_the_day_after(qtbot, make_napari_viewer, drawn, tmp_path, monkeypatch):
    person = Person(qtbot, make_napari_viewer(show=True), drawn.slide)
    dock = person.dock
    assert "Start here" in dock.run_box.status.text()
    assert not dock.run_box.export.isEnabled()

    dock.run_box.follow.click()
    qtbot.waitUntil(lambda: {layer.name for layer in person.viewer.layers} >= RESULTS, timeout=SECONDS)
    person.done()
    assert person.shown() == {"malignant"}
    first = dock.presenter.snapshot()
    assert len(first.scored.indices) > 40

    text = dock.ask.prompt_box.editors[0].text
    text.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(text, Qt.Key.Key_Return)
    qtbot.keyClicks(text, PROMPT)
    person.done()
    edited = dock.presenter.snapshot()
    assert PROMPT in edited.scoring.prompts.classes[0].prompts
    assert not np.array_equal(edited.scored.tiles.probabilities, first.scored.tiles.probabilities)
    np.testing.assert_array_equal(edited.scored.indices, first.scored.indices)

    dock.tabs.setCurrentWidget(dock.review)
    rows = edited.scored.tiles.probabilities
    surest = {
        name: edited.scored.indices[rows[:, of].argsort()[-2:]].tolist()
        for of, name in enumerate(("malignant", "benign"))
    }
    wanted = {tile: name for name, tiles in surest.items() for tile in tiles}
    dock.review.mark_box.keys.click()
    for tile, name in wanted.items():
        person.over(tile)
        person.press(Qt.Key.Key_1 if name == "malignant" else Qt.Key.Key_2)
    assert person.marks() == wanted
    person.done()
    assert dock.presenter.snapshot().refined is not None, "marks speak at once"
    assert not dock.review.mark_box.unused.isVisible()
    dock.review.mark_box.keys.click()

    few_shot = dock.ask.method_box.few_shot
    for name, refined in (("none", False), ("gda", True)):
        dock.tabs.setCurrentWidget(dock.ask)
        few_shot.combo.setCurrentIndex(few_shot.combo.findData(name))
        person.done()
        assert (dock.presenter.snapshot().refined is not None) == refined, dock.ask.method_box.notes.text()
        dock.tabs.setCurrentWidget(dock.review)
        assert dock.review.mark_box.unused.isVisible() != refined, "without few-shot, marks count for nothing"
    assert "4 marked tiles" in few_shot.below.text()
    review = dock.review.review_box
    review.modes["regions"].click()
    person.done()
    person.press(Qt.Key.Key_A)
    person.press(Qt.Key.Key_R)
    assert review.progress.text().startswith("2 of ")
    review.modes["regions"].click()

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path / "out"))
    dock.run_box.export.click()
    person.done()
    run = json.loads(next((tmp_path / "out").rglob("run.json")).read_text(encoding="utf-8"))
    assert PROMPT in json.dumps(run), "what was exported was made with the edited prompt"

    before = dock.review.side.book.state
    prompts, tiles = dock.ask.choices().prompts, dock.presenter.snapshot().shown.tiles.probabilities
    person.viewer.close()
    log = next(drawn.slide.parent.rglob("*.jsonl"))
    acts = read_log(log).acts
    assert [act.what for act in acts] == ["mark"] * 4 + ["accept", "reject"]

    person = Person(qtbot, make_napari_viewer(show=True), drawn.slide)
    dock = person.dock
    qtbot.waitUntil(lambda: {layer.name for layer in person.viewer.layers} >= RESULTS, timeout=SECONDS)
    person.done()
    assert "malignant" in person.shown()
    assert dock.ask.choices().prompts == prompts
    assert dock.ask.prompt_box.editors[0].text.lines()[-1] == PROMPT
    assert dock.ask.method_box.refinement().few_shot == "gda"
    assert dock.review.side.book.state == before and person.marks() == wanted
    assert [row.count.text() for row in dock.review.mark_box.rows[:2]] == ["2", "2"]
    np.testing.assert_allclose(dock.presenter.snapshot().shown.tiles.probabilities, tiles, atol=1e-6)
    dock.tabs.setCurrentWidget(dock.review)
    dock.review.review_box.modes["regions"].click()
    person.done()
    assert dock.review.review_box.progress.text().startswith("2 of ")
    assert read_log(log).acts == acts, "looking at it adds nothing"
