"""The helper process seen from here: started, asked, given a time limit, and ended whatever happens."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from qupath_bridge.projects.errors import HelperError
from qupath_bridge.projects.finding import VARIABLE, FoundQuPath
from qupath_bridge.projects.protocol import encode

COMMAND = (sys.executable, "-m", "qupath_bridge.projects.helper")
LIMIT_S = 300.0
"""Longest that one request may take."""
PATIENCE_S = 5.0
"""How long the process may take to end by itself."""
KEPT_LINES = 40
"""Last lines of its log that are kept, for errors."""


class Helper:
    """A helper process; use it from one thread, and close it. It starts with the first request.

    Parameters
    ----------
    qupath
        The QuPath it runs; None for a command that needs none.
    command
        What is started.
    limit_s
        Seconds that a request may take.
    """

    def __init__(
        self,
        qupath: FoundQuPath | None = None,
        *,
        command: Sequence[str] = COMMAND,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._command, self._limit_s = list(command), limit_s
        # Java lives for seconds here: its thorough compiler would take more time than it ever saves
        self._environment = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1", **os.environ}
        if qupath is not None:
            self._environment[VARIABLE] = str(qupath.folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._log: deque[str] = deque(maxlen=KEPT_LINES)
        self._threads: list[threading.Thread] = []
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=error is not None)

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines that the process, and Java in it, wrote to stderr."""
        return tuple(self._log)

    def ask(self, operation: str, **parameters: Any) -> Any:
        """Have an operation carried out, and wait for it.

        Parameters
        ----------
        operation
            See `qupath_bridge.projects.java_side`.
        **parameters
            Plain values; paths become text.

        Raises
        ------
        HelperError
            It cannot be done, took too long, or the process ended. After the latter two the process is gone
            and the next request starts another.
        """
        process = self._running()
        self._count += 1
        plain = {n: str(v) if isinstance(v, Path) else v for n, v in parameters.items()}
        request = {"id": self._count, "operation": operation, "parameters": plain}
        assert process.stdin is not None
        try:
            process.stdin.write(encode(request))
            process.stdin.flush()
            line = self._answers.get(timeout=self._limit_s)
        except queue.Empty as err:
            self.close(at_once=True)
            raise HelperError(
                f"QuPath did not answer within {self._limit_s:g} seconds ({operation}) and was stopped. Try "
                "again, with fewer images or tiles, when the computer is less busy."
            ) from err
        except OSError:  # the pipe is broken: it has ended
            line = b""
        except BaseException:  # Ctrl-C, say: an answer that nobody waits for would answer the next request
            self.close(at_once=True)
            raise
        return self._result(line, operation)

    def close(self, *, at_once: bool = False) -> None:
        """End the process; it may finish by itself unless `at_once`."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):  # what was not written yet has no reader any more
            process.stdin.close()
        try:
            process.wait(0 if at_once else PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self._environment,
                )
            except OSError as err:
                raise HelperError(
                    f"The process that runs QuPath could not be started ({err.strerror or err})."
                ) from err
            assert process.stdout is not None and process.stderr is not None
            answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
            self._log.clear()
            self._answers, self._process = answers, process
            self._threads = [
                threading.Thread(target=_pass_on, args=(process.stdout, answers), daemon=True),
                threading.Thread(target=_keep, args=(process.stderr, self._log), daemon=True),
            ]
            for thread in self._threads:
                thread.start()
        return self._process

    def _result(self, line: bytes, operation: str) -> Any:
        answer: Mapping[str, Any] | None = None
        if line:
            try:
                answer = json.loads(line)
            except ValueError:
                answer = None
        if not isinstance(answer, Mapping) or answer.get("id") != self._count:
            process = self._process
            self.close(at_once=True)
            status = "" if process is None else f", status {process.returncode}"
            last = f" Its last words: {self._log[-1]}" if self._log else ""
            raise HelperError(f"The process that runs QuPath ended unexpectedly ({operation}{status}).{last}")
        if "error" not in answer:
            return answer.get("result")
        if answer.get("expected"):
            raise HelperError(str(answer["error"]))
        raise HelperError(f"QuPath could not do that ({operation}): {answer['error']}")


def _pass_on(stream: IO[bytes], answers: queue.SimpleQueue[bytes]) -> None:
    """Pass lines on; an empty one is the end."""
    for line in stream:
        answers.put(line)
    answers.put(b"")


def _keep(stream: IO[bytes], log: deque[str]) -> None:
    """Read what would otherwise fill the pipe and stop the process."""
    for line in stream:
        if text := line.decode("utf-8", "replace").strip():
            log.append(text)
