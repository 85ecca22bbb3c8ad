"""Shared fixtures: where real data and writable caches are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DEFAULT_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of real slides and images (`HISTOALIGN_TEST_DATA`); skips where it is absent."""
    folder = Path(os.environ.get("HISTOALIGN_TEST_DATA", DEFAULT_DATA))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set HISTOALIGN_TEST_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def real_slide(test_data: Path) -> Path:
    """The OpenSlide project's CMU-1-Small-Region.svs (CC0): 2220 x 2967 px, one level."""
    path = test_data / "slides" / "CMU-1-Small-Region.svs"
    if not path.is_file():
        pytest.skip(f"{path.name} not found in {path.parent}; see HISTOALIGN_TEST_DATA")
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test's embeddings out of the person's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("HISTOALIGN_CACHE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def own_encoders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test out of the person's own encoders: the folder tests add to, absent at first."""
    folder = tmp_path_factory.mktemp("data") / "encoders"
    monkeypatch.setenv("HISTOALIGN_ENCODERS", str(folder))
    return folder
