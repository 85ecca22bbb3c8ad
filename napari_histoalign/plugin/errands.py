"""Small questions answered in the background: the latest of a kind counts, older answers never land."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from napari_histoalign.errors import HistoalignError

if TYPE_CHECKING:
    from napari_histoalign.plugin.seams import Runner

T = TypeVar("T")
log = logging.getLogger(__name__)


class Errands:
    """Runs functions one after the other in a worker thread and hands their results back on the main one.

    Parameters
    ----------
    runner
        Runs them.
    say
        Shows a sentence: why one could not be done.
    """

    def __init__(self, runner: Runner, say: Callable[[str], None] = lambda sentence: None) -> None:
        self._runner = runner
        self._say = say
        self._waiting: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        self._numbers: dict[str, int] = {}
        self._count = 0
        self._busy = False
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether one is being done."""
        return self._busy

    def ask(self, key: str, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Have something done in the background.

        Parameters
        ----------
        key
            What kind of question it is: of those that wait under a key only the latest is done, and an
            answer that a later question has overtaken is dropped.
        work
            What to do; it touches neither Qt nor the viewer.
        done
            Called with its result on the main thread.
        """
        self._count += 1
        self._numbers[key] = self._count
        self._waiting[key] = (work, done)
        self._next()

    def forget(self, key: str) -> None:
        """Nobody waits for this any more."""
        self._waiting.pop(key, None)
        self._numbers.pop(key, None)

    def close(self) -> None:
        """Do nothing more, and hand nothing back."""
        self._closed = True
        self._waiting.clear()
        self._numbers.clear()

    def _next(self) -> None:
        if self._busy or self._closed or not self._waiting:
            return
        key = next(iter(self._waiting))
        work, done = self._waiting.pop(key)
        number = self._numbers[key]

        def job() -> Iterator[Any]:
            try:
                yield (work(),)
            except RuntimeError as err:  # a generator's worker would swallow it
                raise HistoalignError(f"Something went wrong in the background: {err}") from err

        def land(result: tuple[Any]) -> None:
            if not self._closed and self._numbers.get(key) == number:
                done(result[0])

        def fail(error: Exception) -> None:
            log.debug("errand %s", key, exc_info=error)
            if not self._closed and self._numbers.get(key) == number:
                self._say(str(error) or type(error).__name__)

        def end() -> None:
            self._busy = False
            self._next()

        self._busy = True
        self._runner.start(job, land, fail, end)
