"""The dock in a real viewer, on a drawn slide, with the encoders that ship: from click to layers."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Shapes
from napari.utils.notifications import notification_manager
from PIL import Image as PILImage
from qtpy.QtCore import QTimer

from napari_histoalign.encoders import Encoder
from napari_histoalign.errors import EncoderError, SlideError
from napari_histoalign.plugin.reader import read_slide
from napari_histoalign.sample import CLASSES
from napari_histoalign.slides import Slide

pytestmark = pytest.mark.usefixtures("display")
SECONDS = 60_000


@pytest.fixture
def viewer(make_napari_viewer_proxy, monkeypatch):
    """A viewer that refuses to be touched from a worker thread."""
    viewer = make_napari_viewer_proxy()
    notification_manager.records.clear()
    return viewer


def open_dock(viewer, path: Path):
    data, options, _ = read_slide(path)
    viewer.add_image(data, **options)
    _, dock = viewer.window.add_plugin_dock_widget("napari-histoalign", "HistoAlign")
    return dock


def ready(dock):
    return lambda: dock.presenter.state == "ready" and not dock.presenter.busy


def many_small_tiles(dock):
    """Enough of them that a run takes seconds."""
    dock.ask.encoder_box.mpp.setValue(0.22)


def run(qtbot, dock, where="slide"):
    dock.run_box.areas[where].click()
    assert dock.presenter.state == "running", dock.run_box.status.text()
    qtbot.waitUntil(ready(dock), timeout=SECONDS)


def share_of(name, drawn, shape):
    """Share of a drawn class below each map pixel: from the slide's own truth."""
    truth = np.asarray(PILImage.open(drawn.labels)) == CLASSES.index(name)
    side = 224 // drawn.label_downsample
    return np.array(
        [
            [truth[r * side : (r + 1) * side, c * side : (c + 1) * side].mean() for c in range(shape[1])]
            for r in range(shape[0])
        ]
    )


def test_run_edit_run_again_export(qtbot, viewer, drawn, monkeypatch, tmp_path):
    """One session: what was embedded once is never read again."""
    dock = open_dock(viewer, drawn.slide)
    run(qtbot, dock)
    assert dock.run_box.status.text().startswith("Scored ")
    names = set(dock.ask.prompt_box.prompts().class_names)
    results = {"classes", "uncertainty", "disagreement"} | names
    qtbot.waitUntil(lambda: {layer.name for layer in viewer.layers} == {"drawn"} | results)
    malignant = viewer.layers["malignant"].data.copy()
    share = share_of("malignant", drawn, malignant.shape)
    scored = np.isfinite(malignant)
    inside, elsewhere = scored & (share > 0.6), scored & (share < 0.02)
    assert inside.sum() > 5 and elsewhere.sum() > 5
    assert malignant[inside].mean() > malignant[elsewhere].mean() + 0.3

    def never(*args, **kwargs):
        raise AssertionError("a pixel was read, or a tile embedded, again")

    with monkeypatch.context() as patched:
        for name in ("read_area", "read_region"):
            patched.setattr(Slide, name, never)
        patched.setattr(Encoder, "embed_images", never)
        editor = next(e for e in dock.ask.prompt_box.editors if e.name.text() == "malignant")
        editor.text.setPlainText("blank glass without tissue")
        qtbot.waitUntil(
            lambda: not np.array_equal(viewer.layers["malignant"].data, malignant, equal_nan=True)
        )
        assert np.array_equal(np.isfinite(viewer.layers["malignant"].data), scored)
        qtbot.waitUntil(ready(dock), timeout=SECONDS)
        edited = viewer.layers["malignant"].data.copy()
        strategy = dock.ask.method_box.strategy.combo
        strategy.setCurrentIndex(strategy.findData("mean-fusion"))
        qtbot.waitUntil(lambda: not np.array_equal(viewer.layers["malignant"].data, edited, equal_nan=True))
        dock.ask.method_box.threshold.setValue(1.0)
        assert not viewer.layers["classes"].data.any()
        dock.ask.method_box.threshold.setValue(0.5)
        qtbot.waitUntil(ready(dock), timeout=SECONDS)

    with monkeypatch.context() as patched:
        patched.setattr(Encoder, "embed_images", never)
        run(qtbot, dock)
        assert np.array_equal(np.isfinite(viewer.layers["malignant"].data), scored)

    dock.presenter.export(tmp_path / "out")
    qtbot.waitUntil(ready(dock), timeout=SECONDS)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"tiles.parquet", "probabilities.zarr", "regions.geojson", "tiles.geojson", "run.json"} <= written
    assert str(tmp_path / "out") in dock.run_box.status.text()


