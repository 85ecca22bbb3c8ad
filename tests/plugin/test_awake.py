"""The window stays awake: no call of ours holds its thread for long, and it lets go when it is told to.

What is held against a bound is processor time of the main thread: it says what our own code makes, on a busy
computer too. Making a layer of napari's, drawing its canvas without a graphics card, and Python's looking for
garbage are counted apart.
"""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest
from napari.components import LayerList
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QTimer
from stopwatch import Stopwatch
from vispy.scene import SceneCanvas

from napari_histoalign.engine.store import EmbeddingStore
from napari_histoalign.plugin.dock import HistoAlignDock
from napari_histoalign.plugin.errands import Errands
from napari_histoalign.plugin.gallery import Gallery
from napari_histoalign.plugin.inspector import Inspector
from napari_histoalign.plugin.inspector_outline import TileOutline
from napari_histoalign.plugin.later import Later
from napari_histoalign.plugin.layer_control import LayerControl
from napari_histoalign.plugin.marking import Marking
from napari_histoalign.plugin.presenter import Presenter
from napari_histoalign.plugin.reader import read_slide
from napari_histoalign.plugin.result_layers import ResultLayers
from napari_histoalign.plugin.reviewing import Reviewing
from napari_histoalign.plugin.session_keeper import SessionKeeper
from napari_histoalign.plugin.tabs.ask import AskTab
from napari_histoalign.plugin.tabs.look import LookTab
from napari_histoalign.plugin.work import Work

pytestmark = [pytest.mark.window, pytest.mark.usefixtures("display")]
SECONDS = 120_000
MOST_MS = 50
"""Of the main thread's processor time, in one call."""
LAYER_MS = 1000
"""Of it, for one layer of napari's: a tenth of that but for the first of a kind, drawn by software."""
CALLS = (
    (Work, "_on_report", "_on_embedding_end", "_on_scoring_end"),
    (Presenter, "run", "follow", "view_changed", "set_scoring", "set_threshold", "scored", "progressed"),
    (ResultLayers, "show", "apply_threshold"),
    (LayerControl, "refresh"),
    (Inspector, "_on_snapshot", "inspect", "run_ended"),
    (Gallery, "_on_snapshot", "refresh"),
    (Marking, "_on_snapshot"),
    (Reviewing, "_on_snapshot", "_on_zoom"),
    (SessionKeeper, "_on_snapshot", "_on_chosen", "_save"),
    (AskTab, "rescore", "show_snapshot", "_ask_shares"),
    (LookTab, "run_ended"),
    (HistoAlignDock, "show_state", "show_progress", "show_results", "show_snapshot", "_on_layers_changed"),
)
"""Everything that is called when something is reported, and when a person does something."""


@pytest.fixture
def stopwatch(monkeypatch):
    watch = Stopwatch(monkeypatch)
    for of, *methods in CALLS:
        watch.watch(of, *methods)
    watch.watch_answers(Errands, "ask", lambda key, *rest: f"answer to {key}")
    watch.watch_answers(Later, "__call__", lambda seconds, call: f"{call} after {seconds} s")
    for of, method in ((ResultLayers, "_make"), (TileOutline, "show"), (LayerList, "insert")):
        watch.set_apart("layer", of, method)
    watch.set_apart("drawing", SceneCanvas, "on_draw")
    with watch:
        yield watch


@pytest.fixture
def window(stopwatch, make_napari_viewer, drawn):
    """A viewer on the drawn slide, and the dock; tiles are small, so that a run takes seconds."""
    notification_manager.records.clear()
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1400, 900)
    data, options, _ = read_slide(drawn.slide)
    viewer.add_image(data, **options)
    _, dock = viewer.window.add_plugin_dock_widget("napari-histoalign", "HistoAlign")
    dock.ask.encoder_box.mpp.setValue(0.25)
    return viewer, dock


def at_rest(dock) -> bool:
    """Nothing is going on, and every layer is there."""
    presenter, results = dock.presenter, dock.presenter.results
    made = results is not None and len(results.names) == len(results.keys)
    return made and presenter.state == "ready" and not presenter.busy and not presenter.errands.busy


def settle(qtbot, dock) -> None:
    """Until it is at rest, and what starts a little later is over too."""
    for _ in range(2):
        qtbot.wait(500)
        qtbot.waitUntil(lambda: at_rest(dock), timeout=SECONDS)


def follow_zoomed_in(qtbot, viewer, dock) -> None:
    viewer.scene.camera.zoom *= 4
    dock.run_box.follow.click()
    qtbot.waitUntil(lambda: dock.presenter.snapshot() is not None, timeout=SECONDS)


