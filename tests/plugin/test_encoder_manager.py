"""The dialog of encoders: what people add, download and remove there, and what the pickers offer then."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox, QWidget
from stand_ins import StepRunner

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.errors import EncoderError
from napari_histoalign.plugin.encoder_choices import EMBEDDED, read_offer
from napari_histoalign.plugin.encoder_desk import EncoderDesk
from napari_histoalign.plugin.encoder_manager import EncoderManager
from napari_histoalign.plugin.encoder_seams import ManagerView, Steps
from napari_histoalign.plugin.encoder_texts import progress_text, size_text
from napari_histoalign.plugin.widgets.encoder_box import EncoderBox
from napari_histoalign.settings import load_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "encoders"))
from small_clip import SIDE, save_small_clip

pytestmark = pytest.mark.usefixtures("display")
SECONDS = 60_000


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A reduced CLIP of random weights."""
    return save_small_clip(tmp_path_factory.mktemp("source") / "My CLIP")


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Path:
    """A settings folder of the test's own, and no folder named in the environment."""
    monkeypatch.delenv("HISTOALIGN_ENCODERS")
    monkeypatch.setattr("napari_histoalign.settings.config_dir", lambda: tmp_path / "config")
    monkeypatch.setattr(
        "napari_histoalign.encoders.library.data_dir", lambda *p: tmp_path.joinpath("data", *p)
    )
    return tmp_path / "config" / "settings.json"


@pytest.fixture
def no_windows(monkeypatch):
    """Nothing may open a message box."""

    def refuse(*args, **kwargs):
        raise AssertionError("a message box was opened")

    for name in ("critical", "warning", "information", "question"):
        monkeypatch.setattr(QMessageBox, name, refuse)


class Desk:
    """A dock with pickers only, and the dialog opened on it."""

    def __init__(self, qtbot, steps: Steps | None = None, *, kept: bool = True) -> None:
        self.bot = qtbot
        self.parent = QWidget()
        if kept:
            qtbot.addWidget(self.parent)
        self.box = EncoderBox(EMBEDDED, mpp=0.5, tile=224)
        self.box.setParent(self.parent)
        self.warned: list[str] = []
        self.desk = EncoderDesk(self.parent, self.box, self.warned.append, steps)
        self.desk.offer()

    def open(self):
        self.parent.show()
        self.box.manage.click()
        return self.desk.dialog

    def select(self, name: str) -> None:
        tree = self.desk.dialog.list.tree
        items = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
        tree.setCurrentItem(next(i for i in items if i.data(0, Qt.ItemDataRole.UserRole) == name))

    def row(self, name: str) -> list[str]:
        tree = self.desk.dialog.list.tree
        items = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
        item = next(i for i in items if i.data(0, Qt.ItemDataRole.UserRole) == name)
        return [item.text(c) for c in range(tree.columnCount())]

    def wait(self) -> None:
        self.bot.waitUntil(lambda: not self.desk.manager.busy, timeout=SECONDS)

    def offered(self, combo) -> list[str | None]:
        return [combo.itemData(i) for i in range(combo.count())]

    def add_own(self, folder: Path, name: str, role: str = "general", mpp: float = 0.0) -> None:
        own = self.desk.dialog.own
        self.desk.dialog.add_own.click()
        own.folder.setText(str(folder))
        own.name.setText(name)
        own.role.setCurrentIndex(own.role.findData(role))
        own.mpp.setValue(mpp)
        own.yes.click()
        self.wait()


def press(box: QWidget, key: Qt.Key) -> None:
    from qtpy.QtTest import QTest

    QTest.keyClick(box, key)


