"""Jobs in napari's worker threads; reports come back on the main thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari_histoalign.plugin.seams import Job, R


class ThreadRunner(QObject):
    """Runs one job at a time.

    It is a QObject so that signals of a worker which outlives the dock are
    delivered to the main thread while the dock is there and to nobody afterwards.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: Any = None
        self._on_report: Callable[[Any], None]
        self._on_error: Callable[[Exception], None]
        self._on_end: Callable[[], None]

    def start(
        self,
        job: Job[R],
        on_report: Callable[[R], None],
        on_error: Callable[[Exception], None],
        on_end: Callable[[], None],
    ) -> None:
        """Start a job in a worker thread; an error is also shown as napari's notification."""
        self._on_report, self._on_error, self._on_end = on_report, on_error, on_end
        worker = create_worker(_reports, job, _start_thread=False, _ignore_errors=True)
        worker.yielded.connect(self._yielded)
        worker.errored.connect(self._errored)
        worker.finished.connect(self._finished)
        self._worker = worker
        worker.start()

    def _yielded(self, report: Any) -> None:
        self._on_report(report)

    def _errored(self, error: Exception) -> None:
        # whether napari's worker has shown it by now depends on the Qt binding
        if not any(getattr(shown, "exception", None) is error for shown in notification_manager.records):
            notification_manager.receive_error(type(error), error, error.__traceback__)
        self._on_error(error)

    def _finished(self) -> None:
        self._worker = None
        self._on_end()


def _reports(job: Job[R]) -> Iterator[R]:
    """A generator function, as napari wants it."""
    yield from job()
