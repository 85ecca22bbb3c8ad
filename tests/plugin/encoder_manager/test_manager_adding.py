"""What people add and remove in the dialog of encoders, and what the pickers offer then."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from desk import SECONDS, Desk, manage
from qtpy.QtWidgets import QFileDialog
from small_clip import SIDE
from stand_ins import StepRunner

from napari_histoalign.encoders import add_encoder
from napari_histoalign.plugin.encoder_seams import Steps

pytestmark = pytest.mark.usefixtures("display")


def test_an_own_encoder_is_added_chosen_kept_and_removed(qtbot, clip, own_encoders, no_windows):
    desk = Desk(qtbot)
    dialog = desk.open()
    dialog.add_own.click()
    assert not dialog.own.yes.isEnabled(), "nothing is filled in yet"
    desk.add_own(clip, "mine", "pathology", 0.25)
    assert "mine was added" in dialog.message.text()
    assert desk.row("mine")[1:4] == ["pathology (own)", "your own: see where you got it", "ready"]
    assert dialog.own.name.text() == "" and desk.warned == []
    box = desk.box
    assert desk.offered(box.pathology) == ["demo-path", "mine"] and box.encoders()[0] == "demo-path"
    box.pathology.setCurrentIndex(box.pathology.findData("mine"))
    desk.desk.offer()
    assert box.encoders() == ("mine", "demo-general"), "what was chosen stays"
    assert box.advice.text() == f"mine was made for tiles of {SIDE} px at 0.25 µm/px"
    desk.select("mine")
    dialog.remove.click()
    assert (
        dialog.panels.currentWidget() is dialog.question
        and "Remove mine?" in dialog.question.text.label.text()
    )
    dialog.question.no.click()
    assert (own_encoders / "mine").is_dir() and dialog.panels.currentWidget() is dialog.details
    dialog.remove.click()
    dialog.question.yes.click()
    desk.wait()
    assert not (own_encoders / "mine").exists() and "mine" not in dialog.list.shown()
    assert box.encoders() == ("demo-path", "demo-general")
    assert desk.warned == ["mine can no longer be used: look at what is chosen now."]


def test_a_file_that_is_no_weights_is_refused_in_the_dialog(
    qtbot, tmp_path, monkeypatch, own_encoders, no_windows
):
    (tmp_path / "report.pt").write_bytes(b"not a model at all")
    desk = Desk(qtbot)
    dialog = desk.open()
    desk.select("pathclip")
    chosen = str(tmp_path / "report.pt")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (chosen, ""))
    dialog.add_file.click()
    desk.wait()
    assert chosen in dialog.message.text() and "Traceback" not in dialog.message.text()
    assert "color" in dialog.message.styleSheet()
    assert desk.row("pathclip")[3] == "not here" and not dialog.progress.isVisible()
    assert list(own_encoders.iterdir()) == [] and desk.offered(desk.box.pathology) == ["demo-path"]


def test_what_was_typed_for_an_own_encoder_stays_after_a_failure(qtbot, tmp_path):
    desk = Desk(qtbot)
    dialog = desk.open()
    desk.add_own(tmp_path, "mine")
    assert "is in no layout that is known here" in dialog.message.text()
    assert (dialog.own.name.text(), dialog.own.folder.text()) == ("mine", str(tmp_path))


def test_the_name_of_an_own_encoder_is_made_from_its_folder(qtbot, clip, monkeypatch):
    dialog = Desk(qtbot).open()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(clip))
    dialog.add_own.click()
    dialog.own.choose.click()
    assert dialog.own.name.text() == "my-clip" and dialog.own.yes.isEnabled()


def test_files_of_an_entry_are_linked_and_replaced_after_a_question(qtbot, clip, monkeypatch, own_encoders):
    calls = []

    def add(name, path, library, **options):
        calls.append((name, path, options["link"], options["replace"]))
        return add_encoder("mine", clip, library, replace=True)

    desk = Desk(qtbot, Steps(add=add))
    dialog = desk.open()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(clip))
    desk.select("clip-b32")
    dialog.link.setChecked(True)
    dialog.add_folder.click()
    desk.wait()
    (own_encoders / "mine").rename(own_encoders / "clip-b32")
    desk.desk.open()
    desk.select("clip-b32")
    dialog.add_folder.click()
    assert len(calls) == 1 and "take its place" in dialog.question.text.label.text()
    dialog.question.yes.click()
    desk.wait()
    assert calls == [("clip-b32", clip, True, False), ("clip-b32", clip, True, True)]


def test_copying_is_stopped_by_cancel(qtbot, own_encoders):
    going = threading.Event()

    def add(name, path, library, *, on_progress, **options):
        for done in range(1, 100_000):
            on_progress(done, 100_000)
            going.set()
            time.sleep(0.002)

    desk = Desk(qtbot, Steps(add=add))
    dialog = desk.open()
    desk.select("plip")
    dialog.add_requested.emit(Path("/somewhere"), False)
    qtbot.waitUntil(going.is_set, timeout=SECONDS)
    dialog.cancel.click()
    desk.wait()
    assert dialog.message.text() == "Stopped: nothing was added."
    assert "color" not in dialog.message.styleSheet(), "that is no error"


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA out of memory"), KeyError("odd"), OSError("disk is gone")]
)
def test_any_failure_becomes_a_sentence_and_the_next_work_is_taken(view, error):
    runner = StepRunner()
    manager, changed = manage(view, runner, add=MagicMock(side_effect=error))
    for _ in range(2):
        manager.add(Path("/x"))
        assert manager.busy
        runner.finish()
        assert not manager.busy
    text = view.show_message.call_args
    assert str(error) in text.args[0] and text.kwargs == {"error": True}
    changed.assert_not_called()


def test_one_thing_at_a_time(view):
    runner = StepRunner()
    manager, _ = manage(view, runner)
    manager.add(Path("/x"))
    manager.add(Path("/y"))
    manager.add_own("mine", Path("/z"), role="general", mpp=None)
    manager.ask_download()
    manager.change_folder(Path("/w"))
    assert runner.started == 1 and view.show_question.call_count == 0


def test_nothing_is_touched_after_closing(view):
    runner = StepRunner()
    manager, changed = manage(view, runner, add=lambda *a, **k: time.sleep(0))
    manager.add(Path("/x"))
    manager.close()
    view.reset_mock()
    runner.finish()
    manager.tick()
    assert view.mock_calls == [] and not changed.called
