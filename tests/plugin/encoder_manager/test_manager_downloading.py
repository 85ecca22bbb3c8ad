"""Downloads in the dialog of encoders: asked for, seen, stopped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from desk import SECONDS, Desk, Download, press
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit

from napari_histoalign.plugin.encoder_seams import Steps
from napari_histoalign.plugin.encoder_texts import progress_text, size_text

pytestmark = pytest.mark.usefixtures("display")


def test_a_download_says_what_it_is_asks_and_shows_how_far_it_is(qtbot, clip, own_encoders):
    download = Download(clip)
    desk = Desk(qtbot, Steps(download=download))
    dialog = desk.open()
    desk.select("keep")
    dialog.download.click()
    text = dialog.question.text.label.text()
    for part in (
        "Download KEEP?",
        "1.7 GB",
        "https://huggingface.co/Astaxanthin/KEEP/",
        "MIT",
        str(own_encoders),
    ):
        assert part in text
    assert dialog.question.token.isHidden() and download.token == "unset", (
        "nothing is fetched before the answer"
    )
    dialog.question.yes.click()
    qtbot.waitUntil(lambda: "1.3 GB of 2.6 GB" in dialog.doing.text(), timeout=SECONDS)
    assert dialog.progress.value() / dialog.progress.maximum() == pytest.approx(0.5)
    assert not (dialog.download.isEnabled() or dialog.add_own.isEnabled() or dialog.place.change.isEnabled())
    desk.select("conch")
    assert "CONCH" in dialog.details.label.text(), "one can look around meanwhile"
    download.go_on.set()
    desk.wait()
    assert "from-keep" in desk.offered(desk.box.pathology) and download.token is None
    assert not dialog.cancel.isVisible() and dialog.add_own.isEnabled()


def test_a_download_is_cancelled(qtbot, clip):
    download = Download(clip)
    desk = Desk(qtbot, Steps(download=download))
    dialog = desk.open()
    download.begin(desk, "keep")
    qtbot.waitUntil(lambda: "1.3 GB" in dialog.doing.text(), timeout=SECONDS)
    dialog.cancel.click()
    assert "stopping" in dialog.doing.text()
    desk.wait()
    assert dialog.message.text() == "The download was stopped. 1.3 GB are here."
    assert desk.offered(desk.box.pathology) == ["demo-path"]


def test_a_token_is_hidden_used_once_and_kept_nowhere(qtbot, clip, own_encoders, settings):
    download = Download(clip)
    download.go_on.set()
    desk = Desk(qtbot, Steps(download=download))
    dialog = desk.open()
    desk.select("musk")
    dialog.download.click()
    assert "wants to be asked first" in dialog.question.text.label.text()
    assert dialog.question.token.isVisible()
    assert dialog.question.token.echoMode() == QLineEdit.EchoMode.Password
    dialog.question.token.setText("hf_secret")
    dialog.question.no.click()
    assert dialog.question.token.text() == "" and download.token == "unset"
    download.begin(desk, "musk", " hf_secret ")
    desk.wait()
    assert download.token == "hf_secret" and dialog.question.token.text() == ""
    written = [p for p in settings.parents[1].rglob("*") if p.suffix == ".json"]
    assert written and not any("hf_secret" in p.read_text() for p in written)


def test_closing_the_dialog_stops_the_download_and_it_can_be_opened_again(qtbot, clip):
    download = Download(clip)
    desk = Desk(qtbot, Steps(download=download))
    dialog = desk.open()
    download.begin(desk, "keep")
    dialog.close()
    desk.wait()
    assert download.ended.is_set()
    assert desk.open() is dialog and dialog.isVisible()
    assert "stopped" in dialog.message.text() and dialog.download.isEnabled()


def test_the_dock_may_go_during_a_download(qtbot, clip, caplog):
    download = Download(clip)
    desk = Desk(qtbot, Steps(download=download), kept=False)
    desk.open()
    download.begin(desk, "keep")
    qtbot.waitUntil(lambda: download.token is None, timeout=SECONDS)
    manager = desk.desk.manager
    desk.parent.deleteLater()
    qtbot.waitUntil(download.ended.is_set, timeout=SECONDS)
    with qtbot.captureExceptions() as exceptions:
        qtbot.wait(100)
    assert exceptions == [] and caplog.records == [] and manager._closed


def test_a_question_is_dropped_when_another_encoder_is_selected_and_by_escape(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    desk.select("keep")
    dialog.download.click()
    assert dialog.focusWidget() is dialog.question.yes
    desk.select("plip")
    assert dialog.panels.currentWidget() is dialog.details
    dialog.agreed.emit("")
    assert not desk.desk.manager.busy, "there is nothing to agree to any more"
    dialog.download.click()
    press(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible() and dialog.panels.currentWidget() is dialog.details
    press(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_progress_is_put_into_words():
    assert progress_text(0, 0, 0, 5) == ""
    assert progress_text(2_000_000, 0, 0, 5) == "2.0 MB"
    assert progress_text(600_000_000, 1_500_000_000, 0, 60) == "600 MB of 1.5 GB, 1 min 30 s left"
    resumed = progress_text(600_000_000, 1_500_000_000, 300_000_000, 60)
    assert resumed.endswith("3 min 00 s left"), "what was here before was not fetched in that time"
    assert [size_text(n) for n in (0, 512, 3_945_000_000)] == ["?", "512 bytes", "3.9 GB"]


def test_the_plan_of_an_interrupted_download_says_what_is_here():
    from napari_histoalign.plugin.encoder_texts import plan_question

    plan = SimpleNamespace(
        title="<b>X</b>", size_mb=100, here_bytes=42_000_000, folder=Path("/e/x"), files=(), licence="MIT",
        licence_url="javascript:alert(1)", notice="", gated=False, page="",
    )  # fmt: skip
    text = plan_question(plan)
    assert "42 MB are here from an earlier download" in text
    assert "&lt;b&gt;X" in text and "javascript" not in text
