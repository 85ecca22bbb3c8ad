"""Opening the session of a slide in the background."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.session_keeper_edge import told
from napari_histoalign.plugin.session_keeper_log import KeptSession
from napari_histoalign.plugin.session_keeper_state import Tiles, slide_mpp_of, tiles_of
from napari_histoalign.workflow.session import Session
from napari_histoalign.workflow.session_place import SESSION

if TYPE_CHECKING:
    from napari_histoalign.workflow.session_state import SessionState

RUN = "run.json"


@dataclass(frozen=True)
class OpenedSession:
    """A session that was opened.

    Attributes
    ----------
    session
        To be closed by whoever takes it.
    fingerprint
        Of the slide.
    tiles
        Which were scored, as far as they are tiles of the slide as it is laid out now.
    saved
        When it was saved last; None: never.
    there, has_results
        Whether its folder exists, and whether it has results.
    notes
        What the person should know of this, besides the session's own notes.
    """

    session: KeptSession
    fingerprint: str
    tiles: Tiles
    saved: datetime | None
    there: bool
    has_results: bool
    notes: tuple[str, ...] = ()


class Opening:
    """One opening, in a worker thread; a session that nobody waits for any more is closed again.

    Parameters
    ----------
    path
        The slide.
    root
        Where all sessions are kept; None: beside the slide.
    slide_mpp
        Micrometres per level-0 pixel as the person gave them by now.
    """

    def __init__(self, path: Path, root: Path | None, slide_mpp: float | None = None) -> None:
        self._path, self._root, self._mpp = path, root, slide_mpp
        self._lock = threading.Lock()
        self._given_up = False
        self._found: OpenedSession | None = None

    def __call__(self) -> OpenedSession | str:
        """Open it; or a sentence that says why that cannot be done."""
        found = told("Opening the session", lambda: open_session(self._path, self._root, self._mpp))
        if isinstance(found, str):
            return found
        with self._lock:
            if not self._given_up:
                self._found = found
                return found
        found.session.close()
        return ""

    def take(self) -> None:
        """Whoever got the session closes it from now on."""
        with self._lock:
            self._found, self._given_up = None, True

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            found, self._found, self._given_up = self._found, None, True
        if found is not None:
            found.session.close()


def open_session(path: Path, root: Path | None, slide_mpp: float | None = None) -> OpenedSession:
    """Open the session of a slide, and find out whether its tiles are still where they were.

    Nothing is written where there is no session yet.

    Raises
    ------
    SlideError
        The slide cannot be read.
    ResultError
        There is a session that cannot be opened.
    """
    from napari_histoalign.slides import open_slide

    with open_slide(path) as slide:
        fingerprint = slide.fingerprint
    session = Session(path, fingerprint, root=root)
    try:
        tiles, notes = _tiles(path, session.state, slide_mpp)
        return OpenedSession(
            KeptSession(session),
            fingerprint,
            tiles,
            _saved(session.folder),
            session.folder.is_dir(),
            (session.results / RUN).is_file(),
            notes,
        )
    except BaseException:
        session.close()
        raise


def _tiles(path: Path, state: SessionState, slide_mpp: float | None) -> tuple[Tiles, tuple[str, ...]]:
    """The tiles of a state, if they are tiles of the slide."""
    from napari_histoalign.slides import TileGrid, open_slide

    found, mpp, tile = tiles_of(state), state.grid.get("mpp"), state.grid.get("tile")
    if not len(found.indices) or not isinstance(mpp, int | float) or type(tile) is not int:
        return Tiles(), ()
    try:
        with open_slide(path, mpp=slide_mpp_of(state) or slide_mpp) as slide:
            grid = TileGrid.over(slide, mpp=mpp, tile=tile)
    except HistoalignError:
        return Tiles(), ()
    if grid.key == found.grid and found.indices[-1] < grid.count:
        return found, ()
    note = "Tiles are laid out differently by now: run again to see results. Marks and decisions are kept."
    return Tiles(), (note,)


def _saved(folder: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp((folder / SESSION).stat().st_mtime).astimezone()
    except OSError:
        return None
