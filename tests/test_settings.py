"""The settings of this computer: read within bounds, written whole."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from napari_histoalign.errors import SettingsError
from napari_histoalign.settings import Settings, load_settings, save_settings, settings_path


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_histoalign.settings.config_dir", lambda: tmp_path / "config")
    return tmp_path / "config"


def test_there_are_defaults_and_what_was_saved_is_read() -> None:
    assert load_settings() == Settings()
    path = save_settings(Settings(encoders_folder="/lab/ä"))
    assert load_settings() == Settings(encoders_folder="/lab/ä")
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


def test_what_a_later_version_wrote_stays(config) -> None:
    config.mkdir()
    settings_path().write_text(json.dumps({"encoders_folder": None, "of_a_later_version": "kept"}))
    save_settings(replace(load_settings(), encoders_folder="/lab"))
    assert json.loads(settings_path().read_text()) == {
        "encoders_folder": "/lab",
        "of_a_later_version": "kept",
    }


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "cannot be read"),
        (b"[1", "cannot be read"),
        (b"\0" * 64, "cannot be read"),
        (b"\xff\xfe{\0", "cannot be read"),
        (b"[" * 200_000, "nested too deeply"),
        (b" " * 2_000_000, "more than 1.0 MB"),
        (b"[]", "map names to texts"),
        (b'{"encoders_folder": 3}', "map names to texts"),
        (b'{"encoders_folder": "a\\u0000b"}', "map names to texts"),
    ],
    ids=[str(i) for i in range(9)],
)
def test_settings_that_are_none_are_a_sentence_and_stay(config, content, complaint) -> None:
    config.mkdir()
    settings_path().write_bytes(content)
    with pytest.raises(SettingsError, match=complaint) as refused:
        load_settings()
    text = str(refused.value)
    assert str(settings_path()) in text and "delete that file" in text and "\n" not in text
    assert settings_path().read_bytes() == content


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
def test_settings_are_waited_for_in_no_pipe(config) -> None:
    config.mkdir()
    os.mkfifo(settings_path())
    with pytest.raises(SettingsError, match="no ordinary file"):
        load_settings()


def test_what_cannot_be_written_is_a_sentence(config) -> None:
    config.write_text("a file where the folder should be")
    with pytest.raises(SettingsError, match=r"settings\.json cannot be written \(File exists\)"):
        save_settings(Settings())
    config.unlink()
    with pytest.raises(SettingsError, match="cannot be written"):
        save_settings(Settings(encoders_folder=b"no text"))  # type: ignore[arg-type]
