"""Whatever fails, the project is byte for byte what it was."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from project_parts import export, helper, tree

from qupath_bridge.projects import (
    HelperError,
    ProjectBusyError,
    ProjectError,
    QuPathError,
    entries_of,
    export_objects,
    read_entry,
)
from qupath_bridge.projects.lock import OURS, project_lock

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("loses one", "did not write what it should have"),
        ("changes others", "not ours"),
        ("half", "No space left"),
        ("dies after writing", "ended unexpectedly"),
        ("other image", "wrong place"),
    ],
)
def test_faults_of_qupath(project: Path, fault: str, sentence: str) -> None:
    with helper() as process:
        export_objects(project, export(), process)
    before = tree(project)

    with helper(fault) as process, pytest.raises(QuPathError, match=sentence):
        export_objects(project, export(count=9), process)

    assert tree(project) == before
    assert not list((project / OURS).glob("staging*"))


def test_a_project_changed_meanwhile_is_left_alone(project: Path) -> None:
    data = project / "data/1/data.qpdata"

    def saved_in_qupath(step: str) -> None:
        if step == "check":
            data.write_text("[]")

    with helper() as process, pytest.raises(ProjectError, match="changed by another program"):
        export_objects(project, export(), process, step=saved_in_qupath)

    assert data.read_text() == "[]"
    assert not (project / OURS).exists()


def test_a_save_that_qupath_began_meanwhile_is_seen(project: Path) -> None:
    def saving(step: str) -> None:
        if step == "check":
            (project / "data/1/data.qpdata").rename(project / "data/1/data.qpdata.bkp")

    with helper() as process, pytest.raises(ProjectError, match="changed by another program"):
        export_objects(project, export(), process, step=saving)


def test_a_second_writer_waits_for_its_turn(project: Path) -> None:
    before = tree(project)

    with helper() as process, project_lock(project), pytest.raises(ProjectBusyError, match="Another window"):
        export_objects(project, export(), process)

    assert tree(project) == before
    with helper() as process:
        assert export_objects(project, export(), process).added == 5


def test_an_image_that_was_moved_is_refused(project: Path) -> None:
    (project.parent / "slide.tif").rename(project.parent / "moved.tif")
    before = tree(project)

    with helper() as process:
        with pytest.raises(ProjectError, match=r"slide\.tif.*Open the project in QuPath"):
            export_objects(project, export(), process)
        with pytest.raises(ProjectError, match="not where the project has it"):
            read_entry(project, entries_of(project)[0], process)

    assert tree(project) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"images": 3}', b"\xff\xfe", b'{"images": [{}]}'])
def test_a_broken_project_file_is_told(project: Path, content: bytes) -> None:
    (project / "project.qpproj").write_bytes(content)
    before = tree(project)

    with helper() as process, pytest.raises(ProjectError, match=r"project\.qpproj"):
        export_objects(project, export(), process)

    assert tree(project) == before


def test_a_damaged_ledger_is_told(project: Path) -> None:
    (project / "data/1/histoalign.json.gz").write_bytes(b"\x1f\x8bdamaged")
    before = tree(project)

    with helper() as process, pytest.raises(ProjectError, match=r"histoalign\.json\.gz.*is damaged"):
        export_objects(project, export(), process)

    assert tree(project) == before


def test_a_new_project_that_fails_leaves_nothing(tmp_path: Path) -> None:
    slide = tmp_path / "slide.tif"
    slide.write_bytes(b"pixels")

    with helper("half") as process, pytest.raises(HelperError):
        export_objects(tmp_path / "new", export(entry=None, image=slide), process, create=True)

    assert [p.name for p in tmp_path.iterdir()] == ["slide.tif"]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from project_parts import export, helper
from qupath_bridge.projects import export_objects

steps = []
def step(said):
    steps.append(said)
    if len(steps) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

with helper() as process:
    export_objects(Path(sys.argv[1]), export(count=9), process, step=step)
print(len(steps))
"""


def _run(project: Path, step: int, **more: object) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(KILLED).format(here=str(HERE))
    command = [sys.executable, "-c", code, str(project), str(step)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **more)  # type: ignore[call-overload]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_at_any_step_the_project_is_put_back(project: Path) -> None:
    with helper() as process:
        export_objects(project, export(), process)
    before = tree(project)
    killed = 0
    for step in range(1, 30):
        done = _run(project, step)
        if done.returncode == 0:
            break
        killed += 1
        assert done.returncode == -signal.SIGKILL, done.stderr
        names = set(tree(project))
        assert names == set(before)  # none is missing at any moment
        # a refused attempt puts back what the killed one left, and nothing more
        with helper() as process, pytest.raises(ProjectError, match="wrong place"):
            export_objects(project, export(size=(1, 1)), process)
        assert tree(project) == before, step
        assert not list((project / OURS).glob("staging*"))
        assert not (project / OURS / "journal.json").exists()
    # copy, read, write, check, keep, note, three files or more, finish
    assert killed >= 9


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are Unix's")
def test_a_full_disk(project: Path) -> None:
    import resource

    before = tree(project)

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))

    done = _run(project, 999, preexec_fn=no_room)

    assert done.returncode != 0
    assert "Error" in done.stderr
    assert tree(project) == before
    with helper() as process:
        assert export_objects(project, export(), process).added == 5


@pytest.mark.parametrize("fails", ["data/1/data.qpdata", "data/1/summary.json", "finish"])
def test_a_file_that_cannot_be_put_in_place(project: Path, fails: str) -> None:
    before = tree(project)

    def step(said: str) -> None:
        if fails in said:
            raise OSError(5, "Input/output error")

    with helper() as process, pytest.raises(ProjectError, match=r"Input/output error.*as it was"):
        export_objects(project, export(), process, step=step)

    assert tree(project) == before
    assert not (project / OURS).exists()


def test_a_project_that_cannot_be_written(project: Path) -> None:
    (project / OURS).write_text("a file where our folder would be")
    before = tree(project)

    with helper() as process, pytest.raises(ProjectError, match="cannot be written"):
        export_objects(project, export(), process)

    assert tree(project) == before
