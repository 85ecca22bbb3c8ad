"""Undo and redo by buttons and by keys, also where a text field has keys of its own for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import QToolButton

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

UNDO = (QKeySequence.StandardKey.Undo,)
REDO = (QKeySequence.StandardKey.Redo, "Ctrl+Shift+Z", "Ctrl+Y")


class StepButton(QToolButton):
    """Undo or redo.

    Parameters
    ----------
    sign, name
        What it shows, and what it is called.
    """

    def __init__(self, sign: str, name: str) -> None:
        super().__init__()
        self._name = name
        self.setText(sign)
        self.setAccessibleName(name)
        self.setAutoRaise(True)
        self.offer("")

    def offer(self, what: str) -> None:
        """Say what it would undo or redo; nothing where there is nothing."""
        self.setEnabled(bool(what))
        self.setToolTip(f"{self._name}: {what.lower()}" if what else self._name)


class UndoKeys(QObject):
    """Ctrl+Z and Ctrl+Shift+Z (or the platform's own) anywhere in a widget.

    Text fields would take these keys for their own letters; those handed to `watch` do not.

    Parameters
    ----------
    widget
        Within which the keys work.
    undo, redo
        What they do.
    """

    def __init__(self, widget: QWidget, undo: Callable[[], object], redo: Callable[[], object]) -> None:
        super().__init__(widget)
        self._acts: dict[str, Callable[[], object]] = {}
        for keys, act in ((UNDO, undo), (REDO, redo)):
            self._acts |= {QKeySequence(key).toString(): act for key in keys}  # the platform's, asked late
        for text, act in self._acts.items():
            if text:
                shortcut = QShortcut(QKeySequence(text), widget)
                shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                shortcut.activated.connect(act)

    def watch(self, field: QWidget) -> None:
        """Take the keys from a text field."""
        field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave the keys to the field neither as a shortcut of its own nor as typing."""
        kinds = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)
        if event.type() in kinds and isinstance(event, QKeyEvent):
            act = self._acts.get(QKeySequence(event.keyCombination()).toString())
            if act is not None:
                event.accept()
                if event.type() == QEvent.Type.KeyPress:
                    act()
                return True
        return super().eventFilter(watched, event)
