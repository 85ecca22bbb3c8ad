"""The session of a slide: what was chosen, said and found, in one folder that survives crashes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from napari_histoalign.errors import ResultError
from napari_histoalign.results.review import LogContent, ReviewBusyError, ReviewLog, read_log
from napari_histoalign.workflow.session_file import Saved, read_saved, set_aside, write_saved
from napari_histoalign.workflow.session_place import RESULTS, REVIEW, SESSION, find_place
from napari_histoalign.workflow.session_state import VERSION, SessionState

if TYPE_CHECKING:
    from napari_histoalign.results.review import Act

LOOK = "It can be looked at and not changed"


class Session:
    """The session of a slide, open for one window. Use it from one thread, and close it.

    Opening makes no folder: to look at a slide leaves nothing behind.

    Parameters
    ----------
    slide, fingerprint
        The slide's file, and what tells it from others.
    root
        Where all sessions are kept, if the settings say so; None: beside each slide.
    fallback
        Where sessions are kept whose slides lie where nothing can be written; by default the user's data
        folder.

    Attributes
    ----------
    folder
        ``session.json``, ``review.jsonl`` and ``results`` lie there; it need not exist yet.
    state
        What was saved last.
    read_only
        Whether nothing can be saved; the notes say why.

    Raises
    ------
    ResultError
        The folder holds the session of another slide, or cannot be read. Nothing was changed.
    """

    def __init__(
        self, slide: Path, fingerprint: str, *, root: Path | None = None, fallback: Path | None = None
    ) -> None:
        self._slide = {"fingerprint": fingerprint, "file": slide.name}
        place = find_place(slide, fingerprint, root=root, fallback=fallback)
        self.folder, self.read_only = place.folder, not place.writable
        self._notes = list(place.notes)
        self._log: ReviewLog | None = None
        self._review = LogContent()
        try:
            self._look()
            self._open_review()
            self._saved = self._open_state()
        except BaseException:
            self.close()
            raise
        self.state = self._saved.state

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know of this session, as sentences."""
        return tuple(self._notes)

    @property
    def acts(self) -> tuple[Act, ...]:
        """Everything that was said in the review so far (see `napari_histoalign.results.review.fold`)."""
        return self._review.acts if self._log is None else self._log.acts

    @property
    def results(self) -> Path:
        """Folder for results; not made."""
        return self.folder / RESULTS

    def append(self, *acts: Act) -> None:
        """Write acts of the review; on return they are on the disk.

        Raises
        ------
        ResultError
            They could not be written: none of them counts.
        """
        self._writer().append(*acts)

    def save(self, state: SessionState) -> None:
        """Save what was chosen, whole or not at all.

        Raises
        ------
        ResultError
            It could not be written; what was saved before is kept.
        """
        log = self._writer()
        slide = {**self._saved.slide, **self._slide}
        path, digest = self.folder / SESSION, self._saved.digest
        self._saved = write_saved(path, state, slide=slide, review=log.mark, digest=digest)
        self.state = state

    def close(self) -> None:
        """Let go of the session; another window can open it then."""
        if self._log is not None:
            self._review = LogContent(acts=self._log.acts)
            self._log.close()
            self._log = None
        if not self.read_only:
            self.read_only = True
            self._notes.append("It was closed.")

    def _writer(self) -> ReviewLog:
        """The log, open for writing, in a folder that exists."""
        if self.read_only:
            raise ResultError(f"Nothing was saved to {self.folder}. {' '.join(self._notes)}")
        if self._log is not None:
            return self._log
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise ResultError(
                f"The session folder {self.folder} cannot be made ({err.strerror or err})."
            ) from err
        log = self._new_log()
        if log.acts or (self.folder / SESSION).exists():
            log.close()
            raise ResultError(
                f"Another window began a session of this slide in {self.folder} after this one was opened. "
                "Open the slide again to go on from it."
            )
        self._log = log
        return log

    def _new_log(self) -> ReviewLog:
        slide = self._slide
        return ReviewLog(self.folder / REVIEW, slide=slide["fingerprint"], slide_file=slide["file"])

    def _look(self) -> None:
        """Find out whether the folder is this slide's and ours to write, before anything is opened."""
        path = self.folder / SESSION
        try:
            saved = read_saved(path)
        except (OSError, ValueError):
            return  # told in `_open_state`, once nobody else can write
        self._check_slide(saved.slide, path)
        if saved.newer:
            self.read_only = True
            self._notes.append(
                f"{path} was written by a newer napari-histoalign (version {saved.newer}; this one knows "
                f"{VERSION}). {LOOK}: update napari-histoalign."
            )

    def _open_review(self) -> None:
        path = self.folder / REVIEW
        if not self.read_only and path.exists() and not os.access(path, os.W_OK):
            self.read_only = True
            self._notes.append(f"{path} belongs to somebody else. {LOOK}.")
        if not self.read_only and self.folder.is_dir():
            try:
                self._log = self._new_log()
                self._review = self._log.content
            except ReviewBusyError as err:
                self.read_only = True
                self._notes.append(f"{err} {LOOK} until then.")
        if self._log is None and path.is_file():
            self._review = read_log(path)
            self._check_slide({"fingerprint": self._review.slide, "file": self._review.slide_file}, path)
        self._notes += [problem.text for problem in self._review.problems]

    def _open_state(self) -> Saved:
        path = self.folder / SESSION
        try:
            saved = read_saved(path)
        except FileNotFoundError:
            return Saved()
        except OSError as err:
            raise ResultError(
                f"The session {path} cannot be read ({err.strerror or err}). Nothing was changed. Check the "
                "disk, and who may read the file."
            ) from err
        except ValueError as err:
            self._notes.append(self._damaged(path, str(err)))
            return Saved()
        lines, head = saved.review.get("lines"), saved.review.get("head")
        if type(lines) is int and isinstance(head, str) and not self._review.goes_on_from(lines, head):
            self._notes.append(
                f"{self.folder / REVIEW} is not what it was when the session was saved: of its {lines} lines "
                "some were taken off or changed, or the file was exchanged."
            )
        return saved

    def _check_slide(self, found: Mapping[str, object], path: Path) -> None:
        """Refuse another slide's file.

        Raises
        ------
        ResultError
            It names another fingerprint.
        """
        theirs, ours = str(found.get("fingerprint", "")), self._slide["fingerprint"]
        if theirs not in ("", ours):
            raise ResultError(
                f"{path} belongs to another slide ({found.get('file', 'unnamed')}, fingerprint "
                f"{theirs[:12]}), not to this {self._slide['file']} ({ours[:12]}). Nothing was changed. Move "
                f"or rename the folder {self.folder} to begin a session of this slide."
            )

    def _damaged(self, path: Path, why: str) -> str:
        """Set a damaged file aside and say so; where nothing may be changed, only say so."""
        kept = "The marks of the review are not touched by that."
        if self.read_only:
            return f"{path} is damaged ({why}) and not used. {kept}"
        try:
            name = set_aside(path)
        except OSError as err:
            raise ResultError(
                f"{path} is damaged ({why}) and cannot be set aside ({err.strerror or err}). Nothing was "
                "changed. Move it away to begin afresh."
            ) from err
        return f"{path} is damaged ({why}). It is kept as {name}, and the session starts afresh. {kept}"
