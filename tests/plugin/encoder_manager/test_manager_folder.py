"""Where encoders are kept, as the dialog shows and changes it."""

from __future__ import annotations

import sys

import pytest
from desk import Desk
from qtpy.QtWidgets import QFileDialog

from napari_histoalign.encoders import EncoderLibrary, add_encoder
from napari_histoalign.settings import load_settings

pytestmark = pytest.mark.usefixtures("display")


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
    why = "cannot be the folder of encoders" if broken == "library" else "cannot be read"
    assert len(desk.warned) == 1 and why in desk.warned[0]
    assert not desk.box.problem.isHidden()
    dialog = desk.open()
    assert why in dialog.message.text() and dialog.place.path.text() == "not known"
    if broken != "registry":
        assert dialog.list.shown()[:2] == ["demo-path", "demo-general"]
        desk.select("plip")
        assert why in dialog.details.label.text() and not dialog.remove.isEnabled()
