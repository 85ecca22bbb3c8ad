"""One file on its way: the part that is here, how it goes on, and whether it is what it should be."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from napari_histoalign.encoders.fetching.faults import Cancelled, WebError
from napari_histoalign.encoders.fetching.hub import Facts, Source, validator
from napari_histoalign.errors import EncoderError

if TYPE_CHECKING:
    from napari_histoalign.encoders.fetching.web import Answer, Web

WHOLE = "whole"
"""Folder of the files that are whole and checked, under the names they are used by."""
BLOCK = 1 << 23


@dataclass(frozen=True)
class Part:
    """A file that is being downloaded.

    Attributes
    ----------
    folder
        Where the downloads of its encoder are.
    source, facts
        Where it comes from, and what is said of it there.
    pinned
        SHA-256 (hexadecimal) the entry expects of the file (of an archive: of what is in it), if any.
    """

    folder: Path
    source: Source
    facts: Facts
    pinned: str | None

    @property
    def path(self) -> Path:
        """What has arrived of it."""
        return self._beside(".part")

    @property
    def whole(self) -> Path:
        """Where it is when it is whole and checked (what was in it, for an archive)."""
        return self.folder / WHOLE / self.source.name

    @property
    def size(self) -> int:
        """Bytes to download in all; 0 if unknown."""
        return self.facts.size or 0

    @property
    def digest(self) -> str:
        """Hash that the bytes have to have; empty if neither entry nor server states any."""
        if self.pinned and not self.source.zipped:
            return f"sha256:{self.pinned}"
        return self.facts.digest

    def here(self) -> int:
        """Bytes that need not be downloaded any more."""
        if self.whole.exists():
            return self.size
        return self.path.stat().st_size if self.path.exists() else 0

    def prepare(self, cancelled: Callable[[], bool]) -> None:
        """Throw away what is here of another version of the file, and note which version this is.

        Raises
        ------
        Cancelled
            It was stopped.
        """
        note = self._note()
        same = note.get("size") == self.facts.size and (
            note.get("digest") == self.digest if self.digest else note.get("mark") == self.facts.mark != ""
        )
        if not same:
            self.drop()
        if self.whole.exists() and note.get("sha256") != _hash(self.whole, "sha256", cancelled):
            self.drop()
        self._write_note({**(note if self.here() else {}), **asdict(self.facts), "digest": self.digest})

    def drop(self) -> None:
        """Delete what is here of it."""
        for path in (self.path, self.whole, self._beside(".json")):
            path.unlink(missing_ok=True)

    def fetch(self, web: Web, on_bytes: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
        """Download what is missing; every byte that arrived stays, whatever happens.

        Parameters
        ----------
        web
            Makes the requests.
        on_bytes
            Called with the bytes that are here.
        cancelled
            Whether to stop.

        Raises
        ------
        WebError
            The connection broke, or the server does not give what it stated.
        Cancelled
            It was stopped.
        """
        have = self.path.stat().st_size if self.path.exists() else 0
        if self.facts.size is not None and have == self.facts.size and self.path.exists():
            return
        headers = self._range(have)
        with web.open("GET", self.facts.url, headers) as answer:
            if answer.status == 416:
                self.path.unlink(missing_ok=True)
                raise WebError(f"{self.source.name} was changed by its publisher and is downloaded anew.")
            goes_on = answer.status == 206 and bool(headers)
            if goes_on and not str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-"):
                self.path.unlink(missing_ok=True)
                raise WebError(
                    f"{self.source.name} came from another place on than was asked; it is downloaded anew."
                )
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise WebError(f"{self.source.name} comes compressed, which was not asked for.", lasting=True)
            self._write_note({**self._note(), "validator": validator(answer.hops[-1])})
            with self.path.open("ab" if goes_on else "wb") as file:
                self._receive(answer, file, have if goes_on else 0, on_bytes, cancelled)
                os.fsync(file.fileno())

    def check(self, cancelled: Callable[[], bool]) -> str:
        """Compare what arrived with what it should be; its SHA-256.

        Raises
        ------
        EncoderError
            It is something else, and was deleted.
        Cancelled
            It was stopped.
        """
        kind, _, wanted = self.digest.partition(":")
        whole = _hash(self.path, "sha256", cancelled)
        if kind:
            self._compare(whole if kind == "sha256" else _hash(self.path, kind, cancelled), kind, wanted)
        return whole

    def check_unpacked(self, path: Path) -> str:
        """Compare what was in an archive with what the entry pins; its SHA-256.

        Raises
        ------
        EncoderError
            It is something else; it and the archive were deleted.
        """
        found = _hash(path, "sha256")
        if self.pinned and found != self.pinned:
            path.unlink()
            self._compare(found, "sha256", self.pinned)
        return found

    def finish(self, path: Path, sha256: str) -> None:
        """Put a checked file where whole ones are, and note its SHA-256."""
        self.whole.parent.mkdir(exist_ok=True)
        self._write_note({**self._note(), "sha256": sha256})
        path.replace(self.whole)

    def _compare(self, found: str, kind: str, wanted: str) -> None:
        if found == wanted:
            return
        self.drop()
        who = "this version of the package expects" if wanted == self.pinned else "its publisher states"
        name = "SHA-256" if kind == "sha256" else "git's SHA-1"
        raise EncoderError(
            f"{self.source.name} came as another file than {who} ({name} {found[:12]}..., "
            f"not {wanted[:12]}...) and was deleted. Run the same again; if that is no help, something "
            "changes files on their way, or the publisher changed this one."
        )

    def _range(self, have: int) -> dict[str, str]:
        """Headers that ask for the rest only; none where the rest might be of another file."""
        mark = self._note().get("validator", "")
        if not have or (self.facts.size is not None and have > self.facts.size):
            return {}
        if self.digest:
            # the hash decides in the end; hosts that deliver the same file disagree on its ETag
            return {"Range": f"bytes={have}-"}
        return {"Range": f"bytes={have}-", "If-Range": mark} if mark else {}

    def _receive(
        self,
        answer: Answer,
        file: BinaryIO,
        have: int,
        on_bytes: Callable[[int], None],
        cancelled: Callable[[], bool],
    ) -> None:
        length = str(answer.headers.get("Content-Length", ""))
        total = have + int(length) if length.isdecimal() else self.facts.size
        if self.facts.size not in (None, total):
            raise WebError(
                f"{self.source.name} has {total} bytes now and had {self.facts.size} just before: "
                "its publisher changed it meanwhile.",
                lasting=True,
            )
        on_bytes(have)
        while block := answer.read():
            have += len(block)
            if total is not None and have > total:
                raise WebError(
                    f"{self.source.name} is longer than the {total} bytes its server stated.",
                    lasting=True,
                )
            file.write(block)
            on_bytes(have)
            if cancelled():
                raise Cancelled
        if total is not None and have < total:
            raise WebError(f"The connection broke off within {self.source.name}.")

    def _note(self) -> dict[str, Any]:
        try:
            found = json.loads(self._beside(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write_note(self, note: dict[str, Any]) -> None:
        self._beside(".json").write_text(json.dumps(note, indent=2), encoding="utf-8")

    def _beside(self, ending: str) -> Path:
        return self.folder / (self.source.name + (".zip" if self.source.zipped else "") + ending)


def _hash(path: Path, kind: str, cancelled: Callable[[], bool] = lambda: False) -> str:
    """SHA-256 of a file, or ("git") the SHA-1 git knows it by; hexadecimal."""
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            if cancelled():
                raise Cancelled
    return digest.hexdigest()
