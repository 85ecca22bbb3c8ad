"""Calls that come later, and never after whoever asked for them is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QObject


class Later:
    """Calls functions after a while, on the main thread, as long as its parent lives.

    Parameters
    ----------
    parent
        Whose timers they are.
    """

    def __init__(self, parent: QObject) -> None:
        self._parent = parent

    def __call__(self, seconds: float, call: Callable[[], object]) -> None:
        """Call a function after so many seconds."""
        timer = QTimer(self._parent, singleShot=True, interval=round(1000 * seconds))
        timer.timeout.connect(lambda: call())
        timer.timeout.connect(timer.deleteLater)
        timer.start()
