"""A napari that keeps out of the person's settings, and a slide whose every pixel tells its place."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="napari-")) / "settings.yaml")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from gradient import GradientSlide

SHOWS = {"display", "qapp", "qtbot", "make_napari_viewer", "make_napari_viewer_proxy"}
"""Fixtures of tests that show something."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need a screen; the others can run side by side."""
    for item in items:
        if SHOWS & set(getattr(item, "fixturenames", ())):
            item.add_marker("window")


@pytest.fixture
def gradient_slide() -> GradientSlide:
    """7001 x 5003 px at downsamples that divide nothing."""
    return GradientSlide((7001, 5003), factors=(1, 3.7))


@pytest.fixture(scope="session")
def drawn_once(tmp_path_factory):
    """A drawn slide of 2048 px a side: about 60 tiles of tissue, and what each pixel is."""
    from napari_histoalign.sample import draw_slide

    return draw_slide(tmp_path_factory.mktemp("drawn") / "drawn.tiff", seed=3, size=2048)


@pytest.fixture
def drawn(drawn_once, tmp_path):
    """That slide in a folder of the test's own: its session is kept beside it."""
    folder = tmp_path / "slides"
    folder.mkdir()
    return replace(drawn_once, slide=Path(shutil.copy(drawn_once.slide, folder / "drawn.tiff")))


@pytest.fixture
def display() -> None:
    """Skips where no window can be shown."""
    if os.name == "posix" and not os.environ.get("DISPLAY"):
        pytest.skip("needs a display: run under xvfb-run")
