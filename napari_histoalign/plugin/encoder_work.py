"""Adding, downloading and removing an encoder as work in the background; no Qt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_histoalign.errors import HistoalignError
from napari_histoalign.plugin.encoder_texts import progress_text, sentence, size_text

if TYPE_CHECKING:
    from napari_histoalign.encoders import Added
    from napari_histoalign.plugin.encoder_seams import Steps

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """Work that succeeded: what to say, and which encoder to show."""

    text: str
    name: str


@dataclass(frozen=True)
class NotDone:
    """Work that failed or was stopped: why, and which of the two."""

    text: str
    failed: bool


class Stopped(HistoalignError):
    """The person stopped the work; says what is left of it."""


class Work:
    """One piece of work: runs in a worker thread, is watched and stopped from the window.

    Parameters
    ----------
    title
        What is done, such as "Adding PLIP".
    action
        Does it; gets this object to report to and to ask whether to stop.
    """

    def __init__(self, title: str, action: Callable[[Work], Done]) -> None:
        self.title = title
        self._action = action
        self._stop = threading.Event()
        self._moved = (0, 0)
        self._clock: tuple[int, float] | None = None

    def __call__(self) -> Iterator[Done | NotDone]:
        """Do it; whatever happens becomes one report with a sentence."""
        try:
            done = self._action(self)
        except (HistoalignError, OSError) as err:
            yield NotDone(str(err), failed=not self.stopping)
        except Exception as err:  # the edge of the thread: the window has to hear of it, the log of its cause
            log.exception("Unforeseen while %s", self.title)
            text = f"{self.title} failed for a reason nobody foresaw ({type(err).__name__}: {err})."
            yield NotDone(text, failed=True)
        else:
            yield done

    @property
    def stopping(self) -> bool:
        """Whether it shall stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask it to stop."""
        self._stop.set()

    def moved(self, done: int, total: int) -> None:
        """So many bytes are here (of 0 while that is not known); called from the worker thread."""
        self._moved = done, total

    def progress(self) -> tuple[float | None, str]:
        """How far it is between 0 and 1 (None: not known), in words too."""
        if self.stopping:
            return None, f"{self.title}: stopping ..."
        done, total = self._moved
        now = time.monotonic()
        if self._clock is None or done < self._clock[0]:  # the next file, or a new try
            self._clock = done, now
        if total and done >= total:
            return None, f"{self.title}: the files are here; trying them out ..."
        text = progress_text(done, total, self._clock[0], now - self._clock[1])
        return done / total if total else None, f"{self.title}: {text}" if text else f"{self.title} ..."


def adding(steps: Steps, name: str, path: Path, **options: object) -> Callable[[Work], Done]:
    """Add an encoder; options as for `add_encoder`."""

    def action(work: Work) -> Done:
        def moved(done: int, total: int) -> None:
            if work.stopping:
                raise Stopped("Stopped: nothing was added.")
            work.moved(done, total)

        return _say(steps.add(name, path, steps.open_library(), on_progress=moved, **options))

    return action


def downloading(steps: Steps, name: str, token: str | None) -> Callable[[Work], Done]:
    """Download an encoder."""

    def action(work: Work) -> Done:
        return _say(
            steps.download(
                name,
                steps.open_library(),
                on_progress=work.moved,
                cancelled=lambda: work.stopping,
                token=token,
            )
        )

    return action


def removing(steps: Steps, name: str, title: str) -> Callable[[Work], Done]:
    """Remove an encoder's files."""

    def action(work: Work) -> Done:
        return Done(f"{title} was removed: {steps.open_library().remove(name)} is gone.", name)

    return action


def _say(added: Added) -> Done:
    record = added.record
    size = size_text(sum(f.size for f in record.files.values()))
    text = (
        f"{record.spec.title} was added ({size}): its files fit, and it embedded test tiles and prompts. "
        f"It can be chosen in the dock now. {sentence(record.spec.notice)}"
    )
    if added.unlike:
        text += (
            f" {', '.join(added.unlike)} fits, but is not the file that the publisher is known to have: "
            "another version, or changed."
        )
    for remark in added.remarks:
        text += f" {sentence(remark)}"
    return Done(text.strip(), record.spec.name)
