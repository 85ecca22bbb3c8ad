"""What was odd about an encoder that was added is said, in the window as on the command line."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from napari_histoalign.encoders.adding import Added
from napari_histoalign.plugin.encoder_work import _say


def added(**more: object) -> Added:
    spec = SimpleNamespace(title="PLIP", name="plip", notice="")
    record = SimpleNamespace(spec=spec, files={"model.bin": SimpleNamespace(size=2_000_000)})
    return Added(record, Path("plip"), SimpleNamespace(), **more)


def test_an_encoder_like_its_publishers_is_added_without_remarks() -> None:
    assert _say(added()).text.endswith("It can be chosen in the dock now.")


def test_remarks_and_other_files_are_said_as_sentences() -> None:
    text = _say(added(unlike=("model.bin",), remarks=("config.json says 0.5 um",))).text

    assert "model.bin fits, but is not the file" in text
    assert text.endswith("Config.json says 0.5 um.")
