"""The session of one slide in the window: what is to be saved of it, and what was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.session_keeper_looks import Looks
from napari_histoalign.plugin.session_keeper_seams import Choices, SessionPage, SessionWindow
from napari_histoalign.plugin.session_keeper_state import Tiles, from_state, slide_mpp_of, to_state
from napari_histoalign.plugin.slide_layers import given_mpp, slide_mpp
from napari_histoalign.workflow.session_state import SessionState

if TYPE_CHECKING:
    from napari_histoalign.plugin.session_keeper_open import OpenedSession


class Held:
    """A session with what the window knows of its slide.

    Parameters
    ----------
    path, layer
        The slide, and its image layer.
    found
        Its session.
    viewer
        A viewer or viewer model.

    Attributes
    ----------
    begun
        Whether there is something to keep: to look at a slide leaves nothing behind.
    choices
        What is chosen for this slide; None before it was looked at.
    landed
        What the window holds of them: not all can be had on every computer.
    noted
        How many acts there were when it was saved last, or opened.
    saved, trouble
        When it was saved last, and why it could not be since.
    there, has_results
        Whether its folder exists, and whether it has results.
    notes
        Sentences about what could not be given back.
    busy
        What is going on; empty: nothing.
    waits
        In how many seconds it will be saved; None: nothing waits.
    """

    def __init__(self, path: Path, layer: Any, found: OpenedSession, viewer: Any) -> None:
        self.path, self.layer = path, layer
        self.session, self.fingerprint = found.session, found.fingerprint
        self.looks = Looks(viewer, layer, found.session.state.layers)
        self.begun = found.saved is not None or bool(found.session.acts)
        self.choices: Choices | None = None
        self.landed: Choices | None = None
        self.noted = len(found.session.acts)
        self.saved, self.trouble = found.saved, ""
        self.there, self.has_results = found.there, found.has_results
        self.notes: tuple[str, ...] = ()
        self.busy = ""
        self.waits: float | None = None
        self._opened_with = found.notes
        self._earlier, self._scored = found.tiles, Tiles()

    @property
    def tiles(self) -> Tiles:
        """Which tiles were scored, before and now."""
        return self._earlier.with_more(self._scored) if self._scored.grid else self._earlier

    def scored(self, tiles: Tiles) -> None:
        """These are scored now."""
        if tiles.grid != self._scored.grid:
            self._earlier = self.tiles
        self._scored = tiles

    def chosen(self, choices: Choices) -> bool:
        """Take what the window holds now; returns whether the person changed anything."""
        before, landed = self.choices, self.landed
        self.landed = choices
        # what could not be had here is not forgotten, unless the person chooses something else
        self.choices = choices if before is None or landed is None else before.with_change(landed, choices)
        return self.choices != before

    def used(self) -> None:
        """Something was scored with what the window holds: that is what counts from now on."""
        self.choices, self.notes = self.landed or self.choices, ()

    @property
    def state(self) -> SessionState:
        """What there is to save; what was saved where nothing was chosen yet."""
        if self.choices is None:
            return self.session.state
        return to_state(
            self.choices,
            slide_mpp=given_mpp(self.layer),
            tiles=self.tiles,
            looks=self.looks.to_plain(),
            before=self.session.state,
        )

    def unsaved(self) -> SessionState | None:
        """What has to be saved; None where nothing has, or can be."""
        if self.session.read_only or not self.begun:
            return None
        state = self.state
        # the file notes how long the log is, so that it tells when some of it was taken off
        return None if (state, len(self.session.acts)) == (self.session.state, self.noted) else state

    def close(self) -> None:
        """Save what was not saved yet, and let go of the session."""
        state = self.unsaved()
        if state is not None:
            save(self, state)
        self.session.close()

    def page(self, *, shown: bool, now: datetime) -> SessionPage:
        """What there is to show of it.

        Parameters
        ----------
        shown
            Whether results of this slide are shown.
        now
            The time.
        """
        notes = (*self.session.notes, *self._opened_with, *self.notes, self.trouble)
        return SessionPage(
            folder=self.session.folder,
            there=self.there,
            saved="" if self.saved is None else moment(self.saved, now),
            read_only=self.session.read_only,
            notes=tuple(note for note in dict.fromkeys(notes) if note),
            busy=self.busy,
            can_report=(shown or self.has_results) and not self.busy,
            can_export=shown,
        )


def give_back(held: Held, window: SessionWindow, last: Choices | None) -> bool:
    """Let the window show what was chosen for a slide.

    Parameters
    ----------
    held
        The session of the slide that is looked at.
    window
        The window.
    last
        What it held last, in case that it holds nothing now.

    Returns
    -------
    bool
        Whether the session's tiles can be shown, too: there are some, and the window could take over
        everything that they depend on.
    """
    now, state = window.chosen() or last, held.state
    if now is None:
        return False
    wanted, notes = (now, ()) if state == SessionState() else from_state(state, now)
    mpp = slide_mpp_of(state)
    if mpp is not None and slide_mpp(held.layer) is None:
        window.give_mpp(mpp)
    if wanted != now:
        notes += tuple(window.choose(wanted))
    held.choices, held.notes = wanted, notes
    held.landed = landed = window.chosen() or now
    fits = (landed.encoders, landed.mpp, landed.tile) == (wanted.encoders, wanted.mpp, wanted.tile)
    return fits and bool(len(held.tiles.indices))


def save(held: Held, state: SessionState) -> str:
    """Save, in whichever thread; returns why that could not be done."""
    try:
        noted = len(held.session.acts)
        held.session.save(state)
        held.noted = noted
    except (HistoalignError, OSError) as err:
        return str(err)
    return ""


def moment(time: datetime, now: datetime) -> str:
    """A time for people: ``12:03``, with the date if that is not today's."""
    return f"{time:%H:%M}" if time.date() == now.date() else f"{time:%Y-%m-%d %H:%M}"


Clock = Callable[[], datetime]
"""Tells the time."""


def local_time() -> datetime:
    """The time here."""
    return datetime.now().astimezone()
