"""Where added encoders are kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from small_clip import DIM

from napari_histoalign.encoders import EncoderLibrary, add_encoder, encoders_dir, list_encoders, load_encoder
from napari_histoalign.encoders.download import plan_download
from napari_histoalign.errors import EncoderError, SettingsError
from napari_histoalign.settings import Settings, save_settings, settings_path


def test_the_folder_moves_by_setting_and_by_environment(source, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("HISTOALIGN_ENCODERS")
    assert encoders_dir().is_relative_to(tmp_path / "data")
    save_settings(Settings(encoders_folder=str(tmp_path / "lab")))
    add_encoder("mine", source, EncoderLibrary())
    assert (tmp_path / "lab" / "mine" / "encoder.json").is_file()
    monkeypatch.setenv("HISTOALIGN_ENCODERS", str(tmp_path / "other"))
    assert EncoderLibrary().own() == ()
    monkeypatch.delenv("HISTOALIGN_ENCODERS")
    assert load_encoder("mine", device="cpu").dim == DIM

    settings_path().write_text(json.dumps({"encoders_folder": None, "of_a_later_version": "kept"}))
    save_settings(replace(Settings(), encoders_folder=None))
    assert json.loads(settings_path().read_text())["of_a_later_version"] == "kept"
    settings_path().write_text("[1")
    with pytest.raises(SettingsError, match=r"settings\.json cannot be read"):
        encoders_dir()


LONG = "x" * 5000


def settings_of(text: bytes) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_bytes(text)


@pytest.fixture
def own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("napari_histoalign.settings.config_dir", lambda: tmp_path / "config")
    monkeypatch.delenv("HISTOALIGN_ENCODERS")


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 64,
        b"[" * 200_000,
        b"\xff\xfe{}",
        b'{"encoders_folder": "a\\u0000b"}',
        b'{"encoders_folder": 3}',
        b'{"encoders_folder": "\\ud800"}',
        b'{"encoders_folder": "~nobody-of-that-name/x"}',
        b'{"encoders_folder": "' + LONG.encode() + b'"}',
        b" " * 3_000_000,
    ],
    ids=range(9),
)
def test_settings_that_are_none_keep_nobody_from_the_encoders_that_ship(own_settings, content) -> None:
    settings_of(content)
    library = EncoderLibrary()
    rows = {row.spec.name: row for row in list_encoders(library)}

    assert rows["demo-path"].usable and load_encoder("demo-path", device="cpu").dim
    assert rows["plip"].problem == library.problem and not rows["plip"].here
    with pytest.raises(
        (EncoderError, SettingsError), match=r"settings\.json|cannot be the folder of encoders"
    ):
        library.load("plip")


@pytest.mark.parametrize("named", ["~nobody-of-that-name/x", LONG, "loop", "loop/x", "file", "file/x"])
def test_a_folder_that_can_be_none_is_said_of_the_encoders_in_it(tmp_path, monkeypatch, named) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setenv("HISTOALIGN_ENCODERS", named if named[0] == "~" else str(tmp_path / named))
    library = EncoderLibrary()
    rows = {row.spec.name: row for row in list_encoders(library)}

    assert rows["demo-path"].usable and load_encoder("demo-general", device="cpu").dim
    assert "cannot be the folder of encoders (" in rows["conch"].problem == library.problem
    assert len(library.problem) < 1000


def test_a_folder_that_is_closed_is_said_of_the_encoders_in_it(tmp_path, close) -> None:
    library = EncoderLibrary(tmp_path / "encoders")
    library.root.mkdir()
    close(library.root)
    rows = {row.spec.name: row for row in list_encoders(library)}

    assert rows["demo-path"].usable
    assert "encoders cannot be read (Permission denied)" in rows["conch"].problem
    with pytest.raises(EncoderError, match=r"cannot be downloaded to .* \(Permission denied\)"):
        plan_download("plip", library)
    with pytest.raises(EncoderError, match=r"cannot be read \(Permission denied\)"):
        library.remove("plip")
