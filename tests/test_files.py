"""Files and folders appear whole or not at all, and other people's are read within bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_histoalign.files import in_bytes, printable, read_json, whole_folder


def test_a_folder_is_replaced_whole(tmp_path) -> None:
    folder = tmp_path / "made"
    for content in ("old", "new"):
        with whole_folder(folder) as new:
            (new / "x").write_text(content)
    assert (folder / "x").read_text() == "new" and [p.name for p in tmp_path.iterdir()] == ["made"]
    with pytest.raises(KeyError), whole_folder(folder) as new:
        (new / "x").write_text("half")
        raise KeyError
    assert (folder / "x").read_text() == "new" and [p.name for p in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt()])
def test_what_was_there_comes_back_when_the_new_one_cannot_be_moved_in(tmp_path, monkeypatch, error) -> None:
    folder, real = tmp_path / "made", Path.replace
    folder.mkdir()
    (folder / "x").write_text("old")

    def fails_for_the_new(self: Path, target: Path) -> Path:
        if target == folder and not self.name.endswith("-old"):
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "replace", fails_for_the_new)
    with pytest.raises(type(error)), whole_folder(folder) as new:
        (new / "x").write_text("new")
    assert (folder / "x").read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["made"]


def test_what_was_there_is_not_deleted_when_it_cannot_come_back(tmp_path, monkeypatch) -> None:
    folder, real = tmp_path / "made", Path.replace
    folder.mkdir()
    (folder / "x").write_text("old")

    def fails_for_all(self: Path, target: Path) -> Path:
        if target == folder:
            raise OSError("no")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", fails_for_all)
    with pytest.raises(OSError, match="no"), whole_folder(folder):
        pass
    assert [(p.name[-4:], (p / "x").read_text()) for p in tmp_path.iterdir()] == [("-old", "old")]


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_a_link_is_replaced_and_not_what_it_points_to(tmp_path, target) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "made").symlink_to(tmp_path / target)
    with whole_folder(tmp_path / "made") as new:
        (new / "x").write_text("new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["elsewhere", "made"]
    assert not (tmp_path / "made").is_symlink() and not any((tmp_path / "elsewhere").iterdir())


def test_json_is_read_within_bounds(tmp_path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": [1, "ä"]}', encoding="utf-8")
    assert read_json(path) == {"a": [1, "ä"]}
    broken = {
        b"[" * 100_000: "nested",
        b"\xff": "utf-8",
        b"{": "Expecting",
        b" " * 2_000_000: "more than 1.0 MB",
    }
    for content, complaint in broken.items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=complaint):
            read_json(path)


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")
def test_json_is_waited_for_in_no_pipe_and_no_device(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ValueError, match="no ordinary file"):
            read_json(path)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (52_400, "52 kB"), (6_500_000, "6.5 MB"),
        (605_000_000, "605 MB"), (3_945_000_000, "3.9 GB"), (12e12, "12000 GB"),
    ],
)  # fmt: skip
def test_sizes_are_said_in_the_unit_that_suits_them(size, words) -> None:
    assert in_bytes(size) == words


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    assert printable("a\x1b[31m b\r\x9b\u202e\udcff\nÄ µ") == "a?[31m b????\nÄ µ"
