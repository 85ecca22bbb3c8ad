"""The review log: every act on the disk before the next one, whatever happens then."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from napari_histoalign.errors import ResultError
from napari_histoalign.file_lock import lock_file
from napari_histoalign.results.review.content import Problem, parse_log
from napari_histoalign.results.review.lines import digest, write_line

if TYPE_CHECKING:
    from napari_histoalign.results.review.acts import Act

READ = 1 << 20
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class ReviewBusyError(ResultError):
    """Somebody else writes the log."""


class ReviewLog:
    """A review log, open for one writer. Use it from one thread, and close it.

    Nothing in the file is ever changed: a line that a crash cut short stays, and new ones follow it.

    Parameters
    ----------
    path
        The file, made if absent; its folder must exist.
    slide, slide_file
        Fingerprint and file name of the slide.

    Attributes
    ----------
    locked
        False where the file system has no locks; another writer is then found out when it has written.

    Raises
    ------
    ReviewBusyError
        Somebody else writes it.
    ResultError
        It is another slide's, or cannot be written.
    """

    def __init__(self, path: Path, *, slide: str, slide_file: str) -> None:
        self.path = Path(path)
        self._about = {"fingerprint": slide, "file": slide_file}
        try:
            self._handle = os.open(self.path, FLAGS, 0o666)
        except OSError as err:
            raise ResultError(
                f"The review log {self.path} cannot be opened for writing ({err.strerror or err}). Check "
                "that its folder is there and can be written."
            ) from err
        try:
            self.locked = self._lock()
            self.content = parse_log(self._read(), self.path.name)
            if self.content.slide not in ("", slide):
                raise ResultError(
                    f"{self.path} is the review of another slide ({self.content.slide_file}), not of "
                    f"{slide_file}. Nothing was changed. Move that file away to review this slide."
                )
        except BaseException:
            os.close(self._handle)
            raise
        self._acts = list(self.content.acts)
        self._ids = {act.id for act in self._acts}
        self._size, self._lines, self._head = self.content.size, self.content.lines, self.content.head
        self._owed = self._first_bytes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def acts(self) -> tuple[Act, ...]:
        """Everything done so far, in order."""
        return tuple(self._acts)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was wrong with the file when it was opened."""
        return self.content.problems

    @property
    def mark(self) -> dict[str, Any]:
        """How long the log is and how it ends, to be noted elsewhere (`LogContent.goes_on_from`)."""
        return {"lines": self._lines, "head": self._head}

    def append(self, *acts: Act) -> None:
        """Write acts, all of one gesture at best, and wait until they are on the disk.

        Raises
        ------
        ResultError
            They could not be written: none of them counts.
        """
        if not acts:
            return
        if self._handle < 0:
            raise ResultError(f"The review log {self.path} is closed; nothing more can be written to it.")
        new = {act.id for act in acts}
        if len(new) != len(acts) or new & self._ids:
            raise ResultError("An act was given twice; nothing was written.")
        self._check_alone()
        prefix, parts, head = b"", [], self._head
        if self._owed:
            prefix, first = self._owed
            parts = [first] if first else []
            head = digest(first) if first else head
        for act in acts:
            parts.append(write_line({"act": act.to_plain()}, head))
            head = digest(parts[-1])
        data = prefix + b"".join(part + b"\n" for part in parts)
        self._write(data)
        self._size, self._head, self._owed = self._size + len(data), head, None
        self._lines += len(parts)
        self._acts += acts
        self._ids |= new

    def close(self) -> None:
        """Let go of the file, and of its lock."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _lock(self) -> bool:
        if not stat.S_ISREG(os.fstat(self._handle).st_mode):
            raise ResultError(f"{self.path} is no ordinary file and cannot hold a review.")
        real = lock_file(self._handle)
        if real is None:
            raise ReviewBusyError(
                f"The review {self.path} is open in another window or program. Close it there first: two "
                "reviews at a time would get into each other's way."
            )
        return real

    def _read(self) -> bytes:
        os.lseek(self._handle, 0, os.SEEK_SET)
        parts = []
        while part := os.read(self._handle, READ):
            parts.append(part)
        return b"".join(parts)

    def _first_bytes(self) -> tuple[bytes, bytes] | None:
        """What the next line needs before it: an end of the last one, and the line that names the slide."""
        prefix = b"\n" if self.content.open_end else b""
        first = b"" if self.content.slide else write_line({"slide": self._about}, self._head)
        return (prefix, first) if prefix or first else None

    def _check_alone(self) -> None:
        """Refuse to write where the file is not what was read: gone, replaced, or written by others."""
        try:
            here, there = os.fstat(self._handle), self.path.stat()
            same = os.path.samestat(here, there) and here.st_size == self._size
        except OSError:
            same = False
        if not same:
            raise ResultError(
                f"The review log {self.path} was moved, deleted or changed by another program since it was "
                "opened, so this act was not written. Open the slide again."
            )

    def _write(self, data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            os.fsync(self._handle)
            if not self._size and os.name == "posix":  # a new file's name has to last, too
                folder = os.open(self.path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as err:
            with suppress(OSError):
                os.ftruncate(self._handle, self._size)
            raise ResultError(
                f"The review log {self.path} could not be written ({err.strerror or err}), so this act does "
                "not count. Check that the disk has room and is still there."
            ) from err
