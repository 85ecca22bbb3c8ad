"""What passes between the keeper of sessions, the window it serves, and the box that shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from psygnal import SignalInstance

    from napari_histoalign.alignment import Alignment, PromptSet
    from napari_histoalign.alignment.refining import Refinement
    from napari_histoalign.plugin.review_seams import ActLog

Later = Callable[[float, Callable[[], None]], None]
"""Calls what it is given after so many seconds, on the main thread."""


@dataclass(frozen=True)
class Choices:
    """What a person chose in the window for the slide that is looked at.

    Attributes
    ----------
    prompts, alignment, refinement, other
        As in `napari_histoalign.plugin.jobs.Scoring`.
    encoders, mpp, tile
        As in `napari_histoalign.plugin.jobs.Setup`.
    threshold
        Least probability of a tile that belongs to a region.
    """

    prompts: PromptSet
    alignment: Alignment
    refinement: Refinement
    other: Alignment | None
    encoders: tuple[str, ...]
    mpp: float
    tile: int
    threshold: float

    def with_change(self, before: Choices, after: Choices) -> Choices:
        """These choices, but for those that differ between two states of the window."""
        names = [f.name for f in fields(self) if getattr(before, f.name) != getattr(after, f.name)]
        return replace(self, **{name: getattr(after, name) for name in names})


class SessionWindow(Protocol):
    """What the keeper needs of the window, besides its `Desk`."""

    @property
    def chosen_changed(self) -> SignalInstance:
        """Emits the `Choices` after a change of any of them, when all can be used."""

    def chosen(self) -> Choices | None:
        """What is chosen now; None while it cannot be used."""

    def choose(self, choices: Choices) -> Sequence[str]:
        """Show these choices; those that differ are scored with, as if the person had made them.

        Returns
        -------
        sequence of str
            A sentence for each that cannot be had here, such as an encoder that is not on this computer.
        """

    def give_mpp(self, mpp: float) -> None:
        """Use this pixel size (in micrometres) of the slide that is looked at, which tells none itself."""

    def show_again(self, indices: NDArray[np.int64]) -> None:
        """Score those of these tiles of the chosen grid that are embedded, without reading a pixel.

        While a run goes on, nothing has to be done.
        """

    def show_layer(self, title: str | None) -> None:
        """Show the result layer of this title and hide the others; None hides all, an unknown one none."""

    def open_review(self, log: ActLog | None) -> None:
        """Go on with the review of this log; None: there is none."""

    def write_results(self, folder: Path, done: Callable[[bool], None]) -> bool:
        """Export what is shown to a folder; False: not now, something else is going on.

        At the end `done` is told whether it was written; why it was not, the window has said by then.
        """


@dataclass(frozen=True)
class SessionPage:
    """What there is to show of the session of a slide.

    Attributes
    ----------
    folder
        Where it is kept; None where no slide is looked at, or its session is not open yet.
    there
        Whether that folder exists by now.
    saved
        When it was saved last, for people; empty: never.
    read_only
        Whether nothing can be saved.
    notes
        What the person should know, as sentences.
    busy
        What is going on; empty: nothing.
    can_report, can_export
        Whether there is something to report or to export.
    """

    folder: Path | None = None
    there: bool = False
    saved: str = ""
    read_only: bool = False
    notes: tuple[str, ...] = ()
    busy: str = ""
    can_report: bool = False
    can_export: bool = False


class SessionView(Protocol):
    """What the keeper needs of its box."""

    def show_page(self, page: SessionPage) -> None:
        """Show this."""

    def open_path(self, path: Path) -> None:
        """Open a file or a folder with what the system has for it."""
