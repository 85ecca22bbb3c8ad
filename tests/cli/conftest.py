"""A small drawn slide for commands to run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_histoalign.sample import draw_slide

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1536 px a side."""
    path = tmp_path_factory.mktemp("slides") / "small.tif"
    draw_slide(path, seed=5, size=1536)
    return path
