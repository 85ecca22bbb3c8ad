"""Files that appear whole or not at all, and the folders the package uses."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` when the block succeeds.

    The data are flushed to the disk before the rename, so that after a crash or
    a power loss either the old or the new content is there, never a part.

    Parameters
    ----------
    path
        The file to write. Its folder must exist.

    Yields
    ------
    Path
        Where to write, with the ending of `path`; removed if the block raises.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp's 0600 would keep colleagues out
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it replaces `path` when the block succeeds.

    A folder cannot be replaced in one step: the old one is moved aside, the new
    one moved in, the old one deleted; if moving in fails, the old one comes back.

    Parameters
    ----------
    path
        The folder to write. Its parent must exist.

    Yields
    ------
    Path
        An empty folder to fill; removed if the block raises.
    """
    path = Path(path)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    old = temporary.with_name(temporary.name + "-old")
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if path.exists():
            path.replace(old)
        try:
            temporary.replace(path)
        except OSError:
            if old.exists():
                old.replace(path)
            raise
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def resource(*parts: str) -> Path:
    """Path of a shipped resource: ``resource("prompts", "breast.yaml")``."""
    return Path(str(files("napari_histoalign").joinpath("resources", *parts)))


def cache_dir(*parts: str) -> Path:
    """Folder for what can be made again (embeddings, the sample slide); made if absent.

    ``HISTOALIGN_CACHE`` names another place than the platform's own.
    """
    from platformdirs import user_cache_path

    root = os.environ.get("HISTOALIGN_CACHE")
    folder = Path(root) if root else user_cache_path("napari-histoalign", appauthor=False)
    folder = folder.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_dir(*parts: str) -> Path:
    """Folder for what a person keeps here (encoders); not made."""
    from platformdirs import user_data_path

    return user_data_path("napari-histoalign", appauthor=False).joinpath(*parts)


def config_dir() -> Path:
    """Folder of the person's settings; not made."""
    from platformdirs import user_config_path

    return user_config_path("napari-histoalign", appauthor=False)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries (a rename) to the disk; Windows has no such call."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
