"""What the presenter needs of a dock and of a runner, so that both can be stood in for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from napari_histoalign.engine import Progress
    from napari_histoalign.plugin.jobs import Snapshot
    from napari_histoalign.plugin.result_layers import ResultLayers

R = TypeVar("R")
State = Literal["ready", "running", "cancelling", "exporting"]
Job = Callable[[], Iterator[R]]
"""Work in the background, which yields reports of a kind."""


class Panel(Protocol):
    """What the presenter needs of the dock."""

    def show_status(self, text: str, *, error: bool = False) -> None:
        """Show one line of text."""

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far a run is; None: it is not known yet."""

    def show_state(self, state: State) -> None:
        """Enable what can be done in this state."""

    def show_results(self, results: ResultLayers) -> None:
        """Offer the result layers that can be looked at."""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show what goes with scores at rest: warnings about prompts, steps, notes."""


class Runner(Protocol):
    """Runs one job in a worker thread and reports on the main thread."""

    def start(
        self,
        job: Job[R],
        on_report: Callable[[R], None],
        on_error: Callable[[Exception], None],
        on_end: Callable[[], None],
    ) -> None:
        """Start a job. `on_end` comes last, after an error too."""


class Runners(Protocol):
    """Makes runners: one for each lane of work."""

    def __call__(self) -> Runner:
        """A runner of its own."""
