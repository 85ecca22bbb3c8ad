"""The review at hand: its log, who writes in it, and where it stands."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_histoalign.errors import HistoalignError
from napari_histoalign.results.review import Act, Label, Reviewer, ReviewState, TileMark, TileTarget, fold

if TYPE_CHECKING:
    from napari_histoalign.plugin.review_seams import ActLog

Said = Callable[..., None]


def login_name() -> str:
    """Who is logged in; empty where the system does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, or no way to ask
        return ""


class ReviewBook:
    """Writes what a person does and keeps where that leads to.

    Parameters
    ----------
    say
        Shows one line of text, with ``error=True`` as an error.
    who
        The person; by default who is logged in.

    Attributes
    ----------
    changed
        Emitted when something was written, another log was opened, or another person goes on.
    state
        Where the review stands.
    """

    changed = Signal()

    def __init__(self, say: Said, who: str | None = None) -> None:
        self._say = say
        self._log: ActLog | None = None
        self._who = login_name() if who is None else who
        self.state = ReviewState()

    @property
    def who(self) -> str:
        """Name of the person who reviews."""
        return self._who

    @property
    def own(self) -> ReviewState:
        """Where this person stands."""
        return self.state.of(self._who)

    @property
    def acts(self) -> tuple[Act, ...]:
        """Everything done so far."""
        return () if self._log is None else self._log.acts

    @property
    def is_open(self) -> bool:
        """Whether there is a log to write in."""
        return self._log is not None

    def open(self, log: ActLog | None) -> None:
        """Go on with a log; None: there is none any more. The log is closed by whoever opened it."""
        self._log = log
        self.state = fold(self.acts)
        self.changed.emit()
        if self.state.ignored:
            self._say(" ".join(self.state.ignored), error=True)

    def set_reviewer(self, who: str) -> None:
        """Another person goes on."""
        if who.strip() != self._who:
            self._who = who.strip()
            self.changed.emit()

    def do(self, make: Callable[[Reviewer, ReviewState], Sequence[Act]], *, blinded: bool = False) -> bool:
        """Write what a person does; a refusal is said.

        Parameters
        ----------
        make
            Takes who reviews and where the review stands, and returns the acts.
        blinded
            Whether the model's answers are hidden.

        Returns
        -------
        bool
            Whether anything was written.
        """
        try:
            return self._write(tuple(make(Reviewer(self._who, blinded), self.state)))
        except HistoalignError as err:
            self._say(str(err), error=True)
            return False

    def undo(self) -> bool:
        """Take back this person's last gesture."""
        return self._step(lambda who: who.undo(self.acts), "There is nothing to undo.")

    def redo(self) -> bool:
        """Take back the last undo."""
        return self._step(lambda who: who.redo(self.acts), "There is nothing to redo.")

    def _step(self, make: Callable[[Reviewer], Sequence[Act]], none: str) -> bool:
        nothing: list[bool] = []

        def acts(who: Reviewer, state: ReviewState) -> Sequence[Act]:
            found = make(who)
            nothing.append(not found)
            return found

        done = self.do(acts)
        if nothing == [True]:
            self._say(none)
        return done

    def _write(self, acts: tuple[Act, ...]) -> bool:
        if not acts:
            return False
        if self._log is None:
            raise HistoalignError("There is no review to write in: open a slide first.")
        self._log.append(*acts)
        quick = advanced(self.state, acts)
        self.state = fold(self._log.acts) if quick is None else quick
        self.changed.emit()
        return True


def advanced(state: ReviewState, acts: Sequence[Act]) -> ReviewState | None:
    """Where a review stands after some more marks of tiles, without going through all acts again.

    Folding some thousand acts takes longer than a key may take.

    Returns
    -------
    ReviewState or None
        The same as `fold` gives; None where `acts` are of another kind.
    """
    plain = all(
        a.what in ("mark", "unmark") and isinstance(a.target, TileTarget) and not a.blinded for a in acts
    )
    if not plain:
        return None
    tiles, disputed, reviewers = dict(state.tiles), set(state.disputed), dict(state.reviewers)
    own = {who: dict(reviewers[who].tiles) if who in reviewers else {} for who in {a.who for a in acts}}
    for act in acts:
        assert isinstance(act.target, TileTarget)
        key = act.target.key
        mark = TileMark(act.target, Label.from_plain(act.after), act) if act.what == "mark" else None
        for marks in (tiles, own[act.who]):
            if mark is None:
                marks.pop(key, None)
            else:
                marks[key] = mark
    for who, marks in own.items():
        reviewers[who] = replace(reviewers.get(who, ReviewState()), tiles=marks)
    for key in {a.target.key for a in acts if isinstance(a.target, TileTarget)}:
        labels = {s.tiles[key].label for s in reviewers.values() if key in s.tiles}
        (disputed.add if len(labels) > 1 else disputed.discard)(key)
    return replace(state, tiles=tiles, reviewers=reviewers, disputed=frozenset(disputed))
