"""Durations as a person says them."""

from __future__ import annotations

import pytest

from napari_histoalign.cli.report import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7805, "2 h 10 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
