"""The rate of a run, and durations as a person says them."""

from __future__ import annotations

import time

import pytest

from napari_histoalign.engine import Stopwatch, duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7805, "2 h 10 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_rate_follows_a_machine_that_slows_down(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watch = Stopwatch()

    def pace(tiles: int, seconds: float, steps: int) -> float:
        rate = 0.0
        for _ in range(steps):
            now[0] += seconds
            rate = watch.count(tiles)
        return rate

    assert pace(10, 0.1, 50) == pytest.approx(100, rel=1e-6)
    just_after = pace(10, 1.0, 2)
    assert 10 < just_after < 100
    assert pace(10, 1.0, 100) == pytest.approx(10, rel=0.02)
    assert watch.elapsed == pytest.approx(5 + 2 + 100)
