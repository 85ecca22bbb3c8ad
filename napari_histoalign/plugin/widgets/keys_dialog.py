"""The keys, on one page that may stay open beside the work."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QSize, Qt
from qtpy.QtGui import QIcon, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_histoalign.plugin.keys import HELP_KEY, KEYS, KeyRow, KeyTable

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
SIZE_PX = QSize(480, 620)
CAP = "border: 1px solid rgba(128, 128, 128, 160); border-radius: 4px; padding: 1px 6px;"
"""Half see-through, so that the edge of a key shows on light and dark."""


class KeysDialog(QDialog):
    """Lists keys by where they work. It is not modal: keys can be tried beside it.

    Parameters
    ----------
    table
        What to list.
    parent
        Owner.
    """

    def __init__(self, table: KeyTable = KEYS, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("HistoAlign keys")
        self.setModal(False)
        self.resize(SIZE_PX)
        content = QWidget()
        self._rows = QVBoxLayout(content)
        self._rows.setSpacing(4)
        self._fill(table)
        self._rows.addStretch(1)
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setWidget(content)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())  # no words, no use
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.scroll, 1)
        layout.addWidget(self.buttons)
        self.scroll.setFocus()  # arrows and page keys scroll

    def _fill(self, table: KeyTable) -> None:
        for group in table.groups:
            title = QLabel(group.where)
            title.setStyleSheet(f"font-weight: bold; padding-top: {10 if self._rows.count() else 0}px;")
            self._rows.addWidget(title)
            for row in group.rows:
                what = QLabel(row.what)
                what.setWordWrap(True)
                what.setAccessibleDescription(spoken(row))
                line = QHBoxLayout()
                line.setSpacing(12)
                line.addWidget(what, 1)
                line.addWidget(_caps(row), 0, RIGHT)
                self._rows.addLayout(line)


class KeysHelp(QObject):
    """A button and a key that show the keys; the dialog is made when it is first wanted.

    Parameters
    ----------
    parent
        The dock; F1 works anywhere in its window.
    table
        Asked each time.

    Attributes
    ----------
    button
        To be put somewhere in the dock.
    dialog
        None before it was wanted.
    """

    def __init__(self, parent: QWidget, table: Callable[[], KeyTable] = lambda: KEYS) -> None:
        super().__init__(parent)
        self._parent, self._table = parent, table
        self.dialog: KeysDialog | None = None
        self.button = QToolButton(parent)
        self.button.setText("?")
        self.button.setAutoRaise(True)
        self.button.setToolTip(f"Show the keys ({HELP_KEY})")
        self.button.setAccessibleName("Keys")
        self.button.clicked.connect(self.open)
        self._shortcut = QShortcut(QKeySequence(HELP_KEY), parent)
        self._shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        self._shortcut.activated.connect(self.open)

    def open(self) -> None:
        """Show the keys, in front."""
        if self.dialog is None:
            self.dialog = KeysDialog(self._table(), self._parent)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()


def native(keys: str) -> str:
    """A key as this platform writes it."""
    return str(QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText))


def spoken(row: KeyRow) -> str:
    """The keys of a row in words: "1 to 9", "N or Right"."""
    return (" to " if row.span else " or ").join(native(keys) for keys in row.keys)


def _caps(row: KeyRow) -> QWidget:
    """The keys of a row, each as a key cap."""
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(4)
    for i, keys in enumerate(row.keys):
        if i:
            line.addWidget(QLabel("to" if row.span else "or"))
        cap = QLabel(native(keys))
        cap.setStyleSheet(CAP)
        line.addWidget(cap)
    return holder
