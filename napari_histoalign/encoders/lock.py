"""One at a time, also between programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_histoalign.errors import EncoderError
from napari_histoalign.file_lock import lock_file

DIGITS = 20


@contextmanager
def only_one(path: Path, what: str) -> Iterator[bool]:
    """Hold a lock file; the system lets go of it when its process ends, however it ends.

    Parameters
    ----------
    path
        The file; it holds the number of the process and is removed in the end. Its folder is made if absent.
    what
        What is done meanwhile, for the error.

    Yields
    ------
    bool
        Whether nobody else can hold it; False where the file system has no locks.

    Raises
    ------
    EncoderError
        Somebody else holds it.
    OSError
        It cannot be written.
    """
    handle, real = _open(path, what)
    try:
        with suppress(OSError):  # another person's, which may be read only: the number is no more than help
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        yield real
    finally:
        if os.name == "posix":  # removed while it is held: nobody else can hold this file then
            with suppress(OSError):
                path.unlink()
        os.close(handle)
        if os.name != "posix":  # Windows removes no open file, and none that somebody else has opened since
            with suppress(OSError):
                path.unlink()


def _open(path: Path, what: str) -> tuple[int, bool]:
    while True:
        handle = _handle(path)
        try:
            real = lock_file(handle)
            if real is None:
                raise EncoderError(f"{what} already{_by(path)}. Wait for it, or stop it there.")
            if _is_it(handle, path):
                return handle, real
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # who held it removed it in between


def _handle(path: Path) -> int:
    """The file, open; never one that a link points to, for it is overwritten."""
    flags = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        try:
            return os.open(path, os.O_RDWR | flags, 0o666)
        except FileNotFoundError:  # whoever ended last removed the folder
            path.parent.mkdir(exist_ok=True)
        except PermissionError:
            if not path.exists():
                raise
            return os.open(path, os.O_RDONLY | flags)  # left by another person; it can be locked all the same


def _is_it(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _by(path: Path) -> str:
    try:
        with path.open("rb") as file:
            number = file.read(DIGITS)
    except OSError:
        return ""
    return f" in process {number.decode()}" if number.isdigit() else ""
