"""One download of an encoder at a time."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_histoalign.errors import EncoderError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
FAR = 1 << 30
"""Which byte is locked on Windows: one far behind the number, which others want to read."""


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file; the system lets go of it when its process ends, however it ends.

    Parameters
    ----------
    path
        The file; it holds the number of the process and is removed in the end.
    what
        What is done meanwhile, for the error.

    Raises
    ------
    EncoderError
        Somebody else holds it.
    """
    handle = _open(path, what)
    try:
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        if os.name == "posix":  # removed while it is held: nobody else can hold this file then
            path.unlink(missing_ok=True)
        os.close(handle)
        if os.name != "posix":  # Windows removes no open file, and none that somebody else has opened since
            with suppress(OSError):
                path.unlink()


def _open(path: Path, what: str) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _lock(handle):
                raise EncoderError(f"{what} already{_by(path)}. Wait for it, or stop it there.")
            if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # who held it removed it in between


def _lock(handle: int) -> bool:
    """Whether the lock was free."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as err:
        if err.errno not in NO_LOCKS:
            raise
        # a file system without locks: hashes still tell when two downloads get into each other's way
    return True


def _by(path: Path) -> str:
    try:
        number = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return f" in process {number}" if number.isdecimal() else ""
