"""Slides made by the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from patterns import ODD_LEVEL, SIZE, pattern_level, write_ome, write_pyramid
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


@pytest.fixture(scope="session")
def levels() -> list[np.ndarray]:
    """Three levels: halved with the odd column and row dropped, as scanners do."""
    width, height = SIZE
    factors = [1, 2, 4]
    return [pattern_level((width // f, height // f), (f, f)) for f in factors]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("slides")


@pytest.fixture(scope="session")
def pyramid(folder: Path, levels: list[np.ndarray]) -> Path:
    """Tiled TIFF: openslide."""
    return write_pyramid(folder / "pyramid.tif", levels)


@pytest.fixture(scope="session")
def ome(folder: Path, levels: list[np.ndarray]) -> Path:
    """OME-TIFF with SubIFDs: tifffile."""
    return write_ome(folder / "pyramid.ome.tif", levels)


@pytest.fixture(scope="session")
def odd_levels() -> list[np.ndarray]:
    """Two levels whose downsamples are 2.449 and 2.414."""
    return [pattern_level(SIZE), pattern_level(ODD_LEVEL)]


@pytest.fixture(scope="session")
def odd_pyramids(folder: Path, odd_levels: list[np.ndarray]) -> dict[str, Path]:
    """The same odd pyramid for both libraries."""
    return {
        "openslide": write_pyramid(folder / "odd.tif", odd_levels),
        "tifffile": write_ome(folder / "odd.ome.tif", odd_levels),
    }


@pytest.fixture(scope="session")
def picture(folder: Path, levels: list[np.ndarray]) -> Path:
    """The first level as a PNG: Pillow."""
    path = folder / "picture.png"
    Image.fromarray(levels[0]).save(path)
    return path
