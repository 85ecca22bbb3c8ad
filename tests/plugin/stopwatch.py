"""How long the window's thread is held up by calls of ours, without what napari and Python take."""

from __future__ import annotations

import functools
import gc
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Held:
    """One call on the main thread, in milliseconds.

    Attributes
    ----------
    name
        What was called.
    work_ms
        Processor time of the main thread, without `apart_ms`: the call's own making, however busy the
        computer is.
    apart_ms
        Processor time within it that went into what is counted apart.
    wall_ms
        What the person waited, with all that other threads and processes took.
    """

    name: str
    work_ms: float
    apart_ms: float
    wall_ms: float

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.work_ms:.1f} ms, {self.apart_ms:.1f} ms apart, {self.wall_ms:.1f} ms in all"
        )


class Stopwatch:
    """Times calls of the main thread.

    Parameters
    ----------
    monkeypatch
        Puts methods back.

    Attributes
    ----------
    calls
        What was timed.
    apart
        Milliseconds of each call that is counted apart, by kind.
    """

    def __init__(self, monkeypatch: Any) -> None:
        self._patch = monkeypatch
        self._apart_ms = 0.0
        self._within = self._collecting = False
        self._began = 0.0
        self.calls: list[Held] = []
        self.apart: dict[str, list[float]] = defaultdict(list)

    def __enter__(self) -> Stopwatch:
        gc.callbacks.append(self._on_garbage)
        return self

    def __exit__(self, *error: object) -> None:
        gc.callbacks.remove(self._on_garbage)

    def clear(self) -> None:
        """Forget what was timed so far."""
        self.calls.clear()
        self.apart.clear()

    def watch(self, of: type, *methods: str) -> None:
        """Time these methods; objects of the class must not exist yet."""
        for method in methods:
            self._patch.setattr(of, method, self._timed(f"{of.__name__}.{method}", getattr(of, method)))

    def watch_answers(self, of: type, method: str, name: Callable[..., str]) -> None:
        """Time the last argument of a method, which is called later; `name` is given the arguments."""
        asked = getattr(of, method)

        @functools.wraps(asked)
        def asking(this: Any, *args: Any) -> Any:
            return asked(this, *args[:-1], self._timed(name(*args), args[-1]))

        self._patch.setattr(of, method, asking)

    def set_apart(self, kind: str, of: type, method: str) -> None:
        """Count a method apart, and take its time off the calls around it."""
        call = getattr(of, method)

        @functools.wraps(call)
        def counting(*args: Any, **kwargs: Any) -> Any:
            if self._within or threading.current_thread() is not threading.main_thread():
                return call(*args, **kwargs)
            self._begin()
            try:
                return call(*args, **kwargs)
            finally:
                self._end(kind)

        self._patch.setattr(of, method, counting)

    def _begin(self) -> None:
        self._within, self._began = True, time.thread_time()

    def _end(self, kind: str) -> None:
        took = 1000 * (time.thread_time() - self._began)
        self._within = False
        self._apart_ms += took
        self.apart[kind].append(took)

    def _on_garbage(self, phase: str, info: dict[str, int]) -> None:
        """Python looks for garbage whenever so many objects were made, by whomever: no call's own doing."""
        if threading.current_thread() is not threading.main_thread() or info["generation"] < 2:
            return
        if phase == "start" and not self._within:
            self._begin()
            self._collecting = True
        elif phase == "stop" and self._collecting:
            self._collecting = False
            self._end("garbage")

    def _timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def timing(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return call(*args, **kwargs)
            wall, work, before = time.perf_counter(), time.thread_time(), self._apart_ms
            try:
                return call(*args, **kwargs)
            finally:
                apart = self._apart_ms - before
                took = 1000 * (time.thread_time() - work) - apart
                self.calls.append(Held(name, took, apart, 1000 * (time.perf_counter() - wall)))

        return timing

    def longest(self) -> Held:
        """The longest call, but for one in fifty of each name: another process may have slowed those down."""
        by_name: dict[str, list[Held]] = defaultdict(list)
        for held in sorted(self.calls, key=lambda held: -held.work_ms):
            by_name[held.name].append(held)
        return max((held[len(held) // 50] for held in by_name.values()), key=lambda held: held.work_ms)

    def slowest(self, count: int = 8) -> str:
        """The longest call of each name, to be read."""
        worst: dict[str, Held] = {}
        for held in sorted(self.calls, key=lambda held: held.work_ms):
            worst[held.name] = held
        ordered = sorted(worst.values(), key=lambda held: -held.work_ms)[:count]
        times = {held.name: sum(h.name == held.name for h in self.calls) for held in ordered}
        return "\n".join(f"{held}; {times[held.name]} calls" for held in ordered)
