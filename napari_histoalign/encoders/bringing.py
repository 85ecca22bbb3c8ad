"""Files on their way into the library: copied, linked or taken over, and hashed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Literal

from napari_histoalign.encoders.foreign import reason
from napari_histoalign.encoders.record import FileRecord
from napari_histoalign.errors import EncoderError

Way = Literal["copy", "link", "give"]
BLOCK = 1 << 23


def bring(
    files: Mapping[str, Path], folder: Path, way: Way, on_bytes: Callable[[int], None]
) -> dict[str, FileRecord]:
    """Bring files to a folder, and say what each is.

    Parameters
    ----------
    files
        Where they are, by the names they get.
    folder
        Where they go.
    way
        "copy"; "link" to where they stay; or "give" those that are deleted next, without a copy where the
        disk can.
    on_bytes
        Called with the bytes that are done.

    Raises
    ------
    EncoderError
        One cannot be read.
    OSError
        The folder cannot be written.
    """
    done = 0
    records = {}
    for name, source in files.items():
        digest, size = hashlib.sha256(), 0
        with _opened(source) as read, _WAYS[way](source, folder / name) as write:
            while block := _read(read, source):
                digest.update(block)
                write.write(block)
                size += len(block)
                done += len(block)
                on_bytes(done)
            if write.name != os.devnull:
                write.flush()
                os.fsync(write.fileno())
        records[name] = FileRecord(digest.hexdigest(), size)
    return records


def _opened(source: Path) -> BinaryIO:
    """A file to read; what is wrong with it is no fault of where it goes."""
    try:
        return source.open("rb")
    except OSError as err:
        raise _unreadable(source, err) from err


def _read(file: BinaryIO, source: Path) -> bytes:
    try:
        return file.read(BLOCK)
    except OSError as err:
        raise _unreadable(source, err) from err


def _unreadable(source: Path, err: OSError) -> EncoderError:
    return EncoderError(f"{source} cannot be read ({reason(err)}). Nothing was added.")


def _copied(source: Path, target: Path) -> BinaryIO:
    """Where the bytes of a file that is copied go."""
    return target.open("wb")


def _linked(source: Path, target: Path) -> BinaryIO:
    """The same for a file that stays where it is: they are only read."""
    target.symlink_to(source.resolve())
    return Path(os.devnull).open("wb")


def _given(source: Path, target: Path) -> BinaryIO:
    """The same for a file that is taken over; some file systems, such as those of USB sticks, cannot."""
    try:
        target.hardlink_to(source)
    except OSError:
        return _copied(source, target)
    return Path(os.devnull).open("wb")


_WAYS: Mapping[Way, Callable[[Path, Path], BinaryIO]] = MappingProxyType(
    {"copy": _copied, "link": _linked, "give": _given}
)