def edit(dock, more: str) -> None:
    """Another line in the first class's prompts, as a person types it."""
    dock.ask.prompt_box.editors[0].text.appendPlainText(more)


def test_no_call_of_ours_holds_up_the_window(qtbot, window, stopwatch):
    """Follow the view, pan, run on the slide, edit twice while it goes on, move the threshold."""
    viewer, dock = window
    follow_zoomed_in(qtbot, viewer, dock)
    settle(qtbot, dock)
    results = dock.presenter.results
    assert len(stopwatch.apart["layer"]) == len(results.keys) + 1, (
        "each layer is made once, the slide's counted in"
    )
    dock.tabs.setCurrentWidget(dock.look)
    dock.look.inspector.inspect(int(dock.presenter.snapshot().shown.indices[0]))
    edit(dock, "mitotic figures")
    settle(qtbot, dock)
    assert max(stopwatch.apart["layer"]) < LAYER_MS

    stopwatch.clear()
    ticks: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(5)
    y, x = viewer.scene.camera.center[-2:]
    for step in range(8):
        viewer.scene.camera.center = (0, y + 40 * (step % 3 - 1), x + 40 * (step // 3 - 1))
        qtbot.wait(120)
    dock.run_box.areas["slide"].click()
    assert dock.presenter.state == "running", dock.run_box.status.text()
    qtbot.wait(1000)
    edit(dock, "necrosis")
    qtbot.wait(1000)
    assert dock.presenter.state == "running", "too short a run to edit in"
    edit(dock, "stroma")
    settle(qtbot, dock)
    dock.ask.method_box.threshold.setValue(0.7)
    settle(qtbot, dock)
    timer.stop()

    gap = max(after - before for before, after in pairwise(ticks))
    found = f"{stopwatch.slowest()}\nlongest time without a tick: {1000 * gap:.0f} ms"
    print(found, {k: (len(v), max(v)) for k, v in stopwatch.apart.items() if v})
    names = {call.name for call in stopwatch.calls}
    seen = {"Work._on_report", "ResultLayers.show", "Inspector._on_snapshot", "Gallery._on_snapshot"}
    seen |= {"Marking._on_snapshot", "SessionKeeper._on_snapshot", "Presenter.view_changed", "AskTab.rescore"}
    assert seen <= names, "these were not called"
    assert sum(call.name == "ResultLayers.show" for call in stopwatch.calls) >= 5
    assert stopwatch.longest().work_ms < MOST_MS, found
    assert stopwatch.apart["layer"] == [], "a run, an edit, or another view make no layer anew"


def test_cancelling_takes_less_than_a_second(qtbot, window):
    viewer, dock = window
    follow_zoomed_in(qtbot, viewer, dock)
    dock.run_box.areas["slide"].click()
    edit(dock, "necrosis")
    qtbot.wait(1000)
    began = time.monotonic()
    dock.run_box.cancel.click()
    assert dock.presenter.state == "cancelling"
    qtbot.waitUntil(lambda: dock.presenter.state == "ready", timeout=SECONDS)
    assert time.monotonic() - began < 1
    settle(qtbot, dock)
    some = len(dock.presenter.snapshot().shown.indices)
    dock.run_box.areas["slide"].click()
    qtbot.waitUntil(lambda: len(dock.presenter.snapshot().shown.indices) > some > 0, timeout=SECONDS)
    dock.run_box.cancel.click()
    settle(qtbot, dock)


def test_closing_the_window_in_the_middle_of_everything_is_clean(qtbot, window, monkeypatch):
    """A followed run, an edit being scored, an errand on its way: nothing fails, nothing stays open."""
    viewer, dock = window
    closed = []
    close = EmbeddingStore.close
    monkeypatch.setattr(EmbeddingStore, "close", lambda store: (closed.append(store), close(store)))
    follow_zoomed_in(qtbot, viewer, dock)
    dock.run_box.areas["slide"].click()
    dock.look.inspector.inspect(int(dock.presenter.snapshot().shown.indices[0]))
    edit(dock, "necrosis")
    dock.ask.settle()
    presenter = dock.presenter
    assert presenter.state == "running" and presenter.busy
    began = time.monotonic()
    viewer.close()
    assert time.monotonic() - began < 5
    qtbot.waitUntil(lambda: len(closed) == 2, timeout=5000)
    qtbot.wait(500)
    assert len(set(map(id, closed))) == len(closed) == 2, "one for each encoder, each closed once"
    assert presenter.slide() is None
    readers = [thread.name for thread in threading.enumerate() if thread.name.startswith("histoalign-reader")]
    assert readers == []
    assert [record.message for record in notification_manager.records] == []