def test_layers_fill_while_the_window_stays_awake(qtbot, viewer, drawn):
    dock = open_dock(viewer, drawn.slide)
    many_small_tiles(dock)
    filled, gaps, last = [], [], [time.monotonic()]

    def tick():
        now = time.monotonic()
        gaps.append(now - last[0])
        last[0] = now
        if "malignant" in viewer.layers:
            filled.append(int(np.isfinite(viewer.layers["malignant"].data).sum()))

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(10)
    run(qtbot, dock)
    timer.stop()
    steps = sorted(set(filled))
    assert len(steps) >= 3, f"filled at once: {steps}"
    assert max(gaps) < 1.5, f"the window stood still for {max(gaps):.2f} s"


def test_cancel_within_two_seconds_then_go_on(qtbot, viewer, drawn):
    dock = open_dock(viewer, drawn.slide)
    many_small_tiles(dock)
    dock.run_box.areas["slide"].click()
    qtbot.waitUntil(lambda: dock.presenter.snapshot() is not None, timeout=SECONDS)
    started = time.monotonic()
    dock.run_box.cancel.click()
    qtbot.waitUntil(ready(dock), timeout=SECONDS)
    assert time.monotonic() - started < 2
    some = np.isfinite(viewer.layers["malignant"].data).sum()
    run(qtbot, dock)
    assert 0 < some < np.isfinite(viewer.layers["malignant"].data).sum()


def test_a_drawn_region_is_what_is_run(qtbot, viewer, drawn):
    dock = open_dock(viewer, drawn.slide)
    dock.run_box.draw.click()
    shapes = viewer.layers.selection.active
    assert isinstance(shapes, Shapes) and shapes.mode == "add_polygon"
    assert shapes.units == viewer.layers["drawn"].units
    shapes.add_rectangles(np.array([[224, 448], [672, 1120]]) - 0.5)
    run(qtbot, dock, "shapes")
    scored = np.isfinite(viewer.layers["malignant"].data)
    expected = np.zeros_like(scored)
    expected[1:3, 2:5] = True
    np.testing.assert_array_equal(scored, expected)
    assert viewer.layers[-1] is not None and viewer.layers.selection.active.name == "region"


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), SlideError("drawn.tiff is damaged.")])
def test_a_failure_is_shown_and_the_dock_is_ready_again(qtbot, viewer, drawn, monkeypatch, error):
    dock = open_dock(viewer, drawn.slide)

    def fail(*args):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Encoder, "embed_images", fail)
        run(qtbot, dock)
    assert str(error) in dock.run_box.status.text()
    assert any(str(error) in str(record.message) for record in notification_manager.records)
    run(qtbot, dock)
    assert "malignant" in viewer.layers


def test_the_slide_may_be_removed_during_a_run(qtbot, viewer, drawn):
    dock = open_dock(viewer, drawn.slide)
    many_small_tiles(dock)
    dock.run_box.areas["slide"].click()
    qtbot.waitUntil(lambda: dock.presenter.snapshot() is not None, timeout=SECONDS)
    viewer.layers.remove("drawn")
    qtbot.waitUntil(ready(dock), timeout=SECONDS)
    assert not dock.run_box.areas["view"].isEnabled()
    assert "Open a slide" in dock.ask.slide_box.info.text()


