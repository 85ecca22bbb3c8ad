"""The page of preferences: what makes sense counts, what does not is said, and changes are heard of."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from npe2 import PluginManifest

from napari_histoalign.errors import EncoderError
from napari_histoalign.plugin import preferences
from napari_histoalign.plugin.encoder_seams import Steps
from napari_histoalign.plugin.preferences import (
    MB,
    Preferences,
    PreferenceWatch,
    guarded,
    read_preferences,
    sound,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_cache_variable(monkeypatch):
    monkeypatch.delenv("HISTOALIGN_CACHE", raising=False)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page as napari makes it of the manifest, with a file of its own."""
    import napari.settings
    from napari.settings import get_plugin_settings

    monkeypatch.setattr(napari.settings, "_PLUGIN_SETTINGS", {})
    return get_plugin_settings(preferences.PLUGIN, path_dir=tmp_path)


def test_the_manifest_is_valid_and_its_defaults_are_ours():
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    plain = {
        section: {name: found.default for name, found in part.properties.items()}
        for section, part in manifest.contributions.configurations.items()
    }
    assert sound(plain) == Preferences()


def test_its_bounds_and_devices_are_ours():
    found = yaml.safe_load((ROOT / "napari.yaml").read_text())["contributions"]["configurations"]["computing"]
    about = found["properties"]
    assert tuple(about["device"]["enum"]) == preferences.DEVICES
    assert (about["batch"]["minimum"], about["batch"]["maximum"]) == preferences.BATCHES
    assert (about["similarity_mb"]["minimum"], about["similarity_mb"]["maximum"]) == preferences.MEGABYTES


def test_what_is_set_on_the_page_is_read(page, tmp_path):
    page.computing.device = "cpu"
    page.computing.batch = 8
    page.computing.similarity_mb = 256
    page.places.embeddings = str(tmp_path / "not there yet" / "store")
    page.places.sessions = str(tmp_path)
    page.working.prompts = "colon"
    page.working.reviewer = "  Dr Größer "
    page.working.offline = True
    assert read_preferences() == Preferences(
        device="cpu",
        batch=8,
        similarity_bytes=256 * MB,
        embeddings=tmp_path / "not there yet" / "store",
        sessions=tmp_path,
        prompts="colon",
        reviewer="Dr Größer",
        offline=True,
    )
    assert not (tmp_path / "not there yet").exists()


@pytest.mark.parametrize(
    ("section", "name", "value", "word"),
    [
        ("computing", "device", "tpu", "'tpu'"),
        ("computing", "batch", 0, "from 1 to 512"),
        ("computing", "batch", True, "tiles a step"),
        ("computing", "batch", 2.5, "2.5"),
        ("computing", "similarity_mb", 1 << 40, "megabytes"),
        ("places", "embeddings", "store", "full path"),
        ("places", "sessions", "/a\0b", "no path"),
        ("places", "sessions", 7, "no path"),
        ("working", "prompts", "no such set", "breast"),
        ("working", "prompts", "prompts.yaml", "full path"),
        ("working", "prompts", "a\nb", "'a\\nb'"),
        ("working", "reviewer", "x" * 81, "80"),
        ("working", "reviewer", "a\tb", "seen"),
        ("working", "offline", "no", "on or off"),
    ],
)
def test_a_value_without_sense_leaves_the_default_and_a_sentence(section, name, value, word):
    found = sound({section: {name: value}, "computing" if section != "computing" else "working": {}})
    assert found == Preferences(notes=found.notes)
    (note,) = found.notes
    assert word in note
    assert note.startswith(preferences.PAGE)
    assert note.endswith(".")


def test_other_values_count_beside_one_without_sense():
    found = sound({"computing": {"device": "tpu", "batch": 4}, "working": {"reviewer": "Anna"}, "x": 1})
    assert (found.device, found.batch, found.reviewer, len(found.notes)) == ("auto", 4, "Anna", 1)


def test_a_folder_cannot_be_a_file_or_lie_in_one(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        found = sound({"places": {"sessions": str(path)}})
        assert found.sessions is None
        assert "is a file" in found.notes[0]


def test_a_prompt_set_can_be_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    assert sound({"working": {"prompts": str(path)}}).prompts == "breast"
    path.write_text("")
    assert sound({"working": {"prompts": str(path)}}).prompts == str(path)


def test_the_environment_has_the_last_word_on_embeddings(monkeypatch, tmp_path):
    monkeypatch.setenv("HISTOALIGN_CACHE", str(tmp_path))
    found = sound({"places": {"embeddings": str(tmp_path / "mine")}})
    assert found.embeddings is None
    assert "HISTOALIGN_CACHE" in found.notes[0]


def test_a_damaged_file_of_settings_leaves_what_makes_sense(tmp_path, monkeypatch):
    import napari.settings

    monkeypatch.setattr(napari.settings, "_PLUGIN_SETTINGS", {})
    file = tmp_path / "napari-histoalign.yaml"
    file.write_text("computing: {device: tpu, batch: 9}\nplaces: 7\nworking: {reviewer: Anna}\n")
    napari.settings.get_plugin_settings(path_dir=tmp_path)
    assert read_preferences() == Preferences(batch=9, reviewer="Anna")


@pytest.mark.parametrize("error", [KeyError, ImportError])
def test_without_a_page_the_defaults_count(monkeypatch, error):
    import napari.settings

    if error is ImportError:
        monkeypatch.delattr(napari.settings, "get_plugin_settings")
    else:
        monkeypatch.setattr(preferences, "PLUGIN", "another-plugin")
    assert read_preferences() == Preferences()
    watch = PreferenceWatch()
    assert watch.now == Preferences()
    watch.close()


def test_changes_are_heard_of_once_and_only_where_they_count(page):
    watch, heard = PreferenceWatch(), []
    watch.changed.connect(heard.append)
    page.computing.batch = 8
    page.working.prompts = "col"  # half typed: the default goes on to count, with a sentence
    page.working.prompts = "colon"
    page.working.prompts = "colon"
    assert [(p.batch, p.prompts, len(p.notes)) for p in heard] == [
        (8, "breast", 0),
        (8, "breast", 1),
        (8, "colon", 0),
    ]
    watch.close()
    page.computing.batch = 9
    assert len(heard) == 3


def test_settings_that_napari_reads_anew_are_followed(page):
    from napari.settings import _clear_plugin_settings_cache

    watch, heard = PreferenceWatch(), []
    watch.changed.connect(heard.append)
    page.computing.batch = 8
    _clear_plugin_settings_cache()  # as when any plugin is switched on or off
    watch.now  # noqa: B018
    fresh = preferences.napari_settings()
    assert fresh is not page
    fresh.computing.batch = 7
    assert watch.now.batch == 7
    assert heard[-1].batch == 7


class Library:
    def spec(self, name):
        return type("Spec", (), {"title": name.upper()})


def test_downloads_are_refused_while_offline_before_and_after_they_are_agreed_to():
    done, offline = [], []
    real = Steps(
        open_library=Library,
        plan=lambda name, library: done.append(("plan", name)),
        download=lambda name, library, **options: done.append((name, options)),
    )
    steps = guarded(real, lambda: bool(offline))
    assert steps.open_library is real.open_library
    assert steps.add is real.add
    steps.plan("plip", Library())
    offline.append(True)
    for step in (steps.plan, steps.download):
        with pytest.raises(EncoderError, match=r"PLIP was not downloaded.*Never download"):
            step("plip", Library())
    assert done == [("plan", "plip")]
    offline.clear()
    steps.download("plip", Library(), token=None)
    assert done[-1] == ("plip", {"token": None})
