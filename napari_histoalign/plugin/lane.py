"""One job after the other, without Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_histoalign.plugin.jobs import Report
    from napari_histoalign.plugin.seams import Job, Runner


class Lane:
    """Runs jobs in a thread of its own; of those that are asked for while one runs, the latest is next.

    Parameters
    ----------
    runner
        Runs them.
    on_report, on_error, on_end
        Called on the main thread; `on_end` when nothing waits any more.
    """

    def __init__(
        self,
        runner: Runner,
        on_report: Callable[[Report], None],
        on_error: Callable[[Exception], None],
        on_end: Callable[[], None],
    ) -> None:
        self._runner = runner
        self._on_report, self._on_error, self._on_end = on_report, on_error, on_end
        self._busy = False
        self._waiting: Job[Report] | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._busy

    def start(self, job: Job[Report]) -> None:
        """Run a job, now or after the one that runs."""
        if self._busy:
            self._waiting = job
            return
        self._busy = True
        self._runner.start(job, self._on_report, self._on_error, self._ended)

    def _ended(self) -> None:
        self._busy = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.start(waiting)
        else:
            self._on_end()
