"""A lock on an open file that no other program can take, and that ends with the process."""

from __future__ import annotations

import errno
import os
import sys

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
FAR = 1 << 40
"""Which byte is locked on Windows, where a locked one cannot be read: far behind the last."""


def lock_file(handle: int) -> bool | None:
    """Lock an open file until it is closed or its process ends, however it ends.

    Returns
    -------
    bool or None
        True: it is locked. None: somebody else holds it. False: this file system has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return None
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError as err:
        if err.errno not in NO_LOCKS:
            raise
        return False
    return True
