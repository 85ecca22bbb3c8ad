"""Where a worker thread ends: whatever goes wrong becomes a sentence, so that the window goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from napari_histoalign.errors import HistoalignError

T = TypeVar("T")
log = logging.getLogger(__name__)


def told(what: str, work: Callable[[], T]) -> T | str:
    """What a piece of work comes to, or why it failed.

    Parameters
    ----------
    what
        What is done, as the beginning of a sentence: "Opening the session".
    work
        Does it; it returns no text of its own.
    """
    try:
        return work()
    except (HistoalignError, OSError) as err:
        return str(err)
    except Exception as err:  # the cause goes to the log
        log.exception("Unforeseen: %s", what)
        return f"{what} failed for a reason nobody foresaw ({type(err).__name__}: {err})."
