"""One class of a prompt set: colour, name, role and its prompts, one a line."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QFontMetrics, QResizeEvent
from qtpy.QtWidgets import (
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from napari_histoalign.plugin.widgets.parts import SWATCH_PX, narrow_combo, swatch

ROLES = (("lesion", "lesion"), ("tissue", "tissue"), ("background", "background"))
MIN_LINES, MAX_LINES = 2, 14
TEXT_STYLE = (
    "QPlainTextEdit { border: 1px solid rgba(128, 128, 128, 110); border-radius: 3px;"
    " background: rgba(128, 128, 128, 30); font-size: 12px; }"
)


class ClassEditor(QFrame):
    """Edits one class; a change of anything emits `changed`.

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
    removed = Signal()

    def __init__(self, name: str, prompts: tuple[str, ...], color: str, role: str) -> None:
        super().__init__()
        self._color = color
        self.swatch = QToolButton()
        self.swatch.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        self.swatch.setAutoRaise(True)
        self.swatch.setToolTip("Colour of this class")
        self.swatch.setAccessibleName("Colour")
        self.swatch.clicked.connect(self._choose_color)
        self.name = QLineEdit(name)
        self.name.setPlaceholderText("class name")
        self.name.setToolTip("Name of the class, as it appears in the layers and in QuPath")
        self.name.editingFinished.connect(self.changed)
        self.role = narrow_combo(
            ROLES,
            "lesion: what is looked for; tissue: other tissue; background: scored, never drawn",
        )
        self.role.setMinimumContentsLength(6)
        self.role.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.role.setCurrentIndex(max(0, self.role.findData(role)))
        self.role.currentIndexChanged.connect(self.changed)
        self.remove = QToolButton()
        self.remove.setText("✕")
        self.remove.setAutoRaise(True)
        self.remove.setToolTip("Remove this class")
        self.remove.clicked.connect(self.removed)
        self.text = QPlainTextEdit("\n".join(prompts))
        self.text.setPlaceholderText("one description a line")
        self.text.setToolTip("What this class looks like, in plain words: one prompt a line")
        self.text.setStyleSheet(TEXT_STYLE)
        self.text.setTabChangesFocus(True)
        self.text.textChanged.connect(self._fit_height)
        self.text.textChanged.connect(self.changed)
        self._set_swatch()
        self._fit_height()

        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.swatch)
        row.addWidget(self.name, 1)
        row.addWidget(self.role)
        row.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.text)

    @property
    def color(self) -> str:
        """``#rrggbb``."""
        return self._color

    def prompts(self) -> tuple[str, ...]:
        """The prompts, without empty lines and surrounding blanks."""
        return tuple(line.strip() for line in self.text.toPlainText().splitlines() if line.strip())

    def set_color(self, color: str) -> None:
        """Set the colour, ``#rrggbb``."""
        if color != self._color:
            self._color = color
            self._set_swatch()
            self.changed.emit()

    def _choose_color(self) -> None:
        color = QColorDialog.getColor(QColor(self._color), self, "Colour of the class")
        if color.isValid():
            self.set_color(color.name())

    def _set_swatch(self) -> None:
        self.swatch.setIcon(swatch(self._color))

    def _fit_height(self) -> None:
        """As high as its lines, wrapped ones counted, within bounds."""
        wanted = int(self.text.document().size().height())  # a plain-text document counts in lines
        lines = min(max(wanted, MIN_LINES), MAX_LINES)
        policies = Qt.ScrollBarPolicy
        self.text.setVerticalScrollBarPolicy(
            policies.ScrollBarAsNeeded if wanted > MAX_LINES else policies.ScrollBarAlwaysOff
        )
        spacing = QFontMetrics(self.text.font()).lineSpacing()
        self.text.setFixedHeight(lines * spacing + 2 * int(self.text.document().documentMargin()) + 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrapping changes with the width."""
        super().resizeEvent(event)
        self._fit_height()
