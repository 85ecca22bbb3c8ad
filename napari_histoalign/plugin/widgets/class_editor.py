"""One class of a prompt set: colour, name, visibility, role, and its prompts, one a line."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QAction, QColor
from qtpy.QtWidgets import (
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from napari_histoalign.plugin.markup import WARNING_COLOR, warning
from napari_histoalign.plugin.widgets.parts import SWATCH_PX, narrow_combo, note, swatch
from napari_histoalign.plugin.widgets.prompt_eye import EyeButton
from napari_histoalign.plugin.widgets.prompt_text import PromptText

if TYPE_CHECKING:
    from napari_histoalign.alignment.prompt_draft import DraftClass
    from napari_histoalign.plugin.widgets.prompt_marks import PromptMarks

ROLES = (("lesion", "lesion"), ("tissue", "tissue"), ("background", "background"))
ROLE_STYLE = "QComboBox { padding: 3px 2px 3px 6px; } QComboBox::drop-down { width: 18px; }"
"""Leaves more room for the name."""
MOST_WARNINGS = 3


class ClassEditor(QFrame):
    """Edits one class. It shows what it is given, and says what a person wants; it decides nothing.

    Signals
    -------
    changed
        Anything of the class itself: name, colour, role or prompts.
    renamed, recolored, role_chosen
        The new value.
    typed
        The lines changed.
    line_moved
        A line, and by how many lines it should move.
    line_doubled
        A line to copy.
    paused
        Typing is over for now.
    visibility_toggled
        Whether the class should be shown.
    move_requested
        By how many places the class should move.
    duplicate_requested, removed
        The menu.

    Parameters
    ----------
    name
        Class name.
    prompts
        One a line in the text box.
    color
        ``#rrggbb``.
    role
        "lesion", "tissue" or "background".
    """

    changed = Signal()
    renamed = Signal(str)
    recolored = Signal(str)
    role_chosen = Signal(str)
    typed = Signal()
    line_moved = Signal(int, int)
    line_doubled = Signal(int)
    paused = Signal()
    visibility_toggled = Signal(bool)
    move_requested = Signal(int)
    duplicate_requested = Signal()
    removed = Signal()

    def __init__(self, name: str, prompts: tuple[str, ...], color: str, role: str) -> None:
        super().__init__()
        self._color = color
        self._shown_name = name
        self.swatch = QToolButton()
        self.swatch.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        self.swatch.setAutoRaise(True)
        self.swatch.setToolTip("Colour of this class")
        self.swatch.setAccessibleName("Colour")
        self.swatch.clicked.connect(self._choose_color)
        self.name = QLineEdit(name)
        self.name.setCursorPosition(0)
        self.name.setPlaceholderText("class name")
        self.name.setToolTip("Name of the class, as it appears in the layers and in QuPath")
        self.name.editingFinished.connect(self.commit)
        self.eye = EyeButton()
        self.eye.toggled.connect(self.visibility_toggled)
        self.role = narrow_combo(
            ROLES,
            "lesion: what is looked for; tissue: other tissue; background: scored, never drawn",
        )
        self.role.setMinimumContentsLength(6)
        self.role.setStyleSheet(ROLE_STYLE)
        self.role.setAccessibleName("Role")
        self.role.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.role.setCurrentIndex(max(0, self.role.findData(role)))
        self.role.currentIndexChanged.connect(self._on_role)
        self.more = self._menu()
        self.text = PromptText("\n".join(prompts))
        self.text.gutter.set_color(color)
        self.text.setAccessibleName("Prompts")
        self.text.textChanged.connect(self._on_text)
        self.text.move_requested.connect(self.line_moved)
        self.text.double_requested.connect(self.line_doubled)
        self.text.left.connect(self.paused)
        self.warnings = note()
        self.warnings.hide()
        self._set_swatch()

        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.swatch)
        row.addWidget(self.name, 1)
        row.addWidget(self.eye)
        row.addWidget(self.role)
        row.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.text)
        layout.addWidget(self.warnings)

    @property
    def color(self) -> str:
        """``#rrggbb``."""
        return self._color

    def prompts(self) -> tuple[str, ...]:
        """The prompts, without empty lines and surrounding blanks."""
        return tuple(line.strip() for line in self.text.lines() if line.strip())

    def set_color(self, color: str) -> None:
        """Another colour, ``#rrggbb``, as if a person had chosen it."""
        if color != self._color:
            self._show_color(color)
            self.recolored.emit(color)
            self.changed.emit()

    def show_class(self, draft: DraftClass, cursor_line: int | None = None) -> None:
        """Show a class without a signal.

        Parameters
        ----------
        draft
            What to show.
        cursor_line
            Line to put the cursor on; it stays where it is by default.
        """
        if draft.name != self._shown_name or draft.name != self.name.text():
            self._shown_name = draft.name
            self.name.setText(draft.name)
            self.name.setCursorPosition(0)
        if draft.color != self._color:
            self._show_color(draft.color)
        blocked = self.role.blockSignals(True)
        self.role.setCurrentIndex(max(0, self.role.findData(draft.role)))
        self.role.blockSignals(blocked)
        self.text.set_lines(draft.prompts, cursor_line)
        self._show_warnings()

    def show_marks(self, marks: PromptMarks) -> None:
        """Show shares and warnings of the lines."""
        self.text.set_marks(marks)
        self._show_warnings()

    def show_fault(self, faulty: bool) -> None:
        """Mark the class as one that cannot be used as it is."""
        style = f"QLineEdit {{ border-bottom: 2px solid {WARNING_COLOR}; }}" if faulty else ""
        if self.name.styleSheet() != style:
            self.name.setStyleSheet(style)

    def commit(self) -> None:
        """Take a name that is still being typed."""
        if self.name.text() != self._shown_name:
            self._shown_name = self.name.text()
            self.renamed.emit(self._shown_name)
            self.changed.emit()

    def _on_text(self) -> None:
        self._show_warnings()
        self.typed.emit()
        self.changed.emit()

    def _on_role(self) -> None:
        self.role_chosen.emit(self.role.currentData())
        self.changed.emit()

    def _choose_color(self) -> None:
        color = QColorDialog.getColor(QColor(self._color), self, "Colour of the class")
        if color.isValid():
            self.set_color(color.name())

    def _show_color(self, color: str) -> None:
        self._color = color
        self.text.gutter.set_color(color)
        self._set_swatch()

    def _set_swatch(self) -> None:
        self.swatch.setIcon(swatch(self._color))

    def _show_warnings(self) -> None:
        """What the marks beside the lines mean, for those who hover over nothing."""
        lines = dict.fromkeys(self.prompts())
        found = [(line, said) for line in lines if (said := self.text.marks.warning(line))]
        told = [f"{escape(_short(line))}: {warning(said)}" for line, said in found[:MOST_WARNINGS]]
        if len(found) > MOST_WARNINGS:
            told.append(f"and {len(found) - MOST_WARNINGS} more; point at their lines.")
        self.warnings.setText("<br>".join(told))
        self.warnings.setVisible(bool(told))

    def _menu(self) -> QToolButton:
        """What is done to a class as a whole; the keys work anywhere within it."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.up = self._action(menu, "Move up", "Ctrl+Shift+Up", lambda: self.move_requested.emit(-1))
        self.down = self._action(menu, "Move down", "Ctrl+Shift+Down", lambda: self.move_requested.emit(1))
        self.duplicate = self._action(menu, "Duplicate", "Ctrl+Shift+D", self.duplicate_requested.emit)
        menu.addSeparator()
        self.remove = self._action(menu, "Remove", "", self.removed.emit)
        button = QToolButton()
        button.setText("⋯")
        button.setAutoRaise(True)
        button.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(menu)
        button.setToolTip("Move, duplicate or remove this class")
        button.setAccessibleName("More")
        return button

    def _action(self, menu: QMenu, text: str, keys: str, act: object) -> QAction:
        action = menu.addAction(text)
        action.setShortcut(keys)
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda: act())  # type: ignore[operator]
        self.addAction(action)
        return action


def _short(line: str) -> str:
    return line if len(line) <= 28 else f"{line[:27]}..."
