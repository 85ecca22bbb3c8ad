"""A session that the window writes marks to while another thread saves it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_histoalign.results.review import Act
    from napari_histoalign.workflow.session import Session
    from napari_histoalign.workflow.session_state import SessionState


class KeptSession:
    """One session, one thread at a time; it is an `ActLog` for the review.

    Parameters
    ----------
    session
        Open; it is closed with this.

    Attributes
    ----------
    appended
        Called after acts were written.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self.appended: Callable[[], None] = lambda: None

    @property
    def acts(self) -> tuple[Act, ...]:
        """Everything done so far, in order."""
        return self._session.acts

    @property
    def folder(self) -> Path:
        """Where it is kept; it need not exist."""
        return self._session.folder

    @property
    def results(self) -> Path:
        """Folder for results; it need not exist."""
        return self._session.results

    @property
    def read_only(self) -> bool:
        """Whether nothing can be saved."""
        return self._session.read_only

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know of it."""
        return self._session.notes

    @property
    def state(self) -> SessionState:
        """What was saved last."""
        return self._session.state

    def append(self, *acts: Act) -> None:
        """Write acts, all or none; on return they are on the disk.

        Raises
        ------
        ResultError
            They could not be written.
        """
        with self._lock:
            self._session.append(*acts)
        self.appended()

    def save(self, state: SessionState) -> None:
        """Save what was chosen, whole or not at all.

        Raises
        ------
        ResultError
            It could not be written.
        """
        with self._lock:
            self._session.save(state)

    def close(self) -> None:
        """Let go of it, once nobody writes any more."""
        with self._lock:
            self._session.close()
