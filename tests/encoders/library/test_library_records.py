"""Records that somebody edited, or made: never a crash, a wait, or less of a check."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from looking import state

from napari_histoalign.encoders import EncoderLibrary, add_encoder, list_encoders
from napari_histoalign.errors import EncoderError


def write(library: EncoderLibrary, name: str, text: str | bytes) -> Path:
    """A record of somebody else's."""
    folder = library.root / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "encoder.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def whole(**changes: object) -> dict[str, object]:
    """A record that can be read."""
    spec = {
        "title": "Mine", "role": "general", "loader": "transformers", "files": {"config.json": None},
        "input_size": 32, "mpp": None, "dim": 16, "context_length": 77, "space": "own mine",
        "licence": "x", "licence_url": "", "citation": "",
    }  # fmt: skip
    files = {"config.json": {"sha256": "0" * 64, "size": 3}}
    found = {"format": 1, "added": "2026", "source": "by hand", "files": files, "spec": spec}
    for name, value in changes.items():
        (found if name in found else spec)[name] = value
    return found


def test_the_record_that_the_next_tests_break_can_be_read(library) -> None:
    write(library, "mine", json.dumps(whole()))
    (library.folder("mine") / "config.json").write_text("{} ")
    assert state(library, "mine").usable


OF = {"sha256": "0" * 64, "size": 3}
HUGE = "1" + "0" * 400


BROKEN = [
    ("[" * 200_000, "nested too deeply"),
    ('{"a":' * 200_000, "nested too deeply"),
    (b"\xff\xfe\0", "utf-8"),
    (b"\0" * 100, "cannot be read"),
    (" " * 3_000_000, "more than 1.0 MB"),
    ("3", "cannot be read"),
    ("[]", "cannot be read"),
    ("{}", "lacks 'format'"),
    ('{"format": 2}', "this version reads 1"),
    (whole(files={}), "says nothing of config.json"),
    (whole(files=[]), "cannot be read"),
    (whole(files={"config.json": {"sha256": "0" * 64, "size": "XX"}}), "size of config.json is none"),
    (
        json.dumps(whole(files={"config.json": {**OF, "size": 9}})).replace("9}", "1e400}"),
        "size of config",
    ),
    (
        json.dumps(whole(files={"config.json": {**OF, "size": 9}})).replace("9}", "9" * 5000 + "}"),
        "digits",
    ),
    (whole(files={"config.json": {**OF, "size": -1}}), "size of config.json is none"),
    (whole(files={"config.json": {"size": 3}}), "lacks 'sha256'"),
    (whole(files={"config.json": {**OF, "sha256": "abc"}}), "SHA-256 of config.json is none"),
    (whole(files={"config.json": OF, "../../x": OF}), "no name of a file"),
    (whole(files={"config.json": OF, "a\nb": OF}), "no name of a file"),
    (whole(spec=[]), "list of fields"),
    (json.dumps(whole(mpp=7)).replace("7,", f"{HUGE},", 1), "mpp has to be"),
    (json.dumps(whole(size_mb=7)).replace('mb": 7', f'mb": {HUGE}'), "size_mb has to be"),
    (json.dumps(whole(mpp=7)).replace("7,", "1e999,", 1), "mpp has to be"),
    (whole(architecture="hf-hub:someone/something"), "architecture has to be a name without : and /"),
    (whole(architecture="local-dir:/etc"), "architecture has to be"),
    (whole(architecture="../up"), "architecture has to be"),
    (whole(shape={"layers": 10**9}), "shape has to be"),
    (whole(shape={"vision_cfg": {"layers": 10**9}}), "shape has to be"),
    (whole(shape={"vision_blocks": [2, 10**9]}), "shape has to be"),
    (whole(folder="encoders/demo-path"), "only encoders that ship"),
    (whole(loader="demo"), "only encoders that ship"),
    (whole(title="x" * 100_000), "title has to be"),
    (json.dumps(whole()).replace('"files": {"config.json": null}', '"files": {}'), "names no files"),
    (json.dumps(whole(shape={"a": 7})).replace("7}", "[" * 400 + "]" * 400 + "}"), "shape has to be"),
]


@pytest.mark.parametrize(("text", "complaint"), BROKEN, ids=map(str, range(len(BROKEN))))
def test_a_record_that_is_none_is_said_and_everything_else_is_listed(library, text, complaint) -> None:
    write(library, "mine", text if isinstance(text, str | bytes) else json.dumps(text))
    rows = {row.spec.name: row for row in list_encoders(library)}

    assert rows["demo-path"].usable and rows["mine"].own and rows["mine"].here
    assert complaint in rows["mine"].problem and "\n" not in rows["mine"].problem
    assert rows["mine"].to_dict()["downloadable"] is False
    json.dumps(rows["mine"].to_dict(), allow_nan=False)
    with pytest.raises(EncoderError, match="mine"):
        library.load("mine", device="cpu")
    library.remove("mine")
    assert "mine" not in library.own()


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
def test_a_record_that_is_no_file_is_not_waited_for(library, kind) -> None:
    path = write(library, "mine", "")
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)

    assert "cannot be read" in state(library, "mine").problem
    library.remove("mine")


def test_an_own_encoder_of_a_hub_is_not_downloadable(library) -> None:
    write(library, "mine", json.dumps(whole(hub="someone/something")))
    assert state(library, "mine").to_dict()["downloadable"] is False


@pytest.mark.parametrize("name", ["Mine", "a b", "x\x1b[31m", "\udcff", "y" * 65])
def test_a_folder_with_a_name_that_no_encoder_has_is_said(library, name) -> None:
    write(library, name, json.dumps(whole()))
    row = list_encoders(library)[-1]

    assert row.own and "has a name that no encoder can have" in row.problem
    assert row.spec.name.isprintable()
    with pytest.raises(EncoderError, match="no name for an encoder"):
        library.load(name)


def test_a_record_without_the_sum_of_a_file_is_refused(source, library) -> None:
    add_encoder("mine", source, library)
    path = library.folder("mine") / "encoder.json"
    whole_record = json.loads(path.read_text())
    for file in whole_record["files"]:
        files = {n: f for n, f in whole_record["files"].items() if n != file}
        path.write_text(json.dumps({**whole_record, "files": files}))
        with pytest.raises(EncoderError, match=f"it says nothing of {file}"):
            library.load("mine")


def test_an_entry_whose_loader_lacks_a_file_is_one_sentence(source, library) -> None:
    add_encoder("mine", source, library)
    path = library.folder("mine") / "encoder.json"
    record = json.loads(path.read_text())
    for files in ({"config.json": None}, {"model.safetensors": None}):
        path.write_text(json.dumps({**record, "spec": {**record["spec"], "files": files}}))
        with pytest.raises(EncoderError, match=r"^mine (cannot be|is not) loaded"):
            library.load("mine", device="cpu")