def test_the_viewer_may_be_closed_during_a_run(qtbot, make_napari_viewer, drawn):
    viewer = make_napari_viewer()
    dock = open_dock(viewer, drawn.slide)
    many_small_tiles(dock)
    dock.run_box.areas["slide"].click()
    qtbot.waitUntil(lambda: dock.presenter.snapshot() is not None, timeout=SECONDS)
    started = time.monotonic()
    viewer.close()
    assert time.monotonic() - started < 5


def test_the_viewer_may_be_closed_with_encoders_being_managed(qtbot, make_napari_viewer):
    viewer = make_napari_viewer()
    _, dock = viewer.window.add_plugin_dock_widget("napari-histoalign", "HistoAlign")
    going, stopped = threading.Event(), threading.Event()

    def download(name, library, *, on_progress, cancelled, token):
        going.set()
        while not cancelled():
            time.sleep(0.005)
        stopped.set()
        raise EncoderError("Stopped.")

    dock.encoder_desk.steps = replace(dock.encoder_desk.steps, download=download)
    dock.ask.encoder_box.manage.click()
    dialog, manager = dock.encoder_desk.dialog, dock.encoder_desk.manager
    assert dialog.isVisible() and not dialog.isModal()
    manager.select("plip")
    dialog.download.click()
    dialog.question.yes.click()
    qtbot.waitUntil(going.is_set, timeout=SECONDS)
    viewer.close()
    qtbot.waitUntil(stopped.is_set, timeout=5000)


def test_a_slide_without_physical_size_asks_for_it(qtbot, viewer, tmp_path):
    PILImage.fromarray(np.full((600, 800, 3), 200, np.uint8)).save(tmp_path / "plain.png")
    dock = open_dock(viewer, tmp_path / "plain.png")
    assert "no physical size" in dock.ask.slide_box.info.text()
    dock.ask.slide_box.mpp_given.emit(0.5)
    assert "as given" in dock.ask.slide_box.info.text()
    assert viewer.layers["plain"].scale.tolist() == [0.5, 0.5]
    assert viewer.canvas.overlays.scale_bar.visible


def test_a_prompt_set_that_cannot_be_used_says_why_and_keeps_the_last_scores(qtbot, viewer, drawn):
    dock = open_dock(viewer, drawn.slide)
    editor = dock.ask.prompt_box.editors[0]
    editor.text.setPlainText("")
    assert "has no prompt" in dock.ask.prompt_box.message.text()
    assert "has no prompt" in dock.run_box.status.text()
    editor.text.setPlainText("carcinoma")
    assert dock.ask.prompt_box.message.isHidden()


def test_prompts_can_be_saved_and_opened(qtbot, viewer, drawn, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QFileDialog

    dock = open_dock(viewer, drawn.slide)
    dock.ask.prompt_box.editors[0].text.setPlainText("one\ntwo")
    path = tmp_path / "mine.yaml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(path), ""))
    dock.ask.prompt_box.save_requested.emit()
    dock.ask.use_prompts("generic")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (str(path), ""))
    dock.ask.prompt_box.load_requested.emit()
    assert dock.ask.prompt_box.editors[0].prompts() == ("one", "two")


def test_words_no_encoder_knows_are_pointed_out(qtbot, viewer, drawn):
    dock = open_dock(viewer, drawn.slide)
    dock.ask.prompt_box.editors[0].text.appendPlainText("frobnicated zyzzyva")
    viewer.scene.camera.zoom *= 4
    run(qtbot, dock, "view")
    assert "frobnicated" in dock.ask.prompt_box.editors[0].warnings.text()


def test_smaller_tiles_make_a_finer_map(qtbot, viewer, drawn):
    """Tiles of half the side, which the encoders still see at their own size."""
    dock = open_dock(viewer, drawn.slide)
    dock.ask.encoder_box.tile.setValue(112)
    viewer.scene.camera.zoom *= 4
    run(qtbot, dock, "view")
    assert viewer.layers["malignant"].data.shape == (19, 19)
    np.testing.assert_allclose(viewer.layers["malignant"].scale, (56, 56))
