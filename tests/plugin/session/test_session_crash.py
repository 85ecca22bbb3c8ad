"""A window that is killed: every mark that was acknowledged is there, and so is what was saved last."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from session_stand_ins import Bench, make_slide, mark

from napari_histoalign.plugin.session_keeper_log import KeptSession
from napari_histoalign.workflow.session import Session
from napari_histoalign.workflow.session_place import beside
from napari_histoalign.workflow.session_state import SessionState

HERE = Path(__file__).parent
SETUP = f"""
import sys
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent)!r}]
from pathlib import Path
from session_stand_ins import Bench, mark
bench = Bench()
bench.open(Path(sys.argv[1]))
bench.desk.run([3, 4, 5])
bench.wait()
"""
BETWEEN = f"""{SETUP}
bench.window.log.append(mark(4))
bench.window.change(threshold=0.8)
bench.wait()
bench.window.log.append(mark(5))
bench.window.change(threshold=0.9)
print("ready", flush=True)
sys.stdin.read()
"""
ON_AND_ON = f"""{SETUP}
print("ready", flush=True)
for index in range(100000):
    bench.window.log.append(mark(index))
    print(index, flush=True)
    bench.window.change(threshold=index % 100 / 100)
    bench.wait()
"""


@pytest.fixture
def slide(tmp_path):
    return make_slide(tmp_path / "a.png")


def start(script: str, slide: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", script, str(slide)], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def killed(child: subprocess.Popen[str]) -> str:
    """What it had said by the time it was killed."""
    os.kill(child.pid, signal.SIGKILL)
    with child:
        return child.stdout.read()


def ready(child: subprocess.Popen[str]) -> None:
    line = child.stdout.readline()
    if line != "ready\n":
        child.kill()
        with child:
            pytest.fail(line + child.stderr.read())


def test_killed_between_a_mark_and_the_next_save(slide):
    child = start(BETWEEN, slide)
    ready(child)
    with closing(Bench()) as other:
        other.open(slide)
        assert other.view.page.read_only, "it lives, and holds the session"
    killed(child)
    with closing(Bench()) as bench:
        bench.open(slide)
        assert [act.target.index for act in bench.window.log.acts] == [4, 5]
        assert bench.window.choices.threshold == 0.8, "what was saved last"
        assert bench.window.called("show_again") == [[3, 4, 5]]
        assert (bench.view.page.notes, bench.view.page.read_only) == ((), False)


@pytest.mark.parametrize("seconds", [0.02, 0.11, 0.3])
def test_killed_at_any_moment(slide, seconds):
    child = start(ON_AND_ON, slide)
    ready(child)
    time.sleep(seconds)
    said = [int(line) for line in killed(child).split()]
    with closing(Bench()) as bench:
        bench.open(slide)
        found = [act.target.index for act in bench.window.log.acts]
        assert found[: len(said)] == said, "what was acknowledged is on the disk"
        assert len(found) <= len(said) + 1
        assert found == list(range(len(found)))
        assert not any("damaged" in note or "some were taken off" in note for note in bench.view.page.notes)
        bench.window.log.append(mark(100001))
    plain = json.loads((beside(slide) / "session.json").read_text())
    assert plain["review"]["lines"] == len(found) + 2  # the slide's line, and the new mark


def test_marks_and_saves_of_two_threads_do_not_get_into_each_others_way(tmp_path):
    faults = []
    for number in range(30):  # the first of both makes folder and log
        slide = tmp_path / f"{number}.png"
        session = KeptSession(Session(slide, "ab" * 32))
        barrier = threading.Barrier(2)

        def saves(session=session, barrier=barrier):
            barrier.wait()
            try:
                for i in range(5):
                    session.save(SessionState(thresholds={"regions": i / 10}))
            except Exception as err:
                faults.append(err)

        thread = threading.Thread(target=saves)
        thread.start()
        barrier.wait()
        for i in range(5):
            session.append(mark(i))
        thread.join()
        session.close()
        with Session(slide, "ab" * 32) as again:
            assert (again.notes, len(again.acts)) == ((), 5)
            assert again.state.thresholds == {"regions": 0.4}
    assert faults == []
