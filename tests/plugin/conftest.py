"""A napari that keeps out of the person's settings, and a slide whose every pixel tells its place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="napari-")) / "settings.yaml")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from gradient import GradientSlide


@pytest.fixture
def gradient_slide() -> GradientSlide:
    """7001 x 5003 px at downsamples that divide nothing."""
    return GradientSlide((7001, 5003), factors=(1, 3.7))


@pytest.fixture
def display() -> None:
    """Skips where no window can be shown."""
    if os.name == "posix" and not os.environ.get("DISPLAY"):
        pytest.skip("needs a display: run under xvfb-run")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
