"""One file out of a zip archive of unknown origin."""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from napari_histoalign.encoders.fetching.faults import Cancelled
from napari_histoalign.encoders.fetching.words import amount
from napari_histoalign.encoders.foreign import reason
from napari_histoalign.errors import EncoderError

BLOCK = 1 << 22
ENCRYPTED = 1


def take_out(archive: Path, name: str, target: Path, largest: int, cancelled: Callable[[], bool]) -> None:
    """Unpack the file of a name, wherever it lies in the archive; no path of the archive is used.

    Parameters
    ----------
    archive
        The zip file.
    name
        Last part of the path of the file wanted.
    target
        Where it goes.
    largest
        Bytes it may have.
    cancelled
        Whether to stop.

    Raises
    ------
    EncoderError
        The archive is damaged, does not hold the file once, or the file is too large.
    OSError
        There is no room for it.
    Cancelled
        It was stopped; nothing is left of the file.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            member = _member(opened, name, archive, largest)
            if member.file_size > shutil.disk_usage(target.parent).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            with opened.open(member) as read, target.open("wb") as write:
                # reading ends at the stated size and compares the checksum there
                while block := _read(read):
                    write.write(block)
                    if cancelled():
                        raise Cancelled
                write.flush()
                os.fsync(write.fileno())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as err:
        target.unlink(missing_ok=True)
        raise EncoderError(f"{archive.name} is no archive that can be unpacked ({err}).") from err
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _read(file: IO[bytes]) -> bytes:
    try:
        return file.read(BLOCK)
    except (zlib.error, lzma.LZMAError, EOFError, OSError) as err:  # bzip2 raises the last for damaged data
        raise zipfile.BadZipFile(reason(err)) from err


def _member(opened: zipfile.ZipFile, name: str, archive: Path, largest: int) -> zipfile.ZipInfo:
    found = [m for m in opened.infolist() if not m.is_dir() and PurePosixPath(m.filename).name == name]
    if len(found) != 1:
        raise EncoderError(
            f"{archive.name} holds {len(found) or 'no'} file{'s' * (len(found) > 1)} named {name}."
        )
    if found[0].flag_bits & ENCRYPTED:
        raise EncoderError(f"{archive.name} is locked with a password.")
    if found[0].file_size > largest:
        raise EncoderError(
            f"{name} in {archive.name} has {amount(found[0].file_size)}, "
            f"more than it can have ({amount(largest)})."
        )
    return found[0]
