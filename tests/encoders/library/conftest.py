"""A small CLIP to add, and an empty library to add it to."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_clip import save_small_clip

from napari_histoalign.encoders import EncoderLibrary


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory) -> Path:
    return save_small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def source(clip_folder, tmp_path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(clip_folder, tmp_path / "source"))


@pytest.fixture
def library(tmp_path) -> EncoderLibrary:
    return EncoderLibrary(tmp_path / "encoders")


@pytest.fixture
def close(monkeypatch) -> Callable[[Path], None]:
    """Closes a folder as taking its permissions away does, also to the superuser, whom nothing stops."""
    closed: list[str] = []

    def refusing(real, *, itself: bool):
        def call(path=".", *args, **kwargs):
            text = "" if isinstance(path, int) else os.path.realpath(path)  # links are followed into it too
            for folder in closed:
                if (itself and text == folder) or text.startswith(folder + os.sep):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), text)
            return real(path, *args, **kwargs)

        return call

    for name, itself in (("stat", False), ("listdir", True), ("scandir", True)):
        monkeypatch.setattr(os, name, refusing(getattr(os, name), itself=itself))
    return lambda path: closed.append(str(path))
