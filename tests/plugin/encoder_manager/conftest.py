"""An encoder to add, and settings of a test's own."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from qtpy.QtWidgets import QMessageBox

from napari_histoalign.plugin.encoder_seams import ManagerView

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "encoders"))
from small_clip import save_small_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """A reduced CLIP of random weights."""
    return save_small_clip(tmp_path_factory.mktemp("source") / "My CLIP")


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Path:
    """A settings folder of the test's own, and no folder named in the environment."""
    monkeypatch.delenv("HISTOALIGN_ENCODERS")
    monkeypatch.setattr("napari_histoalign.settings.config_dir", lambda: tmp_path / "config")
    monkeypatch.setattr("napari_histoalign.encoders.place.data_dir", lambda *p: tmp_path.joinpath("data", *p))
    return tmp_path / "config" / "settings.json"


@pytest.fixture
def no_windows(monkeypatch):
    """Nothing may open a message box."""

    def refuse(*args, **kwargs):
        raise AssertionError("a message box was opened")

    for name in ("critical", "warning", "information", "question"):
        monkeypatch.setattr(QMessageBox, name, refuse)


@pytest.fixture
def view():
    return MagicMock(spec=ManagerView)
