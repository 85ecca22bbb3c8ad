"""The helper process: what it says, what it must not say, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from project_parts import helper

from qupath_bridge.projects import FoundQuPath, Helper, HelperError


def test_what_java_prints_never_gets_between_the_answers() -> None:
    with helper() as process:
        assert process.ask("hello")["qupath"] == "0.5.1"
        assert process.ask("hello")["java"] == "17"

    assert "Java's log, on stdout" in process.log
    assert "a native library, on stdout" in process.log


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("dies", r"ended unexpectedly \(hello, status 134\).*SIGSEGV in libjvm\.so"),
        ("raises", "could not do that.*IllegalStateException: odd"),
        ("refuses", r"^This cannot be done\. Do that instead\.$"),
        ("garbage", "ended unexpectedly"),
    ],
)
def test_errors_are_carried_over(fault: str, sentence: str) -> None:
    with helper(fault) as process, pytest.raises(HelperError, match=sentence):
        process.ask("hello")


def test_an_unknown_operation_is_an_error_and_the_process_goes_on() -> None:
    with helper() as process:
        with pytest.raises(HelperError, match="KeyError"):
            process.ask("erase everything")
        assert process.ask("hello")["qupath"] == "0.5.1"


def test_one_that_does_not_answer_is_ended() -> None:
    with helper("silent", limit_s=3) as process:
        started = process._running()
        with pytest.raises(HelperError, match="did not answer within 3 seconds"):
            process.ask("hello")

        assert started.returncode is not None


def test_after_a_crash_the_next_request_starts_another(tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    code = (
        "import os, sys; from pathlib import Path; from qupath_bridge.projects.protocol import *\n"
        f"mark = Path({str(crashed)!r})\n"
        "def hello():\n"
        "    if not mark.exists():\n"
        "        mark.touch(); os._exit(3)\n"
        "    return 'well'\n"
        "serve({'hello': hello}, sys.stdin.buffer, private_stdout())"
    )
    with Helper(command=(sys.executable, "-c", code), limit_s=60) as process:
        with pytest.raises(HelperError, match="status 3"):
            process.ask("hello")
        assert process.ask("hello") == "well"


def test_closing_ends_the_process_and_its_pipes() -> None:
    process = helper()
    process.ask("hello")
    started = process._running()
    process.close()

    assert started.returncode == 0
    assert started.stdout is not None and started.stdout.closed


def test_a_command_that_is_not_there_is_told() -> None:
    with Helper(command=("no such program",)) as process, pytest.raises(HelperError, match="not be started"):
        process.ask("hello")


def test_the_real_helper_says_why_java_does_not_start(tmp_path: Path) -> None:
    pytest.importorskip("paquo", reason="paquo is not installed: pip install napari-histoalign[qupath]")
    sentence = "Java could not be started with this QuPath"
    found = FoundQuPath(tmp_path, "a test")
    with Helper(found, limit_s=60) as process, pytest.raises(HelperError, match=sentence):
        process.ask("hello")


def test_the_bridge_loads_no_java_until_it_is_needed() -> None:
    code = "import sys, qupath_bridge.projects; print({'paquo', 'jpype'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
