"""Keeps the session of each slide in the window: opened when it is looked at, saved as it goes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_histoalign.plugin.session_keeper_held import Clock, Held, give_back, local_time, save
from napari_histoalign.plugin.session_keeper_looks import LayerWatch
from napari_histoalign.plugin.session_keeper_open import OpenedSession, Opening
from napari_histoalign.plugin.session_keeper_report import Reporter
from napari_histoalign.plugin.session_keeper_seams import (
    Choices,
    Later,
    SessionPage,
    SessionView,
    SessionWindow,
)
from napari_histoalign.plugin.session_keeper_state import Tiles
from napari_histoalign.plugin.slide_layers import given_mpp, slide_path

if TYPE_CHECKING:
    from napari_histoalign.plugin.desk import Desk
    from napari_histoalign.plugin.jobs import Snapshot

SOON, SELDOM = 1.0, 10.0
"""Seconds until a choice is saved, and until tiles are that a run went on to."""
OPENING = SessionPage(busy="Opening the session ...")


class SessionKeeper:
    """Opens sessions, gives back what they hold, and saves what changes.

    Sessions are opened and saved in the background. Each slide in the viewer has its own, which stays
    locked for others until the slide is taken out of it.

    Parameters
    ----------
    desk, window, view
        The dock, what it can be told, and the box of the session.
    later
        Calls a function after a while.
    root
        Where all sessions are kept now; None: beside each slide.
    clock
        Tells the time.
    """

    def __init__(
        self,
        desk: Desk,
        window: SessionWindow,
        view: SessionView,
        later: Later,
        root: Callable[[], Path | None] = lambda: None,
        clock: Clock = local_time,
    ) -> None:
        self._desk, self._window, self._view = desk, window, view
        self._later, self._root, self._clock = later, root, clock
        self._held: dict[Path, Held] = {}
        self._openings: dict[Path, Opening] = {}
        self._refused: dict[Path, str] = {}
        self._current: Path | None = None
        self._shown: Path | None = None
        self._last: Choices | None = None
        self._page: SessionPage | None = None
        self._closed = self._giving = False
        self._reporter = Reporter(desk, window, view, self._show)
        self._layers = LayerWatch(desk.viewer.layers, self._on_look, self._on_added, self._on_removed)
        desk.slide_changed.connect(self._on_slide)
        desk.snapshot_shown.connect(self._on_snapshot)
        window.chosen_changed.connect(self._on_chosen)
        self._on_slide(desk.slide_layer())

    def close(self) -> None:
        """Save what was not saved yet and let go of all sessions; the window is not asked any more."""
        self._closed = True
        self._desk.slide_changed.disconnect(self._on_slide)
        self._desk.snapshot_shown.disconnect(self._on_snapshot)
        self._window.chosen_changed.disconnect(self._on_chosen)
        self._layers.close()
        for opening in self._openings.values():
            opening.give_up()
        for held in self._held.values():
            held.close()
        self._held.clear()

    # what the person does

    def open_folder(self) -> None:
        """Show the session's folder in the system's file manager."""
        held = self._here()
        if held is not None and held.there:
            self._view.open_path(held.session.folder)

    def retry(self) -> None:
        """Open the session of the slide that is looked at once more: another window may have let go of it."""
        path = self._current
        if path is None or path in self._openings:
            return
        held = self._held.pop(path, None)
        if held is not None:
            self._desk.errands.forget(_saving(held))
            self._window.open_review(None)
            held.close()
        self._refused.pop(path, None)
        self._current = None
        self._on_slide(self._desk.slide_layer())

    def report(self) -> None:
        """Write the printable report and open it: of what is shown, else of the session's last results."""
        held = self._here()
        if held is not None and not held.busy:
            self._reporter.write(held, shown=self._shown == held.path)

    # opening

    def _here(self) -> Held | None:
        """The session of the slide that is looked at, once it is open."""
        return None if self._current is None else self._held.get(self._current)

    def _on_slide(self, layer: Any) -> None:
        """Another slide is looked at."""
        path = None if layer is None else slide_path(layer)
        if path == self._current and path is not None:
            return
        if (before := self._here()) is not None:  # later the window holds what was chosen for the other
            if before.landed is not None and (chosen := self._window.chosen()) is not None:
                before.chosen(chosen)
            self._save(before)
        self._current = path
        if (held := self._here()) is not None:
            self._enter(held)
            return
        self._window.open_review(None)
        if path is not None and path not in self._openings and path not in self._refused:
            opening = self._openings[path] = Opening(path, self._root(), given_mpp(layer))
            self._desk.errands.ask(f"session {path}", opening, partial(self._on_opened, path, layer, opening))
        self._show()

    def _on_opened(self, path: Path, layer: Any, opening: Opening, found: OpenedSession | str) -> None:
        del self._openings[path]
        opening.take()
        if isinstance(found, str):
            self._refused[path] = found
            if path == self._current:
                self._desk.say(found, error=True)
                self._show()
            return
        if path not in self._paths():
            found.session.close()
            return
        held = self._held[path] = Held(path, layer, found, self._desk.viewer)
        held.session.appended = partial(self._on_appended, held)
        if path == self._current:
            self._enter(held)

    def _enter(self, held: Held) -> None:
        """Go on with a session: what was chosen comes back, then the review, then what was shown."""
        first, before = held.landed is None, held.tiles
        self._giving = True
        try:
            again = give_back(held, self._window, self._last)
        finally:
            self._giving = False
        self._window.open_review(held.session)
        slide, shown = self._desk.slide(), self._desk.snapshot()
        if slide is not None and slide.path == held.path and shown is not None:
            self._take(held, shown)
            seen = shown.scored.indices if shown.grid.key == before.grid else ()
            again = again and bool(len(np.setdiff1d(before.indices, seen)))
        if again:
            self._window.show_again(before.indices)
        if first and held.saved is not None:
            acts = len(held.session.acts)
            marks = f" {acts:,} act{'' if acts == 1 else 's'} of the review are in it." if acts else ""
            self._desk.say(f"The session of {held.path.name} goes on.{marks}")
        self._show()

    def _paths(self) -> set[Path]:
        """Slides in the viewer."""
        return {path for layer in self._desk.viewer.layers if (path := slide_path(layer)) is not None}

    # saving

    def _touch(self, held: Held, seconds: float = SOON) -> None:
        """Something changed, perhaps: save it in a while, together with what else changes until then."""
        if held.session.read_only or not held.begun or (held.waits is not None and held.waits <= seconds):
            return
        held.waits = seconds
        self._later(seconds, partial(self._save, held))

    def _save(self, held: Held) -> None:
        held.waits = None
        if self._closed or self._held.get(held.path) is not held or (state := held.unsaved()) is None:
            return
        self._desk.errands.ask(_saving(held), partial(save, held, state), partial(self._on_saved, held))

    def _on_saved(self, held: Held, trouble: str) -> None:
        if trouble and trouble != held.trouble:
            self._desk.say(trouble, error=True)
        held.trouble = trouble
        if not trouble:
            held.saved, held.there = self._clock(), True
        self._show()

    def _on_chosen(self, choices: Choices) -> None:
        self._last = choices
        held = self._here()
        if held is None or self._giving:
            return
        if held.landed is None:
            self._enter(held)
        elif held.chosen(choices):
            self._touch(held)

    def _on_appended(self, held: Held) -> None:
        held.begun = held.there = True
        self._touch(held)
        self._show()

    def _on_snapshot(self, snapshot: Snapshot | None) -> None:
        slide = self._desk.slide()
        self._shown = None if snapshot is None or slide is None else slide.path
        held = None if self._shown is None else self._held.get(self._shown)
        if held is not None and snapshot is not None:
            if held.path == self._current:
                held.used()
            self._take(held, snapshot)
        self._show()

    def _take(self, held: Held, snapshot: Snapshot) -> None:
        """Note what is shown of a slide."""
        fresh, held.begun = not held.begun, True
        held.scored(Tiles(snapshot.grid.key, snapshot.scored.indices))
        held.looks.give_back(self._window.show_layer)
        self._touch(held, SOON if fresh else SELDOM)

    # layers

    def _on_look(self, layer: Any) -> None:
        for held in self._held.values():
            if held.looks.seen(layer):
                self._touch(held)

    def _on_added(self, layer: Any) -> None:
        for held in self._held.values():
            if held.looks.added(layer):
                self._touch(held, SELDOM)

    def _on_removed(self, layer: Any) -> None:
        left = self._paths()
        self._refused = {path: why for path, why in self._refused.items() if path in left}
        for held in [held for held in self._held.values() if held.path not in left]:
            self._desk.errands.forget(_saving(held))
            if held.path == self._current:
                self._window.open_review(None)
            del self._held[held.path]
            held.close()
            self._show()

    def _show(self) -> None:
        if self._closed:
            return
        held = self._here()
        if held is not None:
            page = held.page(shown=self._shown == held.path, now=self._clock())
        elif self._current is None:
            page = SessionPage()
        elif (refused := self._refused.get(self._current)) is not None:
            page = SessionPage(read_only=True, notes=(refused,))
        else:
            page = OPENING
        if page != self._page:
            self._page = page
            self._view.show_page(page)


def _saving(held: Held) -> str:
    return f"session save {held.path}"
