"""Files that appear whole or not at all, those that others wrote, and the folders the package uses."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

OLD = "-old"
"""Ends the name of a folder that is being replaced."""


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
def whole_folder(path: Path, within: Path | None = None) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it replaces `path` when the block succeeds.

    A folder cannot be replaced in one step: the old one is moved aside, the new
    one moved in, the old one deleted; if moving in fails, the old one comes back.

    Parameters
    ----------
    path
        The folder to write. Its parent must exist.
    within
        Where temporary folders are made instead; on the same disk.

    Yields
    ------
    Path
        An empty folder to fill; removed if the block raises.
    """
    path = Path(path)
    temporary = Path(
        tempfile.mkdtemp(prefix=f"{path.name}-" if within else f".{path.name}-", dir=within or path.parent)
    )
    old = temporary.with_name(temporary.name + OLD)
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if os.path.lexists(path):
            path.replace(old)
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        # told by what is there: whatever was raised, and wherever, the only copy is never deleted
        if os.path.lexists(old):
            if os.path.lexists(path):
                delete_tree(old)
            else:
                old.replace(path)


def delete_tree(path: Path) -> None:
    """Delete a folder as far as that is possible; of a link, the link alone."""
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def read_json(path: Path, largest: int = 1 << 20) -> Any:
    """What a small JSON file holds, whoever wrote it.

    Parameters
    ----------
    path
        The file.
    largest
        Bytes it may have.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is no ordinary file (a pipe would wait for ever), larger, no UTF-8, no JSON, or nested without end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no ordinary file")
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"it has more than {in_bytes(largest)}, too many for such a file")
    try:
        return json.loads(data.decode("utf-8"))
    except RecursionError as err:
        raise ValueError("it is nested too deeply") from err


def in_bytes(size: float) -> str:
    """A size for people: "605 MB"."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}" if size / unit < 10 else f"{size / unit:.0f} {name}"
    return f"{size:.0f} bytes"


def printable(text: str) -> str:
    """A text with a question mark for whatever a terminal would not show but obey, or cannot write.

    Names of files and what stands in them are other people's.
    """
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


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