def test_the_table_shows_every_encoder_those_here_first(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    shown = dialog.list.shown()
    assert shown[:2] == ["demo-path", "demo-general"] and {"conch", "plip", "bioclip"} <= set(shown)
    assert desk.row("demo-path")[3] == "ready (demonstration)"
    assert desk.row("conch")[1:4] == ["pathology", "CC-BY-NC-ND-4.0", "not here"]
    assert desk.row("bioclip")[1] == "control"
    assert desk.row("plip")[4] == "605 MB"


def test_the_filter_hides_what_does_not_match_and_the_details_follow(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    dialog.list.filter.setText("laion h/14")
    assert dialog.list.shown() == ["openclip-h14"]
    assert "OpenCLIP ViT-H/14" in dialog.details.label.text()
    dialog.list.filter.setText("no such encoder")
    assert dialog.details.label.text() == "" and not dialog.add_folder.isEnabled()
    dialog.list.filter.clear()
    assert len(dialog.list.shown()) > 20


def test_the_details_say_terms_needs_and_why_it_cannot_be_used(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    desk.select("conch")
    text = dialog.details.label.text()
    for part in (
        "href='https://creativecommons.org/licenses/by-nc-nd/4.0/'",
        "non-commercial academic research only",
        "Not on this computer: download it (after its publisher gave you access)",
        "tiles of 448 px at 0.5 µm/px",
        "Nature Medicine 2024",
        "href='https://huggingface.co/MahmoodLab/CONCH'",
        "pytorch_model.bin",
    ):
        assert part in text
    desk.select("plip")
    assert "shares its space with CLIP ViT-B/32, QuiltNet ViT-B/32" in dialog.details.label.text()


@pytest.mark.parametrize(
    ("name", "can"),
    [
        ("demo-path", []),
        ("conch", ["add_folder", "add_file", "download"]),
        ("mi-zero", ["add_folder", "add_file"]),
    ],
)
def test_only_what_can_be_done_is_enabled(qtbot, name, can):
    desk = Desk(qtbot)
    dialog = desk.open()
    desk.select(name)
    buttons = ("add_folder", "add_file", "download", "remove")
    assert [b for b in buttons if getattr(dialog, b).isEnabled()] == can
    assert dialog.add_own.isEnabled()


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
    assert dialog.message.styleSheet() == "font-size: 12px;", "that is no error"


class Download:
    """Stands in for the network: sends bytes while it is told to, then adds the small CLIP."""

    def __init__(self, clip: Path) -> None:
        self.clip, self.token, self.asked = clip, "unset", False
        self.go_on, self.ended = threading.Event(), threading.Event()

    def __call__(self, name, library, *, on_progress, cancelled, token):
        self.token = token
        assert threading.current_thread() is not threading.main_thread()
        try:
            on_progress(1_300_000_000, 2_600_000_000)
            while not self.go_on.wait(0.005):
                if cancelled():
                    raise EncoderError("The download was stopped. 1.3 GB are here.")
            return add_encoder(f"from-{name}", self.clip, library, role="pathology")
        finally:
            self.ended.set()

    def begin(self, desk: Desk, name: str, token: str = "") -> None:
        desk.select(name)
        desk.desk.dialog.download.click()
        desk.desk.dialog.question.token.setText(token)
        desk.desk.dialog.question.yes.click()


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


def test_return_in_the_filter_presses_no_button(qtbot):
    desk = Desk(qtbot)
    dialog = desk.open()
    pressed = []
    for button in dialog.findChildren(type(dialog.cancel)):
        button.clicked.connect(lambda *_: pressed.append(True))
    dialog.list.filter.setFocus()
    press(dialog.list.filter, Qt.Key.Key_Return)
    QApplication.processEvents()
    assert pressed == [] and dialog.isVisible()


def test_the_folder_can_be_changed_and_back(qtbot, clip, settings, tmp_path, monkeypatch):
    lab = tmp_path / "lab"
    add_encoder("ours", clip, EncoderLibrary(lab), role="pathology")
    desk = Desk(qtbot)
    dialog = desk.open()
    assert dialog.place.path.text() == str(tmp_path / "data" / "encoders") and dialog.place.reason.isHidden()
    assert dialog.place.change.isEnabled() and not dialog.place.default.isEnabled()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(lab))
    dialog.place.change.click()
    assert load_settings().encoders_folder == str(lab) and dialog.place.path.text() == str(lab)
    assert desk.offered(desk.box.pathology) == ["demo-path", "ours"]
    dialog.place.default.click()
    assert load_settings().encoders_folder is None
    assert desk.offered(desk.box.pathology) == ["demo-path"]


def test_the_folder_stays_where_the_environment_names_it(qtbot, own_encoders):
    dialog = Desk(qtbot).open()
    assert dialog.place.path.text() == str(own_encoders)
    assert not dialog.place.change.isEnabled() and "HISTOALIGN_ENCODERS" in dialog.place.reason.text()


@pytest.mark.parametrize("broken", ["settings", "library", "registry"])
def test_what_is_broken_is_said_and_the_embedded_pair_is_offered(
    qtbot, settings, tmp_path, monkeypatch, broken
):
    if broken == "settings":
        settings.parent.mkdir()
        settings.write_text("{")
    elif broken == "library":
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("HISTOALIGN_ENCODERS", str(tmp_path / "file"))
    else:
        for module in ("library", "registry"):
            there = sys.modules[f"napari_histoalign.encoders.{module}"]
            monkeypatch.setattr(there, "resource", lambda *p: tmp_path / "none.yaml")
    desk = Desk(qtbot)
    assert desk.box.encoders() == ("demo-path", "demo-general")
    assert len(desk.warned) == 1 and "cannot be read" in desk.warned[0]
    assert not desk.box.problem.isHidden()
    dialog = desk.open()
    assert "cannot be read" in dialog.message.text()
    if broken != "registry":
        assert dialog.list.shown() == ["demo-path", "demo-general"]


def test_a_record_with_a_text_where_a_number_belongs_is_not_offered(clip, own_encoders):
    add_encoder("mine", clip, EncoderLibrary())
    record = own_encoders / "mine" / "encoder.json"
    record.write_text(record.read_text().replace('"mpp": null', '"mpp": "coarse"'))
    offer = read_offer()
    assert [c.name for c in offer.choices] == ["demo-path", "demo-general"]
    assert "mine" in offer.problem or any(r.problem for r in offer.rows if r.spec.name == "mine")


def test_controls_come_last_in_the_second_list(qtbot, clip):
    for name, role in (("a-control", "control"), ("b-general", "general")):
        add_encoder(name, clip, EncoderLibrary(), role=role)
    box = EncoderBox(read_offer().choices, mpp=0.5, tile=224)
    qtbot.addWidget(box)
    texts = [box.general.itemText(i) for i in range(box.general.count())]
    assert texts == ["Demo general encoder", "b-general", "a-control (control)", "none"]
    assert [box.pathology.itemText(i) for i in range(box.pathology.count())] == ["Demo pathology encoder"]


# without a window


@pytest.fixture
def view():
    return MagicMock(spec=ManagerView)


def manage(view, runner, **steps) -> tuple[EncoderManager, MagicMock]:
    changed = MagicMock()
    manager = EncoderManager(view, runner, changed, Steps(**steps))
    manager.refresh("plip")
    return manager, changed


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


def test_progress_is_put_into_words():
    assert progress_text(0, 0, 0, 5) == ""
    assert progress_text(2_000_000, 0, 0, 5) == "2.0 MB"
    assert progress_text(600_000_000, 1_500_000_000, 0, 60) == "600 MB of 1.5 GB, 1 min 30 s left"
    resumed = progress_text(600_000_000, 1_500_000_000, 300_000_000, 60)
    assert resumed.endswith("3 min 00 s left"), "what was here before was not fetched in that time"
    assert [size_text(n) for n in (0, 512, 3_945_000_000)] == ["?", "512 B", "3.9 GB"]


def test_the_plan_of_an_interrupted_download_says_what_is_here():
    from napari_histoalign.plugin.encoder_texts import plan_question

    plan = SimpleNamespace(
        title="<b>X</b>", size_mb=100, here_bytes=42_000_000, folder=Path("/e/x"), files=(), licence="MIT",
        licence_url="javascript:alert(1)", notice="", gated=False, page="",
    )  # fmt: skip
    text = plan_question(plan)
    assert "42 MB are here from an earlier download" in text
    assert "&lt;b&gt;X" in text and "javascript" not in text


def test_advice_is_given_by_one_encoder_and_followed_by_one_press(qtbot):
    large = replace(EMBEDDED[0], name="large", title="CONCH", input_size=448, mpp=0.5)
    free = replace(EMBEDDED[0], name="free", title="PathGen-CLIP-L", input_size=336, mpp=None)
    box = EncoderBox([EMBEDDED[0], large, free, EMBEDDED[1]], mpp=0.5, tile=224)
    qtbot.addWidget(box)
    assert box._advised.isHidden()
    box.pathology.setCurrentIndex(box.pathology.findData("large"))
    assert box.advice.text() == "CONCH was made for tiles of 448 px at 0.5 µm/px"
    box.mpp.setValue(1.0)
    box.use.click()
    assert (box.tile.value(), box.mpp.value()) == (448, 0.5)
    assert box._advised.isHidden(), "the other encoder does not ask for 224 px in turn"
    box.general.setCurrentIndex(box.general.findData(None))
    box.pathology.setCurrentIndex(box.pathology.findData("free"))
    box.mpp.setValue(0.25)
    assert box.advice.text() == "PathGen-CLIP-L was made for tiles of 336 px"
    box.use.click()
    assert (box.tile.value(), box.mpp.value()) == (336, 0.25), "it has no resolution of its own"
