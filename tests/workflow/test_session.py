"""The session folder: what was chosen and said comes back, and nobody's session is ever overwritten."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review import UNSURE, Act, ReviewLog, TileTarget
from napari_histoalign.workflow.session import Session
from napari_histoalign.workflow.session_state import SessionState

PRINT, OTHER = "ab" * 32, "cd" * 32
STATE = SessionState(
    encoders=("demo-path", "demo-general"),
    prompts={"name": "mine", "classes": [{"name": "größer", "prompts": ["a", "b"]}]},
    alignment={"strategy": "many-to-many"},
    grid={"mpp": 0.5, "tile": 224, "stride": None},
    thresholds={"regions": 0.5},
    views=("full", "hflip"),
    layers={"P(malignant)": {"visible": True, "opacity": 0.5}},
)


def mark(index: int) -> Act:
    return Act("Anna", "mark", TileTarget("g", index, (0, 0), 8), after=UNSURE.to_plain())


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    path = tmp_path / "slides" / "CMU 1.svs"
    path.parent.mkdir()
    path.write_bytes(b"pixels")
    return path


@pytest.fixture
def folder(slide: Path) -> Path:
    """A session with a state and two acts, closed."""
    with Session(slide, PRINT) as session:
        session.save(STATE)
        session.append(mark(1), mark(2))
        session.save(STATE)
        return session.folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def forbid(monkeypatch: pytest.MonkeyPatch, *places: Path) -> None:
    """Let nothing be written below some folders (the tests may run as a user who may do anything)."""
    real = tempfile.TemporaryFile

    def refuse(*args, dir=None, **more):
        if any(Path(dir) == place for place in places):
            raise OSError(errno.EROFS, "Read-only file system")
        return real(*args, dir=dir, **more)

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)


def test_everything_comes_back_beside_the_slide(slide: Path, folder: Path) -> None:
    assert folder == slide.parent / "CMU 1.svs.histoalign"

    with Session(slide, PRINT) as session:
        assert session.state == STATE
        assert [act.target.index for act in session.acts] == [1, 2]
        assert session.notes == ()
        assert session.results == folder / "results"
        session.append(mark(3))
    assert sorted(contents(folder)) == ["review.jsonl", "session.json"]
    with Session(slide, PRINT) as session:
        assert [act.target.index for act in session.acts] == [1, 2, 3]
        assert session.notes == ()


def test_to_look_at_a_slide_leaves_nothing_behind(slide: Path) -> None:
    with Session(slide, PRINT) as session:
        assert session.state == SessionState()
        assert session.acts == ()

    assert [p.name for p in slide.parent.iterdir()] == [slide.name]


def test_what_a_later_version_wrote_beside_is_kept(slide: Path, folder: Path) -> None:
    path = folder / "session.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, "new": {"x": [1]}, "slide": {**found["slide"], "label": "L7"}}))

    with Session(slide, PRINT) as session:
        assert session.state.more == {"new": {"x": [1]}}
        session.save(SessionState(encoders=("plip",), more=session.state.more))

    saved = json.loads(path.read_text())
    assert saved["new"] == {"x": [1]}
    assert saved["slide"] == {"fingerprint": PRINT, "file": slide.name, "label": "L7"}
    assert saved["encoders"] == ["plip"]


@pytest.mark.parametrize("lacking", ["", "session.json", "review.jsonl"])
def test_another_slide_of_the_same_name_is_refused_and_nothing_changes(
    slide: Path, folder: Path, lacking: str
) -> None:
    if lacking:
        (folder / lacking).unlink()
    before = contents(folder)

    with pytest.raises(ResultError, match=r"another slide.*Nothing was changed"):
        Session(slide, OTHER)

    assert contents(folder) == before
    Session(slide, PRINT).close()  # and no lock is left


def test_a_newer_versions_session_can_be_looked_at_only(slide: Path, folder: Path) -> None:
    path = folder / "session.json"
    found = {**json.loads(path.read_text()), "version": 2, "views": "all of them"}
    path.write_text(json.dumps(found))
    before = contents(folder)

    with Session(slide, PRINT) as session:
        assert session.read_only
        assert "newer napari-histoalign (version 2" in session.notes[0]
        assert [act.target.index for act in session.acts] == [1, 2]
        for write in (lambda: session.save(STATE), lambda: session.append(mark(3))):
            with pytest.raises(ResultError, match="newer"):
                write()
    assert contents(folder) == before


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b'{"version": 1, "enc',
        b"\xff\x00",
        b"[]",
        b'{"version": 1}',
        b'{"version": 1, "slide": {"fingerprint": "x"}, "encoders": "plip"}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_session_is_set_aside_and_marks_come_back(slide: Path, folder: Path, damage: bytes) -> None:
    (folder / "session.json").write_bytes(damage)

    with Session(slide, PRINT) as session:
        assert session.state == SessionState()
        assert [act.target.index for act in session.acts] == [1, 2]
        (note,) = session.notes
        assert "is damaged" in note
        session.save(STATE)
    (aside,) = folder.glob("session.damaged-*.json")
    assert aside.name in note
    assert aside.read_bytes() == damage

    (folder / "session.json").write_bytes(b"again")
    Session(slide, PRINT).close()
    assert sorted(p.read_bytes() for p in folder.glob("session.damaged-*")) == sorted([damage, b"again"])


def test_a_failed_save_leaves_the_last_one(
    slide: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Session(slide, PRINT) as session:
        before = contents(folder)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(ResultError, match="No space left"):
                session.save(SessionState())
        assert contents(folder) == before
        assert session.state == STATE
        session.save(SessionState())
        assert session.state == SessionState()


def test_a_session_that_another_program_changed_is_not_saved_over(slide: Path, folder: Path) -> None:
    path = folder / "session.json"
    with Session(slide, PRINT) as session:
        path.write_text(path.read_text() + "\n")
        before = contents(folder)
        with pytest.raises(ResultError, match="changed by another program"):
            session.save(STATE)
    assert contents(folder) == before


def test_a_second_window_looks_on_until_the_first_is_closed(slide: Path, folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from napari_histoalign.workflow.session import Session\n"
        "with Session(Path(sys.argv[1]), 'ab' * 32) as s: print(s.read_only, len(s.acts), *s.notes)"
    )
    with Session(slide, PRINT) as first:
        told = subprocess.run([sys.executable, "-c", code, slide], check=True, capture_output=True, text=True)
        assert told.stdout.startswith("True 2 ")
        assert "open in another window" in told.stdout
        with Session(slide, PRINT) as second:
            assert second.state == STATE
            with pytest.raises(ResultError, match="open in another window"):
                second.append(mark(4))
        first.append(mark(3))
    told = subprocess.run([sys.executable, "-c", code, slide], check=True, capture_output=True, text=True)
    assert told.stdout == "False 3\n"


def test_of_two_windows_on_a_fresh_slide_the_second_to_write_is_told(slide: Path) -> None:
    with Session(slide, PRINT) as one, Session(slide, PRINT) as two:
        one.append(mark(1))
        with pytest.raises(ResultError, match="open in another window"):
            two.append(mark(2))
        one.save(STATE)
        one.close()
        with pytest.raises(ResultError, match="Another window began"):
            two.save(SessionState())

    with Session(slide, PRINT) as session:
        assert session.state == STATE
        assert [act.target.index for act in session.acts] == [1]


def test_a_closed_session_takes_nothing_and_still_tells(slide: Path, folder: Path) -> None:
    session = Session(slide, PRINT)
    session.append(mark(3))
    session.close()
    session.close()

    assert len(session.acts) == 3
    with pytest.raises(ResultError, match="closed"):
        session.append(mark(4))


def test_marks_taken_off_the_logs_end_are_told(slide: Path, folder: Path) -> None:
    path = folder / "review.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))

    with Session(slide, PRINT) as session:
        assert "taken off or changed" in session.notes[0]
    path.unlink()
    with Session(slide, PRINT) as session:
        assert "taken off or changed" in session.notes[0]


def test_torn_acts_are_told_when_the_slide_is_opened(slide: Path, folder: Path) -> None:
    path = folder / "review.jsonl"
    with Session(slide, PRINT) as session:
        session.append(mark(3))
    path.write_bytes(path.read_bytes()[:-9])

    with Session(slide, PRINT) as session:
        assert [act.target.index for act in session.acts] == [1, 2]
        assert "cut short" in session.notes[0]


def test_a_given_root_holds_sessions_by_what_the_slide_is(slide: Path, tmp_path: Path) -> None:
    root = tmp_path / "kept" / "here"
    with Session(slide, PRINT, root=root) as session:
        session.save(STATE)
        assert session.folder.parent == root
    renamed = slide.rename(slide.with_name("renamed.svs"))

    with Session(renamed, PRINT, root=root) as session:
        assert session.state == STATE
    assert [p.name for p in slide.parent.iterdir()] == ["renamed.svs"]


def test_a_session_beside_is_mentioned_where_the_root_has_none(
    slide: Path, folder: Path, tmp_path: Path
) -> None:
    with Session(slide, PRINT, root=tmp_path / "root") as session:
        assert session.state == SessionState()
        assert str(folder) in session.notes[0]


def test_where_nothing_can_be_written_beside_it_goes_elsewhere(
    slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, slide.parent)
    for _ in range(2):
        with Session(slide, PRINT, fallback=tmp_path / "mine") as session:
            assert session.folder.parent == tmp_path / "mine"
            assert "Nothing can be written beside CMU 1.svs" in session.notes[0]
            session.append(mark(len(session.acts)))
    assert len(session.acts) == 2
    assert [p.name for p in slide.parent.iterdir()] == [slide.name]


def test_a_colleagues_session_on_a_read_only_disk_is_gone_on_from(
    slide: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder)
    forbid(monkeypatch, slide.parent, folder)

    with Session(slide, PRINT, fallback=tmp_path / "mine") as session:
        assert session.state == STATE
        assert "goes on from the one in" in session.notes[0]
        session.append(mark(3))
        mine = session.folder
    with Session(slide, PRINT, fallback=tmp_path / "mine") as session:
        assert [act.target.index for act in session.acts] == [1, 2, 3]  # copied once, not again
    assert contents(folder) == before
    assert mine != folder


def test_where_nothing_can_be_written_at_all_it_can_be_looked_at(
    slide: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder)
    forbid(monkeypatch, slide.parent, folder, tmp_path)

    with Session(slide, PRINT, fallback=tmp_path / "mine") as session:
        assert session.read_only
        assert session.state == STATE
        assert len(session.acts) == 2
        with pytest.raises(ResultError, match="can be looked at"):
            session.append(mark(3))
    assert contents(folder) == before
    shutil.rmtree(folder)
    with Session(slide, PRINT, fallback=tmp_path / "mine") as session:
        assert session.read_only
        assert "nothing will be kept" in session.notes[-1]


def test_somebody_elses_log_can_be_looked_at(
    slide: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    with Session(slide, PRINT) as session:
        assert session.read_only
        assert "belongs to somebody else" in session.notes[0]
        assert len(session.acts) == 2


def test_a_pipe_in_the_place_of_a_session_is_not_waited_for(slide: Path, folder: Path) -> None:
    (folder / "session.json").unlink()
    os.mkfifo(folder / "session.json")

    with Session(slide, PRINT) as session:
        assert "no ordinary file" in session.notes[0]
        assert len(session.acts) == 2


def test_a_log_without_a_session_gives_its_marks_back(slide: Path, folder: Path) -> None:
    (folder / "session.json").unlink()

    with Session(slide, PRINT) as session:
        assert (session.state, len(session.acts)) == (SessionState(), 2)
        session.save(STATE)
    with ReviewLog(folder / "review.jsonl", slide=PRINT, slide_file="x") as log:
        assert log.problems == ()
